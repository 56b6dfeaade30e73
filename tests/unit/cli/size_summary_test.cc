#include "cli/size_summary.h"

#include <doctest/doctest.h>

namespace phoenix::cli {

TEST_CASE("the largest of many, largest first") {
  SizeSummary summary(3);
  for (std::uint64_t i = 0; i < 1'000; ++i) {
    const std::uint64_t bytes = i * 7'919 % 1'000;  // Each number below 1000 once.
    summary.add("k" + std::to_string(bytes), bytes);
  }
  CHECK(summary.keys() == 1'000);
  CHECK(summary.bytes() == 499'500);
  const auto largest = summary.largest();
  REQUIRE(largest.size() == 3);
  CHECK(largest[0].key == "k999");
  CHECK(largest[1].bytes == 998);
  CHECK(largest[2].key == "k997");
}

TEST_CASE("sizes by powers of four") {
  SizeSummary summary(1);
  for (const std::uint64_t bytes : {2U, 4U, 5U, 16U, 17U, 65U, 1025U}) summary.add("k", bytes);
  const auto buckets = summary.buckets();
  REQUIRE(buckets.size() == 6);
  CHECK(buckets[0].bytes_max == 4);
  CHECK(buckets[0].keys == 2);
  CHECK(buckets[1].keys == 2);
  CHECK(buckets[2].keys == 1);
  CHECK(buckets[3].keys == 1);
  CHECK(buckets[4].keys == 0);
  CHECK(buckets[5].bytes_max == 4'096);
  CHECK(buckets[5].keys == 1);
}

TEST_CASE("the ends of the scale") {
  SizeSummary summary(0);
  CHECK(summary.buckets().empty());
  summary.add("none", 0);
  summary.add("all", ~std::uint64_t{0});
  const auto buckets = summary.buckets();
  REQUIRE(buckets.size() == 33);
  CHECK(buckets.front().bytes_max == 1);
  CHECK(buckets.back().bytes_max == ~std::uint64_t{0});
  CHECK(summary.largest().empty());
}

}  // namespace phoenix::cli
