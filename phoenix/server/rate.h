// How fast a counter has grown lately.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "phoenix/base/clock.h"

namespace phoenix::server {

/// The mean over the last samples; at a sample per tick these are two seconds.
class Rate final {
 public:
  /// Takes the counter's value at `now_ns`, and returns what it grew by per second. A counter that
  /// has fallen was begun anew.
  std::uint64_t sample(std::uint64_t total, std::uint64_t now_ns) {
    const Point& last = points_[(next_ + points_.size() - 1) % points_.size()];
    if (total < last.total) *this = Rate();
    Point& oldest = points_[next_];
    const Point first = oldest.at_ns != 0 ? oldest : points_[0];
    oldest = {total, now_ns};
    next_ = (next_ + 1) % points_.size();
    if (first.at_ns == 0 || now_ns <= first.at_ns) return 0;
    return (total - first.total) * kNanosPerSecond / (now_ns - first.at_ns);
  }

 private:
  struct Point {
    std::uint64_t total = 0;
    std::uint64_t at_ns = 0;  // 0: none yet.
  };

  std::array<Point, 8> points_;
  std::size_t next_ = 0;
};

}  // namespace phoenix::server
