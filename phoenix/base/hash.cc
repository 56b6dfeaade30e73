#include "phoenix/base/hash.h"

#include "phoenix/base/bytes.h"

namespace phoenix {
namespace {

__extension__ using Wide = unsigned __int128;

std::uint64_t fold(std::uint64_t a, std::uint64_t b) {
  const Wide product = static_cast<Wide>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
}

std::uint64_t load64(const char* p) {
  return load_le<std::uint64_t>(p);
}
std::uint64_t load32(const char* p) {
  return load_le<std::uint32_t>(p);
}
std::uint64_t load_up_to_3(const char* p, std::size_t size) {
  const auto byte = [p](std::size_t i) { return std::uint64_t{static_cast<unsigned char>(p[i])}; };
  return (byte(0) << 16U) | (byte(size >> 1U) << 8U) | byte(size - 1);
}

}  // namespace

HashKey HashKey::draw(Random& random) {
  HashKey key;
  for (auto& constant : key.constants) constant = random.next() | 1U;
  return key;
}

std::uint64_t hash_bytes(const HashKey& key, std::string_view bytes) {
  const auto& k = key.constants;
  const char* p = bytes.data();
  const std::size_t size = bytes.size();
  std::uint64_t state = k[0] ^ size;
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  if (size <= 16) {
    if (size >= 8) {
      a = load64(p);
      b = load64(p + size - 8);
    } else if (size >= 4) {
      a = load32(p);
      b = load32(p + size - 4);
    } else if (size > 0) {
      a = load_up_to_3(p, size);
    }
  } else {
    std::size_t left = size;
    for (; left > 16; p += 16, left -= 16) state = fold(load64(p) ^ k[1], load64(p + 8) ^ state);
    a = load64(p + left - 16);
    b = load64(p + left - 8);
  }
  return fold(fold(a ^ k[2], b ^ state) ^ k[3], state ^ k[4]);
}

}  // namespace phoenix
