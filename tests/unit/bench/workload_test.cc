#include "bench/workload/workload.h"

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/wire/request_batch.h"
#include "phoenix/base/random.h"
#include "protocol/binary.h"

using namespace phoenix;
using bench::Keys;
using bench::RandomRequests;
using bench::Request;
using bench::RequestBatch;
using bench::RequestShape;
using bench::ValuePattern;
using bench::Verb;

namespace {

std::string key_of(const Keys& keys, std::uint64_t number) {
  std::string key(keys.key_bytes(), '?');
  keys.write(key.data(), number);
  return key;
}

std::string value_of(std::uint64_t number, std::size_t size) {
  std::string value(size, '\0');
  ValuePattern(number).fill(value.data(), size);
  return value;
}

}  // namespace

TEST_CASE("keys are a prefix and padded digits") {
  CHECK(key_of(*Keys::make(1'000'000, 16), 42) == "key:000000000042");
  CHECK(key_of(*Keys::make(1'000'000, 16), 999'999) == "key:000000999999");
  CHECK(key_of(*Keys::make(10, 5), 7) == "key:7");
  CHECK(key_of(*Keys::make(100, 4), 7) == "ke07");
  CHECK(key_of(*Keys::make(100, 2), 7) == "07");
  CHECK(key_of(*Keys::make(1, 1), 0) == "0");
  const std::string wide = key_of(*Keys::make(1'000'000'000'000, 300), 999'999'999'999);
  CHECK(wide.size() == 300);
  CHECK(wide.ends_with("0999999999999"));
}

TEST_CASE("keys that cannot be distinct are refused") {
  CHECK_FALSE(Keys::make(0, 16));
  CHECK_FALSE(Keys::make(11, 1));
  CHECK(Keys::make(10, 1));
  const auto refused = Keys::make(1001, 3);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().message ==
        "--key-size 3: too small for --keys 1001, whose numbers have 4 digits");
}

TEST_CASE("all keys are distinct, and patching one key gives the other") {
  for (const std::size_t size : {3U, 4U, 7U, 16U}) {
    const Keys keys = *Keys::make(1000, size);
    std::set<std::string> seen;
    std::string patched = key_of(keys, 0);
    for (std::uint64_t i = 0; i < keys.count(); ++i) {
      // Back and forth, so that no digit is left over from the key before.
      const std::uint64_t number = i % 2 == 0 ? i : keys.count() - i;
      keys.patch(patched.data(), number);
      CHECK(patched == key_of(keys, number));
      seen.insert(key_of(keys, i));
    }
    CHECK(seen.size() == keys.count());
  }
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

TEST_CASE("random requests: every key about equally often, verbs in their share") {
  constexpr std::uint64_t kSeed = 4;
  CAPTURE(kSeed);
  constexpr int kDraws = 200'000;
  for (const double share : {0.0, 0.25, 1.0}) {
    CAPTURE(share);
    RandomRequests requests(20, share, kSeed);
    std::array<int, 20> keys{};
    int gets = 0;
    for (int i = 0; i < kDraws; ++i) {
      const Request request = requests.next();
      REQUIRE(request.key < keys.size());
      ++keys[request.key];
      if (request.verb == Verb::get) ++gets;
    }
    // Seven standard deviations of a binomial distribution.
    for (const int count : keys) CHECK(count == doctest::Approx(10'000).epsilon(0.07));
    CHECK(gets == doctest::Approx(kDraws * share).epsilon(0.02));
    if (share == 0.0) CHECK(gets == 0);
    if (share == 1.0) CHECK(gets == kDraws);
  }
}

TEST_CASE("random requests reach the first and the last key, and follow the seed") {
  RandomRequests requests(3, 1, 9);
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 200; ++i) seen.insert(requests.next().key);
  CHECK(seen == std::set<std::uint64_t>{0, 1, 2});
  RandomRequests one(1'000'000'000'000, 0.5, 9);
  RandomRequests same(1'000'000'000'000, 0.5, 9);
  RandomRequests other(1'000'000'000'000, 0.5, 10);
  int equal = 0;
  for (int i = 0; i < 1000; ++i) {
    const Request first = one.next();
    const Request second = same.next();
    CHECK(first.key == second.key);
    CHECK(first.verb == second.verb);
    CHECK(first.key < 1'000'000'000'000);
    if (other.next().key == first.key) ++equal;
  }
  CHECK(equal < 10);
}

TEST_CASE("a patched batch is byte for byte what the codec writes") {
  constexpr std::uint64_t kSeed = 8;
  CAPTURE(kSeed);
  const RequestShape shape{*Keys::make(100'000, 16), 21, protocol::kWaitDurable};
  RequestBatch batch(shape, 16);
  SeededRandom random(kSeed);
  for (int round = 0; round < 200; ++round) {
    const std::uint64_t mode = random.below(3);  // Only GET, only SET, both in any order.
    const std::uint64_t count = random.below(17);
    std::string expected;
    batch.clear();
    for (std::uint32_t i = 0; i < count; ++i) {
      const bool is_set = mode == 2 ? random.below(2) == 0 : mode == 1;
      const Request request{is_set ? Verb::set : Verb::get, random.below(100'000)};
      batch.add(request);
      append_request(expected, is_set ? protocol::Opcode::set : protocol::Opcode::get,
                     is_set ? std::uint16_t{protocol::kWaitDurable} : std::uint16_t{0}, i + 1,
                     key_of(shape.keys, request.key),
                     is_set ? value_of(request.key, 21) : std::string());
      CHECK(batch[i].key == request.key);
    }
    CHECK(batch.size() == count);
    CHECK(batch.bytes() == expected);
  }
}
