// What every report takes from a result in the same way.
#pragma once

#include <array>

#include "bench/load/result.h"

namespace phoenix::bench {

struct Percentile {
  const char* name;
  double percent;
};

/// The percentiles that every report names.
inline constexpr std::array<Percentile, 5> kPercentiles{
    Percentile{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}};

inline double operations_per_s(const TimelineSecond& second) {
  return second.length_s > 0 ? static_cast<double>(second.counts.replies) / second.length_s : 0;
}

}  // namespace phoenix::bench
