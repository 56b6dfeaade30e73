// The superblock as bytes.
#include <string>

#include <doctest/doctest.h>

#include "phoenix/base/bytes.h"
#include "phoenix/base/crc32c.h"
#include "phoenix/base/random.h"
#include "protocol/slot.h"
#include "tests/unit/log/support.h"

using namespace phoenix;
using namespace phoenix::log;
using namespace phoenix::log::test;

namespace {

// As in docs/LOG_FORMAT.md.
constexpr std::size_t kCrcPlace = 8;
constexpr std::size_t kUsedBytesPlace = 12;

std::string encoded(const Superblock& superblock) {
  const auto bytes = encode_superblock(superblock);
  REQUIRE(bytes.has_value());
  return {reinterpret_cast<const char*>(bytes->data()), bytes->size()};
}

SuperblockState state_of(const std::string& bytes) {
  return decode_superblock(bytes_of(bytes)).state;
}

// With a checksum that is right.
std::string forged(std::string bytes, std::size_t place, std::uint32_t value) {
  store_le(bytes.data() + place, value);
  store_le(bytes.data() + kCrcPlace, std::uint32_t{0});
  const auto used = load_le<std::uint32_t>(bytes.data() + kUsedBytesPlace);
  store_le(bytes.data() + kCrcPlace, crc32c(0, bytes_of(bytes).first(used)));
  return bytes;
}

TEST_CASE("a superblock comes back as it was") {
  const std::string bytes = encoded(sample_superblock());
  CHECK(bytes.size() == kSuperblockBytes);
  const auto decoded = decode_superblock(bytes_of(bytes));
  REQUIRE(decoded.state == SuperblockState::valid);
  CHECK(decoded.superblock == sample_superblock());
}

TEST_CASE("the largest superblock fits") {
  Superblock superblock = sample_superblock();
  superblock.core_count = kCoresMax;
  superblock.bases.assign(kCoresMax, {1, 1, 1});
  for (std::size_t slot = 0; slot < protocol::kSlots; ++slot) {
    superblock.slots[slot] = static_cast<std::uint16_t>(slot % kCoresMax);
  }
  // As many as ask for a rewrite, and what a start of all cores adds.
  superblock.ends.assign(kRecordedEndsRewrite + 2 * kCoresMax, {2, 1, 2, 0, 0});
  const auto decoded = decode_superblock(bytes_of(encoded(superblock)));
  REQUIRE(decoded.state == SuperblockState::valid);
  CHECK(decoded.superblock == superblock);
  superblock.ends.assign(10'000, {2, 1, 2, 0, 0});
  const auto too_large = encode_superblock(superblock);
  REQUIRE(!too_large.has_value());
  CHECK(too_large.error().message.find("too many log ends") != std::string::npos);
}

TEST_CASE("every flipped bit of a superblock makes it invalid") {
  const std::string bytes = encoded(sample_superblock());
  const auto used = load_le<std::uint32_t>(bytes.data() + kUsedBytesPlace);
  for (std::size_t bit = 0; bit < 8 * std::size_t{used}; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    CHECK(state_of(flipped) == SuperblockState::damaged);
  }
}

TEST_CASE("what is torn, short, empty or newer is told apart") {
  const std::string bytes = encoded(sample_superblock());
  CHECK(state_of("") == SuperblockState::absent);
  CHECK(state_of(std::string(kSuperblockBytes, '\0')) == SuperblockState::absent);
  CHECK(state_of(bytes.substr(0, 100)) == SuperblockState::damaged);
  CHECK(state_of(bytes.substr(0, 200)) == SuperblockState::damaged);
  const auto newer = decode_superblock(bytes_of(forged(bytes, 16, 9)));
  CHECK(newer.state == SuperblockState::newer);
  CHECK(newer.version == 9);
  CHECK(state_of(forged(bytes, 24, 1)) == SuperblockState::newer);  // An unknown feature.
}

TEST_CASE("values that cannot be are damage, also with the right checksum") {
  const std::string bytes = encoded(sample_superblock());
  CHECK(state_of(forged(bytes, 20, 2)) == SuperblockState::damaged);    // An unknown flag.
  CHECK(state_of(forged(bytes, 64, 99)) == SuperblockState::damaged);   // Dead above the epoch.
  CHECK(state_of(forged(bytes, 120, 0)) == SuperblockState::damaged);   // No cores.
  CHECK(state_of(forged(bytes, 120, 3)) == SuperblockState::damaged);   // Not as many bases.
  CHECK(state_of(forged(bytes, 124, 3)) == SuperblockState::damaged);   // Not as many runs.
  CHECK(state_of(forged(bytes, 132, 99)) == SuperblockState::damaged);  // Not as many ends.
  CHECK(state_of(forged(bytes, 140, 0)) == SuperblockState::damaged);   // A run that ascends not.
  CHECK(state_of(forged(bytes, 140, 0x00022000)) == SuperblockState::damaged);  // No such core.
}

TEST_CASE("random bytes are never a superblock") {
  SeededRandom random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes = encoded(sample_superblock()).substr(0, 400);
    for (int change = 0; change < 3; ++change) {
      bytes[random.below(bytes.size())] = static_cast<char>(random.next());
    }
    const auto used = load_le<std::uint32_t>(bytes.data() + kUsedBytesPlace);
    if (used >= 12 && used <= bytes.size() && random.below(2) == 0) {
      bytes = forged(bytes, kCrcPlace, 0);
    }
    const auto decoded = decode_superblock(bytes_of(bytes));
    if (decoded.state != SuperblockState::valid) continue;
    // Whatever passes can be written again.
    CHECK(encode_superblock(decoded.superblock).has_value());
  }
}

}  // namespace
