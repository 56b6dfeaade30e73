#include "bench/crash/interrupt.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

namespace phoenix::bench::crash {
namespace {

std::atomic<unsigned> noted{0};
static_assert(std::atomic<unsigned>::is_always_lock_free);  // A signal handler counts with it.

void note(int signal) {
  // Others than Ctrl-C may well come twice: timeout(1) sends its own to the process and to its
  // group.
  if (noted == 0 || signal == SIGINT) ++noted;
}

}  // namespace

InterruptNote::InterruptNote() {
  noted = 0;
  struct sigaction action {};
  action.sa_handler = note;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    Before before{signal, {}};
    if (sigaction(signal, nullptr, &before.action) != 0) continue;
    // Under nohup it is to be survived.
    if (signal == SIGHUP && before.action.sa_handler == SIG_IGN) continue;
    if (sigaction(signal, &action, nullptr) == 0) before_.push_back(before);
  }
}

InterruptNote::~InterruptNote() {
  for (const Before& before : before_) {
    static_cast<void>(sigaction(before.signal, &before.action, nullptr));
  }
}

bool InterruptNote::was_interrupted() {
  return noted != 0;
}

bool InterruptNote::is_urgent() {
  return noted > 1;
}

void sleep_ms(double ms) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  constexpr Milliseconds kNap{20};  // A signal may come to another thread.
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const Milliseconds left = Milliseconds(ms) - (std::chrono::steady_clock::now() - begin);
    if (noted != 0 || left <= Milliseconds(0)) return;
    std::this_thread::sleep_for(std::min(left, kNap));
  }
}

}  // namespace phoenix::bench::crash
