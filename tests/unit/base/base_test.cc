#include <array>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "phoenix/base/bytes.h"
#include "phoenix/base/crc32c.h"
#include "phoenix/base/crc64.h"
#include "phoenix/base/hash.h"
#include "phoenix/base/random.h"
#include "phoenix/base/sha256.h"

using namespace phoenix;

namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

std::string random_text(SeededRandom& random, std::size_t size) {
  std::string text(size, '\0');
  for (auto& c : text) c = static_cast<char>(random.next());
  return text;
}

}  // namespace

TEST_CASE("sha256: the vectors of FIPS 180-4, and lengths around a block") {
  CHECK(sha256_hex(bytes_of("")) ==
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex(bytes_of("abc")) ==
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(sha256_hex(bytes_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(sha256_hex(bytes_of(std::string(55, 'a'))) ==
        "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  CHECK(sha256_hex(bytes_of(std::string(64, 'a'))) ==
        "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

TEST_CASE("crc32c: the vectors of RFC 3720") {
  std::string ascending(32, '\0');
  for (std::size_t i = 0; i < 32; ++i) ascending[i] = static_cast<char>(i);
  CHECK(crc32c(0, bytes_of(std::string(32, '\0'))) == 0x8A9136AAU);
  CHECK(crc32c(0, bytes_of(std::string(32, '\xFF'))) == 0x62A8AB43U);
  CHECK(crc32c(0, bytes_of(ascending)) == 0x46DD794EU);
  CHECK(crc32c(0, bytes_of("123456789")) == 0xE3069283U);
  CHECK(crc32c(7, bytes_of("")) == 7U);
}

TEST_CASE("crc32c: whole equals any split, also across the three-stream path") {
  SeededRandom random(1);
  const std::string text = random_text(random, 20'000);
  const std::uint32_t whole = crc32c(5, bytes_of(text));
  for (int i = 0; i < 300; ++i) {
    const std::size_t cut = random.below(text.size());
    const std::string_view view = text;
    CAPTURE(cut);
    REQUIRE(crc32c(crc32c(5, bytes_of(view.substr(0, cut))), bytes_of(view.substr(cut))) == whole);
  }
}

TEST_CASE("crc32c: every flipped bit of a block shows") {
  SeededRandom random(2);
  std::string text = random_text(random, 4096);
  const std::uint32_t before = crc32c(0, bytes_of(text));
  for (std::size_t bit = 0; bit < text.size() * 8; bit += 7) {
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
    REQUIRE(crc32c(0, bytes_of(text)) != before);
    text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST_CASE("crc64: its check value, and whole equals any split") {
  CHECK(crc64(0, "") == 0);
  CHECK(crc64(0, "123456789") == 0xE9C6'D914'C4B8'D9CAU);
  SeededRandom random(3);
  const std::string text = random_text(random, 100);
  const std::string_view view = text;
  for (std::size_t cut = 0; cut <= text.size(); ++cut) {
    CHECK(crc64(crc64(0, view.substr(0, cut)), view.substr(cut)) == crc64(0, view));
  }
}

TEST_CASE("hash: keys, lengths and constants all matter, and buckets fill evenly") {
  SeededRandom random(4);
  const HashKey key = HashKey::draw(random);
  const HashKey other = HashKey::draw(random);
  std::set<std::uint64_t> seen;
  for (std::size_t size = 0; size < 200; ++size)
    seen.insert(hash_bytes(key, std::string(size, 'a')));
  CHECK(seen.size() == 200);
  CHECK(hash_bytes(key, "a") != hash_bytes(other, "a"));

  std::array<int, 256> low{};
  std::array<int, 256> high{};
  for (int i = 0; i < 256 * 1000; ++i) {
    const std::uint64_t h = hash_bytes(key, "key:" + std::to_string(i));
    ++low[h & 255];
    ++high[h >> 56];
  }
  for (std::size_t i = 0; i < 256; ++i) {
    CHECK(low[i] > 800);
    CHECK(low[i] < 1200);
    CHECK(high[i] > 800);
    CHECK(high[i] < 1200);
  }
}

TEST_CASE("alignment") {
  CHECK(align_up(0, 4096) == 0);
  CHECK(align_up(1, 4096) == 4096);
  CHECK(align_up(4096, 4096) == 4096);
  CHECK(is_aligned(8192, 4096));
  CHECK_FALSE(is_aligned(8191, 4096));
}
