// One hardware instruction handles 8 bytes but takes 3 cycles; three independent streams hide that
// latency on long inputs, and a table of "append N zero bytes" joins them (the method is described
// in V. Gopal et al., "Fast CRC Computation for iSCSI Polynomial Using CRC32 Instruction", 2011).
#include "phoenix/base/crc32c.h"

#include <array>

#include "phoenix/base/bytes.h"

#if defined(__SSE4_2__)
#include <nmmintrin.h>
#endif

namespace phoenix {
namespace {

constexpr std::uint32_t kPolynomial = 0x82F63B78U;  // Reflected.

constexpr std::array<std::uint32_t, 256> make_byte_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc & 1U) != 0 ? kPolynomial ^ (crc >> 1U) : crc >> 1U;
    table[i] = crc;
  }
  return table;
}
constexpr auto kByteTable = make_byte_table();

constexpr std::size_t kStreamBytes = 1024;  // Length of each of the three streams of a block.

// kShift[k][b]: what byte k with value b of a CRC becomes after kStreamBytes zero bytes follow it.
using ShiftTable = std::array<std::array<std::uint32_t, 256>, 4>;
ShiftTable make_shift_table() {
  ShiftTable table{};
  for (std::size_t k = 0; k < 4; ++k) {
    for (std::uint32_t byte = 0; byte < 256; ++byte) {
      std::uint32_t crc = byte << (8 * k);
      for (std::size_t i = 0; i < kStreamBytes; ++i) crc = kByteTable[crc & 0xFFU] ^ (crc >> 8U);
      table[k][byte] = crc;
    }
  }
  return table;
}

#if defined(__SSE4_2__)
std::uint32_t update(std::uint32_t crc, const std::byte* data, std::size_t size) {
  static const ShiftTable kShift = make_shift_table();
  const auto shift = [](std::uint32_t value) {
    return kShift[0][value & 0xFFU] ^ kShift[1][(value >> 8U) & 0xFFU] ^
           kShift[2][(value >> 16U) & 0xFFU] ^ kShift[3][value >> 24U];
  };
  while (size >= 3 * kStreamBytes) {
    std::uint64_t a = crc;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    for (std::size_t i = 0; i < kStreamBytes; i += 8) {
      a = _mm_crc32_u64(a, load_le<std::uint64_t>(data + i));
      b = _mm_crc32_u64(b, load_le<std::uint64_t>(data + kStreamBytes + i));
      c = _mm_crc32_u64(c, load_le<std::uint64_t>(data + 2 * kStreamBytes + i));
    }
    crc = shift(shift(static_cast<std::uint32_t>(a)) ^ static_cast<std::uint32_t>(b)) ^
          static_cast<std::uint32_t>(c);
    data += 3 * kStreamBytes;
    size -= 3 * kStreamBytes;
  }
  std::uint64_t wide = crc;
  for (; size >= 8; data += 8, size -= 8) wide = _mm_crc32_u64(wide, load_le<std::uint64_t>(data));
  crc = static_cast<std::uint32_t>(wide);
  for (; size > 0; ++data, --size) crc = _mm_crc32_u8(crc, std::to_integer<std::uint8_t>(*data));
  return crc;
}
#else
std::uint32_t update(std::uint32_t crc, const std::byte* data, std::size_t size) {
  for (; size > 0; ++data, --size) {
    crc = kByteTable[(crc ^ std::to_integer<std::uint32_t>(*data)) & 0xFFU] ^ (crc >> 8U);
  }
  return crc;
}
#endif

}  // namespace

std::uint32_t crc32c(std::uint32_t crc, std::span<const std::byte> bytes) {
  return ~update(~crc, bytes.data(), bytes.size());
}

}  // namespace phoenix
