// A core's timers: a binary heap by deadline. Arming, re-arming and cancelling are O(log n); the
// timer belongs to its owner and only remembers its place in the heap.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace phoenix::io {

/// Embedded in its owner, which must cancel it before it goes away. When due, resumes `waiter`.
struct Timer {
  static constexpr std::size_t kNotArmed = ~std::size_t{0};

  Timer() = default;
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;

  bool armed() const { return place != kNotArmed; }

  std::coroutine_handle<> waiter;
  std::uint64_t deadline_ns = 0;
  std::size_t place = kNotArmed;
};

class Timers final {
 public:
  Timers() = default;
  Timers(const Timers&) = delete;
  Timers& operator=(const Timers&) = delete;

  /// Sets or moves the deadline.
  void arm(Timer& timer, std::uint64_t deadline_ns);
  /// Does nothing to a timer that is not armed.
  void cancel(Timer& timer) noexcept;

  /// io::kNoDeadline when nothing is armed.
  std::uint64_t next_deadline_ns() const;

  /// Resumes the waiters of all timers that are due at `now_ns`, in order of their deadlines; those
  /// armed meanwhile wait for the next call, so a call is bounded.
  void run_due(std::uint64_t now_ns);

 private:
  void place_at(std::size_t place, Timer& timer);
  void sift_up(std::size_t place);
  void sift_down(std::size_t place);

  std::vector<Timer*> heap_;
  std::vector<Timer*> due_;
};

}  // namespace phoenix::io
