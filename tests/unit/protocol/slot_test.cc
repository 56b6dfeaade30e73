#include "protocol/slot.h"

#include <cstdint>
#include <random>
#include <string>

#include <doctest/doctest.h>

namespace phoenix::protocol {

TEST_CASE("slot: the examples of the Redis Cluster specification") {
  CHECK(slot_of("123456789") == (0x31C3 & 16383));
  CHECK(slot_of("{user1000}.following") == slot_of("{user1000}.followers"));
  CHECK(slot_of("{user1000}.following") == slot_of("user1000"));
  CHECK(slot_of("foo{}{bar}") != slot_of("bar"));
  CHECK(slot_of("foo{{bar}}zap") == slot_of("{bar"));
  CHECK(slot_of("foo{bar}{zap}") == slot_of("bar"));
  CHECK(slot_of("") == 0);
  CHECK(slot_of("foo") == 12182);
  CHECK(slot_of("{open") == slot_of("{open"));
}

TEST_CASE("slot: sliced and byte-wise computation agree at every length") {
  std::mt19937 random(3);
  for (std::size_t size = 0; size < 70; ++size) {
    std::string text(size, '\0');
    for (auto& c : text) {
      c = static_cast<char>(random());
      if (c == '{') c = 'x';
    }
    std::uint32_t crc = 0;
    for (const char c : text) {
      crc ^= static_cast<std::uint32_t>(static_cast<unsigned char>(c)) << 8U;
      for (int bit = 0; bit < 8; ++bit)
        crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ 0x1021U : crc << 1U;
      crc &= 0xFFFFU;
    }
    REQUIRE(slot_of(text) == (crc & 16383U));
  }
}

}  // namespace phoenix::protocol
