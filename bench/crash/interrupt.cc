#include "bench/crash/interrupt.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <thread>

namespace phoenix::bench::crash {
namespace {

std::atomic<bool> noted{false};
static_assert(std::atomic<bool>::is_always_lock_free);  // A signal handler sets it.

void note(int /*signal*/) {
  noted = true;
}

}  // namespace

InterruptNote::InterruptNote() {
  noted = false;
  interrupt_before_ = std::signal(SIGINT, note);
  terminate_before_ = std::signal(SIGTERM, note);
}

InterruptNote::~InterruptNote() {
  static_cast<void>(std::signal(SIGINT, interrupt_before_));
  static_cast<void>(std::signal(SIGTERM, terminate_before_));
}

bool InterruptNote::was_interrupted() {
  return noted;
}

void sleep_ms(double ms) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  constexpr Milliseconds kNap{20};  // A signal may come to another thread.
  const auto begin = std::chrono::steady_clock::now();
  for (;;) {
    const Milliseconds left = Milliseconds(ms) - (std::chrono::steady_clock::now() - begin);
    if (noted || left <= Milliseconds(0)) return;
    std::this_thread::sleep_for(std::min(left, kNap));
  }
}

}  // namespace phoenix::bench::crash
