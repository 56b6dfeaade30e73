// Time is an argument or comes from a Clock that main (or a test) hands in.
#pragma once

#include <cstdint>

namespace phoenix {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  virtual ~Clock() = default;

  /// Milliseconds since the Unix epoch; may step back and forth.
  virtual std::int64_t wall_ms() const = 0;

  /// Nanoseconds since some fixed point; never steps back.
  virtual std::uint64_t monotonic_ns() const = 0;
};

inline constexpr std::uint64_t kNanosPerMs = 1'000'000;
inline constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;

}  // namespace phoenix
