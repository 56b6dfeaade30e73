// A point in time by which something must have happened, for poll().
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>

namespace phoenix::client {

class Deadline final {
 public:
  /// `timeout_ms` from now; 0 is never.
  static Deadline after(std::uint32_t timeout_ms) {
    Deadline deadline;
    deadline.never_ = timeout_ms == 0;
    deadline.at_ = Clock::now() + std::chrono::milliseconds(timeout_ms);
    return deadline;
  }

  /// As poll() wants it: -1 is never. Rounded up, so that a poll that timed out means a deadline
  /// that has passed.
  int poll_timeout_ms() const {
    if (never_) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(at_ - Clock::now()).count();
    if (left <= 0) return 0;
    constexpr auto kMax = std::numeric_limits<int>::max();
    return left > kMax ? kMax : static_cast<int>(left);
  }

 private:
  using Clock = std::chrono::steady_clock;

  bool never_ = true;
  Clock::time_point at_;
};

}  // namespace phoenix::client
