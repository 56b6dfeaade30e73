#include "tests/sim/last_words.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include <fmt/format.h>

namespace phoenix::simtest {
namespace {

// Written beforehand: a signal handler may do no more than write(2).
std::array<char, 256> text;
std::size_t text_bytes = 0;

constexpr std::array<int, 5> kSignals{SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE};
std::array<struct sigaction, kSignals.size()> before;

// A fault happens again when this returns; an abort has to be raised again.
void say(int signal) {
  (void)!write(STDOUT_FILENO, text.data(), text_bytes);
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal) sigaction(signal, &before[i], nullptr);
  }
  if (signal == SIGABRT) (void)raise(signal);
}

}  // namespace

void prepare_last_words() {
  static std::array<char, 65'536> stack;  // A stack that has overflowed cannot say anything.
  stack_t alternate{};
  alternate.ss_sp = stack.data();
  alternate.ss_size = stack.size();
  sigaltstack(&alternate, nullptr);
  struct sigaction action {};
  action.sa_handler = say;
  action.sa_flags = SA_ONSTACK | SA_NODEFER;
  for (std::size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], &action, &before[i]);
}

void note_running(std::string_view what, std::uint64_t seed, std::string_view arguments) {
  const auto end = fmt::format_to_n(
      text.data(), text.size(), "\nABORTED in {}, seed {}\nrepeat: phoenix-simulate --from {}{}\n",
      what, seed, seed, arguments);
  text_bytes = std::min(end.size, text.size());
}

}  // namespace phoenix::simtest
