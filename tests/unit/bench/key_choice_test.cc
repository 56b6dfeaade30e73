// Which key comes next, held against theory. Draws are from fixed seeds: what passes once passes
// always; the bounds are those that a right sampler keeps for nearly all seeds.
#include "bench/workload/key_choice.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <initializer_list>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "bench/workload/zipf.h"

using namespace phoenix;
using bench::Distribution;
using bench::KeyChoice;
using bench::KeyCount;
using bench::share_of;
using bench::Zipf;

namespace {

/// The sum of k^-s over first .. last: the first thousands term by term, the rest by the integral
/// around each term, whose error is below 1e-9 of it there.
double zipf_sum(std::uint64_t first, std::uint64_t last, double s) {
  constexpr std::uint64_t kTerms = 5000;
  double sum = 0;
  std::uint64_t k = first;
  for (; k <= last && k < first + kTerms; ++k) sum += std::pow(static_cast<double>(k), -s);
  if (k > last) return sum;
  const double low = static_cast<double>(k) - 0.5;
  const double high = static_cast<double>(last) + 0.5;
  if (s == 1) return sum + std::log(high / low);
  return sum + (std::pow(high, 1 - s) - std::pow(low, 1 - s)) / (1 - s);
}

/// Ends of groups of ranks: the first ten alone, then four to each power of ten.
std::vector<std::uint64_t> groups_of(std::uint64_t n) {
  std::vector<std::uint64_t> ends;
  for (std::uint64_t k = 1; k <= std::min<std::uint64_t>(n, 10); ++k) ends.push_back(k);
  for (double end = 10; ends.back() < n;) {
    end *= std::pow(10, 0.25);
    ends.push_back(std::min(n, static_cast<std::uint64_t>(end)));
  }
  return ends;
}

/// Chi-square of `draws` ranks of `zipf` against k^-s / H for k up to n, in standard deviations
/// above its mean.
double chi_square_excess(const Zipf& zipf, std::uint64_t n, double s, int draws,
                         std::uint64_t seed) {
  const std::vector<std::uint64_t> ends = groups_of(n);
  std::vector<double> counts(ends.size());
  SeededRandom random(seed);
  for (int i = 0; i < draws; ++i) {
    const std::uint64_t rank = zipf.draw(random);
    if (rank < 1 || rank > n) FAIL("rank " << rank);
    const auto group = std::lower_bound(ends.begin(), ends.end(), rank) - ends.begin();
    ++counts[static_cast<std::size_t>(group)];
  }
  const double total = zipf_sum(1, n, s);
  double chi_square = 0;
  double degrees = -1;
  double expected = 0;
  double count = 0;
  for (std::size_t i = 0; i < ends.size(); ++i) {
    expected += draws * zipf_sum(i == 0 ? 1 : ends[i - 1] + 1, ends[i], s) / total;
    count += counts[i];
    // Groups that would be nearly empty go with their neighbours.
    if (expected < 10 && i + 1 < ends.size()) continue;
    chi_square += (count - expected) * (count - expected) / std::max(expected, 1e-9);
    ++degrees;
    expected = count = 0;
  }
  return degrees > 0 ? (chi_square - degrees) / std::sqrt(2 * degrees) : chi_square;
}

Distribution distribution(std::string_view text) {
  const auto parsed = Distribution::parse(text);
  REQUIRE(parsed);
  return *parsed;
}

std::vector<double> draw(std::string_view text, std::uint64_t keys, int draws, std::uint64_t seed) {
  const KeyCount count{keys};
  KeyChoice choice(distribution(text), count, 0, 1);
  SeededRandom random(seed);
  std::vector<double> counts(keys);
  for (int i = 0; i < draws; ++i) {
    const std::uint64_t key = choice.next(random);
    if (key >= keys) FAIL("key " << key);
    ++counts[key];
  }
  return counts;
}

}  // namespace

TEST_CASE("Zipf's ranks come as the law has it, for few and for very many") {
  for (const std::uint64_t n : {1ULL, 2ULL, 10ULL, 1000ULL, 1'000'000'000ULL}) {
    for (const double s : {0.5, 0.99, 1.0, 1.2, 2.0}) {
      for (const std::uint64_t seed : {1ULL, 2ULL}) {
        CAPTURE(n);
        CAPTURE(s);
        CAPTURE(seed);
        CHECK(chi_square_excess(Zipf(n, s), n, s, 20'000, seed) < 5);
      }
    }
  }
  // Closer, where most runs are.
  CHECK(chi_square_excess(Zipf(1'000'000, 0.99), 1'000'000, 0.99, 500'000, 3) < 5);
}

TEST_CASE("the measure by which Zipf is judged finds a law that is a little off") {
  constexpr std::uint64_t kRanks = 1'000'000;
  constexpr int kDraws = 200'000;
  CHECK(chi_square_excess(Zipf(kRanks, 0.98), kRanks, 0.99, kDraws, 3) > 10);
  CHECK(chi_square_excess(Zipf(kRanks * 9 / 10, 0.99), kRanks, 0.99, kDraws, 3) > 10);
}

TEST_CASE("uniform keys come equally often, the first and the last too") {
  for (const double count : draw("uniform", 20, 200'000, 4)) {
    CHECK(count == doctest::Approx(10'000).epsilon(0.06));  // Six standard deviations.
  }
  for (const double count : draw("uniform", 3, 300, 4)) CHECK(count > 0);
}

TEST_CASE("scaling reaches both ends and nothing behind") {
  CHECK(KeyChoice::scale(0, 1'000'000'000'000) == 0);
  CHECK(KeyChoice::scale(~std::uint64_t{0}, 1'000'000'000'000) == 999'999'999'999);
  CHECK(KeyChoice::scale(~std::uint64_t{0}, 1) == 0);
}

TEST_CASE("Zipf's keys are spread: as frequent as their ranks, and not the first ones") {
  constexpr std::uint64_t kKeys = 1000;
  constexpr int kDraws = 200'000;
  std::vector<double> counts = draw("zipf:1", kKeys, kDraws, 5);
  const double total = zipf_sum(1, kKeys, 1);
  std::vector<std::size_t> by_count(kKeys);
  for (std::size_t i = 0; i < kKeys; ++i) by_count[i] = i;
  std::sort(by_count.begin(), by_count.end(),
            [&](std::size_t a, std::size_t b) { return counts[a] > counts[b]; });
  for (std::size_t rank = 1; rank <= 5; ++rank) {
    CAPTURE(rank);
    const double expected = kDraws / (static_cast<double>(rank) * total);
    CHECK(counts[by_count[rank - 1]] == doctest::Approx(expected).epsilon(0.1));
  }
  // The ten hottest are in all parts of the keys.
  std::set<std::size_t> parts;
  for (std::size_t i = 0; i < 10; ++i) parts.insert(by_count[i] / (kKeys / 4));
  CHECK(parts.size() == 4);
}

TEST_CASE("spreading is a bijection: hot and cold keys together are all keys, once") {
  // The hot set's ranks are uniform, so every key comes up if each rank has a key of its own.
  for (const std::uint64_t keys : {1ULL, 2ULL, 3ULL, 10ULL, 64ULL, 97ULL, 210ULL}) {
    CAPTURE(keys);
    for (const double count : draw("hot:0.5:0.5", keys, static_cast<int>(keys) * 60, 6)) {
      CHECK(count > 0);
    }
  }
}

TEST_CASE("a hot set gets its share of the accesses") {
  constexpr int kDraws = 100'000;
  std::vector<double> counts = draw("hot:0.1:0.9", 1000, kDraws, 7);
  std::sort(counts.begin(), counts.end(), std::greater<>());
  double hot = 0;
  for (std::size_t i = 0; i < 100; ++i) hot += counts[i];
  CHECK(hot / kDraws == doctest::Approx(0.9).epsilon(0.01));
  CHECK(counts[99] > 5 * counts[100]);  // Hot ones expect 900, the others 11.
  for (const double count : draw("hot:1:0.5", 10, 5000, 8)) CHECK(count > 300);
  // Less than one key is one key.
  std::vector<double> few = draw("hot:0.001:0.75", 10, 10'000, 9);
  CHECK(*std::max_element(few.begin(), few.end()) == doctest::Approx(7500).epsilon(0.05));
}

TEST_CASE("a sequence is gone through in order, by each thread its own part, over and over") {
  for (const std::uint32_t threads : {1U, 2U, 3U, 7U}) {
    CAPTURE(threads);
    constexpr std::uint64_t kKeys = 100;
    const KeyCount count{kKeys};
    SeededRandom random(1);
    std::vector<int> seen(kKeys);
    for (std::uint32_t part = 0; part < threads; ++part) {
      KeyChoice choice(distribution("sequential"), count, part, threads);
      const auto [first, end] = share_of(kKeys, part, threads);
      for (int round = 0; round < 2; ++round) {
        for (std::uint64_t key = first; key < end; ++key) {
          CHECK(choice.next(random) == key);
          ++seen[key];
        }
      }
    }
    for (const int times : seen) CHECK(times == 2);
  }
  // More threads than keys: each goes through all of them.
  const KeyCount two{2};
  SeededRandom random(1);
  KeyChoice choice(distribution("sequential"), two, 4, 5);
  CHECK(choice.next(random) == 0);
  CHECK(choice.next(random) == 1);
  CHECK(choice.next(random) == 0);
}

TEST_CASE("shares have no gap and no overlap, and differ by at most one") {
  for (const std::uint64_t total : {0ULL, 1ULL, 7ULL, 100ULL, 1'000'000'000'000ULL}) {
    for (const std::uint32_t parts : {1U, 2U, 3U, 64U}) {
      std::uint64_t next = 0;
      for (std::uint32_t part = 0; part < parts; ++part) {
        const auto [first, end] = share_of(total, part, parts);
        CHECK(first == next);
        CHECK(end - first <= total / parts + 1);
        CHECK(end - first >= total / parts);
        next = end;
      }
      CHECK(next == total);
    }
  }
}

TEST_CASE("latest prefers the newest, and stays below the count while keys are inserted") {
  KeyCount count{1};
  KeyChoice choice(distribution("latest"), count, 0, 1);
  SeededRandom random(10);
  int newest = 0;
  int in_newest_tenth = 0;
  constexpr int kDraws = 50'000;
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t keys = ++count;
    const std::uint64_t key = choice.next(random);
    if (key >= keys) FAIL("key " << key << " of " << keys);
    if (key + 1 == keys) ++newest;
    if (key >= keys - keys / 10) ++in_newest_tenth;
  }
  // Zipf's share of rank one falls from all to 1/12 while the keys become 50,000.
  CHECK(newest > kDraws / 13);
  CHECK(newest < kDraws / 8);
  CHECK(in_newest_tenth > kDraws * 3 / 4);
}

TEST_CASE("a distribution is told by name and numbers") {
  CHECK(distribution("uniform").text() == "uniform");
  CHECK(distribution("zipf").text() == "zipf:0.99");
  CHECK(distribution("zipf:1.2").exponent == 1.2);
  CHECK(distribution("hot").text() == "hot:0.2:0.8");
  CHECK(distribution("hot:0.05:0.95").text() == "hot:0.05:0.95");
  CHECK(distribution("sequential").text() == "sequential");
  CHECK(distribution("latest:0.8").text() == "latest:0.8");
  for (const std::string_view text : {"",
                                      "zip",
                                      "zipfx",
                                      "zipf:",
                                      "zipf:0",
                                      "zipf:-1",
                                      "zipf:11",
                                      "zipf:nan",
                                      "zipf:inf",
                                      "zipf:1:2",
                                      "zipf:1x",
                                      "zipf:1:",
                                      "hot:0.5",
                                      "hot:0.5:0.5:0.5",
                                      "hot:0:0.5",
                                      "hot:1.1:0.5",
                                      "hot:0.5:",
                                      "uniform:1",
                                      "sequential:1",
                                      "latest:x",
                                      ":",
                                      "Zipf"}) {
    CAPTURE(text);
    const auto refused = Distribution::parse(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.starts_with("--distribution " + std::string(text) +
                                              ": it takes uniform, zipf"));
  }
}
