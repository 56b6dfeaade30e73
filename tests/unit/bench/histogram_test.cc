#include "bench/measure/histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"

using phoenix::SeededRandom;
using phoenix::bench::Histogram;

namespace {

// The definition, on all values: the smallest one that at least `percent` of them do not exceed.
std::uint64_t exact_percentile(std::vector<std::uint64_t> values, double percent) {
  std::sort(values.begin(), values.end());
  const double rank = std::ceil(percent / 100 * static_cast<double>(values.size()));
  return values[std::max<std::size_t>(static_cast<std::size_t>(rank), 1) - 1];
}

void check_against(const std::vector<std::uint64_t>& values) {
  Histogram histogram;
  for (const std::uint64_t value : values) histogram.record(value);
  CHECK(histogram.count() == values.size());
  CHECK(histogram.max() == *std::max_element(values.begin(), values.end()));
  const std::uint64_t lowest = *std::min_element(values.begin(), values.end());
  CHECK(histogram.min() <= lowest);
  CHECK(lowest - histogram.min() <= lowest / Histogram::kSubBuckets);
  double sum = 0;
  for (const std::uint64_t value : values) sum += static_cast<double>(value);
  CHECK(histogram.mean() ==
        doctest::Approx(sum / static_cast<double>(values.size())).epsilon(0.004));
  for (const double percent : {0.0, 0.1, 1.0, 10.0, 50.0, 90.0, 99.0, 99.9, 99.99, 100.0}) {
    CAPTURE(percent);
    const std::uint64_t exact = exact_percentile(values, percent);
    const std::uint64_t reported = histogram.percentile(percent);
    CHECK(reported >= exact);
    CHECK(reported - exact <= exact / Histogram::kSubBuckets);
  }
}

// Evenly spaced quantiles: the distribution itself, without the noise of drawing from it.
template <typename Quantile>
std::vector<std::uint64_t> distribution(std::size_t count, Quantile&& quantile) {
  std::vector<std::uint64_t> values;
  for (std::size_t i = 0; i < count; ++i) {
    const double u = (static_cast<double>(i) + 0.5) / static_cast<double>(count);
    values.push_back(static_cast<std::uint64_t>(quantile(u)));
  }
  return values;
}

}  // namespace

TEST_CASE("an empty histogram knows nothing") {
  const Histogram histogram;
  CHECK(histogram.count() == 0);
  CHECK(histogram.max() == 0);
  CHECK(histogram.min() == 0);
  CHECK(histogram.mean() == 0);
  CHECK(histogram.percentile(50) == 0);
  histogram.each_bucket([](std::uint64_t, std::uint64_t) { FAIL("it holds nothing"); });
}

TEST_CASE("the buckets hold every value once, by rising value") {
  Histogram histogram;
  histogram.record(100'000, 3);
  histogram.record(5);
  histogram.record(~std::uint64_t{0}, 2);
  std::vector<std::pair<std::uint64_t, std::uint64_t>> seen;
  histogram.each_bucket(
      [&](std::uint64_t highest, std::uint64_t count) { seen.emplace_back(highest, count); });
  REQUIRE(seen.size() == 3);
  CHECK(seen[0] == std::pair<std::uint64_t, std::uint64_t>(5, 1));
  CHECK(seen[1].first == Histogram::highest_equivalent(100'000));
  CHECK(seen[1].second == 3);
  CHECK(seen[2] == std::pair<std::uint64_t, std::uint64_t>(Histogram::kValueMax, 2));
}

TEST_CASE("every value is reported as at least itself and at most 1/128 more") {
  std::vector<std::uint64_t> values;
  for (std::uint64_t value = 0; value < 3 * Histogram::kSubBuckets; ++value)
    values.push_back(value);
  for (unsigned bit = 0; bit < Histogram::kValueBits; ++bit) {
    const std::uint64_t power = std::uint64_t{1} << bit;
    for (const std::uint64_t value : {power - 1, power, power + 1, power + power / 3}) {
      values.push_back(std::min(value, Histogram::kValueMax));
    }
  }
  for (const std::uint64_t value : values) {
    CAPTURE(value);
    const std::uint64_t highest = Histogram::highest_equivalent(value);
    CHECK(highest >= value);
    CHECK(highest - value <= value / Histogram::kSubBuckets);
    CHECK(Histogram::highest_equivalent(highest) == highest);
    if (value < Histogram::kSubBuckets) CHECK(highest == value);
  }
}

TEST_CASE("percentiles of known distributions") {
  SUBCASE("constant") {
    check_against(std::vector<std::uint64_t>(1000, 4711));
  }
  SUBCASE("one value") {
    check_against({7});
  }
  SUBCASE("uniform") {
    check_against(distribution(100'000, [](double u) { return 1 + u * 1e6; }));
  }
  SUBCASE("exponential, mean 200 us") {
    check_against(distribution(100'000, [](double u) { return -200e3 * std::log1p(-u); }));
  }
  SUBCASE("Pareto, heavy tail") {
    check_against(distribution(100'000, [](double u) { return 1e3 / std::pow(1 - u, 1.2); }));
  }
  SUBCASE("two humps, a thousand times apart") {
    check_against(distribution(10'000, [](double u) { return u < 0.99 ? 5e3 + u : 5e6 + u; }));
  }
  SUBCASE("random bits of random width") {
    constexpr std::uint64_t kSeed = 20261123;
    CAPTURE(kSeed);
    SeededRandom random(kSeed);
    std::vector<std::uint64_t> values;
    for (int i = 0; i < 50'000; ++i) values.push_back(random.next() >> (23 + random.below(41)));
    check_against(values);
  }
}

TEST_CASE("the median of an exponential distribution is its theory's") {
  Histogram histogram;
  const double mean = 1e6;
  for (const std::uint64_t value :
       distribution(1'000'000, [&](double u) { return -mean * std::log1p(-u); })) {
    histogram.record(value);
  }
  CHECK(static_cast<double>(histogram.percentile(50)) ==
        doctest::Approx(mean * std::log(2.0)).epsilon(0.01));
  CHECK(static_cast<double>(histogram.percentile(99)) ==
        doctest::Approx(mean * std::log(100.0)).epsilon(0.01));
}

TEST_CASE("values beyond the range count as the largest, and the maximum stays exact") {
  Histogram histogram;
  histogram.record(5);
  histogram.record(~std::uint64_t{0});
  CHECK(histogram.max() == ~std::uint64_t{0});
  CHECK(histogram.percentile(50) == 5);
  CHECK(histogram.percentile(100) == ~std::uint64_t{0});
}

TEST_CASE("counting many at once, merging and clearing") {
  Histogram one_by_one;
  for (int i = 0; i < 90; ++i) one_by_one.record(100);
  for (int i = 0; i < 10; ++i) one_by_one.record(90'000);
  Histogram merged;
  merged.record(90'000, 10);
  merged.record(123, 0);
  Histogram other;
  other.record(100, 90);
  merged.merge(other);
  CHECK(merged.count() == one_by_one.count());
  CHECK(merged.max() == one_by_one.max());
  for (const double percent : {1.0, 50.0, 90.0, 90.1, 99.0}) {
    CHECK(merged.percentile(percent) == one_by_one.percentile(percent));
  }
  CHECK(merged.percentile(90) == 100);
  CHECK(merged.percentile(90.1) > 100);
  merged.clear();
  CHECK(merged.count() == 0);
  CHECK(merged.percentile(99) == 0);
}
