#include "cli/latency_histogram.h"

#include <doctest/doctest.h>

namespace phoenix::cli {

TEST_CASE("percentiles of a known distribution, within a thirty-second") {
  LatencyHistogram histogram;
  for (std::uint64_t us = 1; us <= 1'000; ++us) histogram.record(us * 1'000);
  CHECK(histogram.count() == 1'000);
  CHECK(histogram.min_ns() == 1'000);
  CHECK(histogram.max_ns() == 1'000'000);
  CHECK(histogram.mean_ns() == 500'500);
  for (const double percent : {1.0, 50.0, 90.0, 99.0}) {
    CAPTURE(percent);
    const double exact = percent * 10'000;
    const auto told = static_cast<double>(histogram.percentile_ns(percent));
    CHECK(told >= exact);
    CHECK(told <= exact * (1 + 1.0 / 32));
  }
  CHECK(histogram.percentile_ns(100) == 1'000'000);
}

TEST_CASE("any duration has its place") {
  LatencyHistogram histogram;
  CHECK(histogram.percentile_ns(50) == 0);
  CHECK(histogram.min_ns() == 0);
  for (const std::uint64_t ns : {std::uint64_t{0}, std::uint64_t{63}, std::uint64_t{64},
                                 std::uint64_t{65}, ~std::uint64_t{0}}) {
    histogram.record(ns);
  }
  CHECK(histogram.percentile_ns(20) == 0);
  CHECK(histogram.percentile_ns(40) == 63);
  CHECK(histogram.percentile_ns(60) == 65);  // 64 and 65 share a bucket.
  CHECK(histogram.percentile_ns(100) == ~std::uint64_t{0});
}

}  // namespace phoenix::cli
