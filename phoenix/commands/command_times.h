// How long the calls of a command took, as LATENCY HISTOGRAM and INFO tell it: counted in ranges
// of time that double, with the bounds of Redis's histogram.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace phoenix::commands {

/// Of all cores. What was timed stands for all calls; it is exact where each of them was timed.
struct CommandTimes {
  static constexpr std::size_t kRanges = 21;

  /// The longest time that is still in a range: about 1 us in the first, twice that in each next.
  /// The last one has everything above, too.
  static constexpr std::uint64_t end_ns(std::size_t range) {
    // Redis counts to two digits: 1024 ns and the next 7 are one value there.
    return ((std::uint64_t{1024} + 8) << range) - 1;
  }
  static constexpr std::size_t range_of(std::uint64_t ns) {
    const auto bits = static_cast<std::size_t>(std::bit_width(ns / 1024));
    const std::size_t range = bits > 0 && ns <= end_ns(bits - 1) ? bits - 1 : bits;
    return std::min(range, kRanges - 1);
  }

  std::uint64_t calls = 0;
  std::uint64_t total_us = 0;
  bool is_known = false;                       // Else none of them was timed.
  std::array<std::uint64_t, kRanges> up_to{};  // Calls that took at most end_ns() of the range.
};

}  // namespace phoenix::commands
