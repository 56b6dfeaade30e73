// What every report takes from a result in the same way.
#pragma once

#include <array>
#include <limits>

#include "bench/load/result.h"

namespace phoenix::bench {

struct Percentile {
  const char* name;
  double percent;
};

/// The percentiles that every report names.
inline constexpr std::array<Percentile, 5> kPercentiles{
    Percentile{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}, {"p99.99", 99.99}};

/// What is not known; reports show it as "-" and null, and plots leave a gap.
inline constexpr double kNoFigure = std::numeric_limits<double>::quiet_NaN();

/// A figure of a histogram, which is none when nothing was recorded.
template <typename Number>
double if_any(const Histogram& histogram, Number figure) {
  return histogram.count() > 0 ? static_cast<double>(figure) : kNoFigure;
}

inline double percentile_ns(const Histogram& latency_ns, double percent) {
  return if_any(latency_ns, latency_ns.percentile(percent));
}

/// A latency of one second, which is none when no reply came.
inline double latency_ns(const TimelineSecond& second, std::uint64_t figure_ns) {
  return second.counts.replies > 0 ? static_cast<double>(figure_ns) : kNoFigure;
}

inline double operations_per_s(const TimelineSecond& second) {
  return second.length_s > 0 ? static_cast<double>(second.counts.replies) / second.length_s : 0;
}

}  // namespace phoenix::bench
