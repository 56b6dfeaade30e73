// What is stored: sizes, keys, values and how long they live.
#include "bench/workload/keys.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "bench/workload/options.h"
#include "bench/workload/sizes.h"
#include "bench/workload/value_pattern.h"

using namespace phoenix;
using bench::Keys;
using bench::Sizes;
using bench::TtlRange;
using bench::ValuePattern;

namespace {

constexpr std::size_t kBytesMax = 1'000'000;

Sizes sizes(std::string_view text) {
  const auto parsed = Sizes::parse(text, kBytesMax);
  REQUIRE(parsed);
  return *parsed;
}

Keys keys_of(std::uint64_t count, std::string_view size) {
  const auto keys = Keys::make(count, sizes(size));
  REQUIRE(keys);
  return *keys;
}

std::string key_of(const Keys& keys, std::uint64_t number) {
  std::string key(keys.bytes_of(number), '?');
  keys.write(key.data(), number);
  return key;
}

std::string value_of(std::uint64_t number, std::size_t size) {
  std::string value(size, '\0');
  ValuePattern(number).fill(value.data(), size);
  return value;
}

/// Whether a count is what a share of the draws comes to, within six standard deviations.
bool is_share(double count, double draws, double share) {
  return std::abs(count - draws * share) <= 6 * std::sqrt(draws * share * (1 - share)) + 1;
}

}  // namespace

TEST_CASE("a size is one number, and then all are alike") {
  const Sizes fixed = sizes("64");
  CHECK(fixed.all_equal());
  CHECK(fixed.min() == 64);
  CHECK(fixed.max() == 64);
  CHECK(fixed.of(0) == 64);
  CHECK(fixed.of(~std::uint64_t{0}) == 64);
  CHECK(fixed.text() == "64");
  CHECK(sizes("0").of(1) == 0);
  CHECK(sizes("1000000").max() == kBytesMax);
}

TEST_CASE("a range of sizes: each as often, both ends included") {
  const Sizes range = sizes("10-19");
  CHECK_FALSE(range.all_equal());
  CHECK(range.min() == 10);
  CHECK(range.max() == 19);
  CHECK(range.text() == "10-19");
  constexpr std::uint64_t kDraws = 20'000;
  std::map<std::size_t, double> counts;
  for (std::uint64_t number = 0; number < kDraws; ++number) ++counts[range.of(number)];
  CHECK(counts.begin()->first == 10);
  CHECK(counts.rbegin()->first == 19);
  for (const auto& each : counts) {
    CAPTURE(each.first);
    CHECK(is_share(each.second, kDraws, 0.1));
  }
  CHECK(range.of(7) == range.of(7));
  CHECK(sizes("5-5").of(9) == 5);
  CHECK(sizes("0-0").of(9) == 0);
}

TEST_CASE("a logarithmic range: each order of magnitude as often, never out of it") {
  const Sizes range = sizes("log:1-999999");
  CHECK(range.min() == 1);
  CHECK(range.max() == 999'999);
  constexpr std::uint64_t kDraws = 30'000;
  std::array<double, 6> decades{};
  for (std::uint64_t number = 0; number < kDraws; ++number) {
    const std::size_t size = range.of(number);
    REQUIRE(size >= 1);
    REQUIRE(size <= 999'999);
    ++decades[std::to_string(size).size() - 1];
  }
  for (const double count : decades) CHECK(is_share(count, kDraws, 1.0 / 6));
  // Where rounding would show.
  for (const std::string_view text : {"log:3-3", "log:7-8", "log:999999-1000000"}) {
    const Sizes narrow = sizes(text);
    for (std::uint64_t number = 0; number < 1000; ++number) {
      CHECK(narrow.of(number) >= narrow.min());
      CHECK(narrow.of(number) <= narrow.max());
    }
  }
}

TEST_CASE("weighted sizes come in their shares") {
  const Sizes weighted = sizes("64*90,1024*9,16*1");
  CHECK(weighted.min() == 16);
  CHECK(weighted.max() == 1024);
  CHECK(weighted.text() == "64*90,1024*9,16*1");
  constexpr std::uint64_t kDraws = 30'000;
  std::map<std::size_t, double> counts;
  for (std::uint64_t number = 0; number < kDraws; ++number) ++counts[weighted.of(number)];
  CHECK(counts.size() == 3);
  CHECK(is_share(counts[64], kDraws, 0.9));
  CHECK(is_share(counts[1024], kDraws, 0.09));
  CHECK(is_share(counts[16], kDraws, 0.01));
}

TEST_CASE("what is no size is refused with a sentence that shows it") {
  for (const std::string_view text : {"",        "-",
                                      "x",       "-1",
                                      "1-",      "-2",
                                      "5-4",     "1-2-3",
                                      "log:",    "log:5",
                                      "log:0-5", "log:5-4",
                                      "64*",     "*9",
                                      "64*0",    "64*1,",
                                      ",64*1",   "64*1,,9*1",
                                      "64*1,32", "64*1000000001",
                                      " 64",     "6 4",
                                      "0x10",    "1e3",
                                      "64*1*2",  "99999999999999999999999"}) {
    CAPTURE(text);
    const auto parsed = Sizes::parse(text, kBytesMax);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message.starts_with("'" + std::string(text) + "' is no size: "));
  }
  for (const std::string_view text : {"1000001", "5-1000001", "log:5-1000001", "1000001*1"}) {
    CAPTURE(text);
    const auto parsed = Sizes::parse(text, kBytesMax);
    REQUIRE_FALSE(parsed);
    CHECK(parsed.error().message == "'" + std::string(text) + "' is over 1000000 bytes");
  }
  std::string many = "1*1";
  for (int i = 1; i < 64; ++i) many += ",1*1";
  CHECK(Sizes::parse(many, kBytesMax));
  CHECK_FALSE(Sizes::parse(many + ",1*1", kBytesMax));
}

TEST_CASE("keys are a prefix and padded digits") {
  CHECK(key_of(keys_of(1'000'000, "16"), 42) == "key:000000000042");
  CHECK(key_of(keys_of(1'000'000, "16"), 999'999) == "key:000000999999");
  CHECK(key_of(keys_of(10, "5"), 7) == "key:7");
  CHECK(key_of(keys_of(100, "4"), 7) == "ke07");
  CHECK(key_of(keys_of(100, "2"), 7) == "07");
  CHECK(key_of(keys_of(1, "1"), 0) == "0");
  const std::string wide = key_of(keys_of(1'000'000'000'000, "300"), 999'999'999'999);
  CHECK(wide.size() == 300);
  CHECK(wide.ends_with("0999999999999"));
}

TEST_CASE("keys that cannot be distinct are refused") {
  CHECK_FALSE(Keys::make(0, Sizes(16)));
  CHECK_FALSE(Keys::make(11, Sizes(1)));
  CHECK(Keys::make(10, Sizes(1)));
  const auto refused = Keys::make(1001, sizes("3-16"));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "--key-size 3-16: too small for --keys 1001, whose numbers have 4 digits");
}

TEST_CASE("all keys are distinct, whatever their sizes") {
  for (const std::string_view size :
       {"3", "4", "7", "16", "3-9", "4-40", "log:3-100", "3*1,8*1,300*1"}) {
    CAPTURE(size);
    const Keys keys = keys_of(1000, size);
    std::set<std::string> seen;
    for (std::uint64_t number = 0; number < keys.count(); ++number) {
      const std::string key = key_of(keys, number);
      CHECK(key.find('?') == std::string::npos);
      CHECK(key.size() == keys.bytes_of(number));
      seen.insert(key);
    }
    CHECK(seen.size() == keys.count());
  }
}

TEST_CASE("behind the last key comes the first") {
  const Keys keys = keys_of(10, "5");
  CHECK(keys.behind(3, 0) == 3);
  CHECK(keys.behind(3, 4) == 7);
  CHECK(keys.behind(8, 4) == 2);
}

TEST_CASE("a value matches its own key, in whatever parts it comes") {
  const std::string value = value_of(12345, 64);
  for (std::size_t first = 0; first <= value.size(); ++first) {
    for (std::size_t second = first; second <= value.size(); second += 5) {
      const std::string_view whole = value;
      CHECK(ValuePattern(12345).matches(0, whole.substr(0, first)));
      CHECK(ValuePattern(12345).matches(first, whole.substr(first, second - first)));
      CHECK(ValuePattern(12345).matches(second, whole.substr(second)));
    }
  }
  // A size that is no multiple of the pattern's words.
  CHECK(ValuePattern(9).matches(0, value_of(9, 13)));
  CHECK(value_of(9, 13) == value_of(9, 64).substr(0, 13));
  CHECK(value_of(9, 0).empty());
}

TEST_CASE("one changed bit anywhere, a shift, or another key's value does not match") {
  const std::string value = value_of(77, 61);
  for (std::size_t at = 0; at < value.size(); ++at) {
    for (unsigned bit = 0; bit < 8; ++bit) {
      std::string changed = value;
      changed[at] = static_cast<char>(changed[at] ^ static_cast<char>(1U << bit));
      CHECK_FALSE(ValuePattern(77).matches(0, changed));
      CHECK(ValuePattern(77).matches(3, std::string_view(changed).substr(3)) == (at < 3));
    }
  }
  CHECK_FALSE(ValuePattern(77).matches(8, value));
  CHECK_FALSE(ValuePattern(77).matches(1, value));
  CHECK_FALSE(ValuePattern(78).matches(0, value));
  std::set<std::string> first_words;
  for (std::uint64_t number = 0; number < 10'000; ++number) {
    first_words.insert(value_of(number, 8));
  }
  CHECK(first_words.size() == 10'000);
}

TEST_CASE("a time to live is one, or a range that keys are spread over") {
  CHECK_FALSE(TtlRange().any());
  const auto fixed = TtlRange::parse("1500");
  REQUIRE(fixed);
  CHECK(fixed->any());
  CHECK(fixed->of(1) == 1500);
  CHECK(fixed->of(2) == 1500);
  CHECK(fixed->text() == "1500");
  const auto range = TtlRange::parse("1000-1009");
  REQUIRE(range);
  CHECK(range->text() == "1000-1009");
  std::set<std::uint64_t> seen;
  for (std::uint64_t key = 0; key < 1000; ++key) seen.insert(range->of(key));
  CHECK(seen.size() == 10);
  CHECK(*seen.begin() == 1000);
  CHECK(*seen.rbegin() == 1009);
  CHECK(TtlRange::parse("281474976710655"));
  for (const std::string_view text : {"", "0", "0-5", "5-4", "-5", "5-", "5-6-7", "1s", " 5",
                                      "281474976710656", "99999999999999999999"}) {
    CAPTURE(text);
    const auto refused = TtlRange::parse(text);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().message.starts_with("--ttl-ms " + std::string(text) + ": it takes 1500"));
  }
}
