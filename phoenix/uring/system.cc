#include "phoenix/uring/system.h"

#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "phoenix/base/check.h"

namespace phoenix::uring {
namespace {

timespec read_clock(clockid_t id) {
  timespec time{};
  PHX_CHECK(clock_gettime(id, &time) == 0);
  return time;
}

// One write, so that messages of several threads do not mix. Nothing better can be done with an
// error here: the process ends, and its exit status tells.
void print_error(std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::int64_t SystemClock::wall_ms() const {
  const timespec time = read_clock(CLOCK_REALTIME);
  return std::int64_t{time.tv_sec} * 1000 + time.tv_nsec / 1'000'000;
}

std::uint64_t SystemClock::monotonic_ns() const {
  const timespec time = read_clock(CLOCK_MONOTONIC);
  return static_cast<std::uint64_t>(time.tv_sec) * kNanosPerSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t SystemRandom::next() {
  if (used_ == kBlock) {
    ssize_t size = -1;
    do {
      size = getrandom(block_.data(), sizeof(block_), 0);
    } while (size < 0 && errno == EINTR);
    PHX_CHECK(size == ssize_t{sizeof(block_)});
    used_ = 0;
  }
  return block_[used_++];
}

void ExitOnFailure::raise(const std::string& message) {
  print_error("phoenix-server: fatal: " + message + "\n");
  _exit(kFatalExitStatus);
}

}  // namespace phoenix::uring
