// Eight bytes a step ("slicing by 8", Kounavis and Berry, 2005).
#include "phoenix/base/crc64.h"

#include <array>
#include <cstddef>

#include "phoenix/base/bytes.h"

namespace phoenix {
namespace {

constexpr std::uint64_t kPolynomial = 0x95AC'9329'AC4B'C9B5U;  // 0xAD93D23594C935A9 reflected.
constexpr std::size_t kSlices = 8;
constexpr unsigned kByteBits = 8;
constexpr std::size_t kByteValues = 256;

using Tables = std::array<std::array<std::uint64_t, kByteValues>, kSlices>;

// Of a byte that has 0 to 7 zero bytes behind it.
constexpr Tables make_tables() {
  Tables tables{};
  for (std::size_t byte = 0; byte < kByteValues; ++byte) {
    std::uint64_t crc = byte;
    for (unsigned bit = 0; bit < kByteBits; ++bit) {
      crc = (crc & 1U) != 0 ? (crc >> 1U) ^ kPolynomial : crc >> 1U;
    }
    tables[0][byte] = crc;
  }
  for (std::size_t slice = 1; slice < kSlices; ++slice) {
    for (std::size_t byte = 0; byte < kByteValues; ++byte) {
      const std::uint64_t before = tables[slice - 1][byte];
      tables[slice][byte] = (before >> kByteBits) ^ tables[0][before % kByteValues];
    }
  }
  return tables;
}

constexpr Tables kTables = make_tables();

}  // namespace

std::uint64_t crc64(std::uint64_t crc, std::string_view bytes) {
  for (; bytes.size() >= kSlices; bytes.remove_prefix(kSlices)) {
    std::uint64_t word = crc ^ load_le<std::uint64_t>(bytes.data());
    crc = 0;
    for (std::size_t slice = kSlices; slice > 0; --slice, word >>= kByteBits) {
      crc ^= kTables[slice - 1][word % kByteValues];
    }
  }
  for (const char c : bytes) {
    const std::uint64_t byte = (crc ^ static_cast<unsigned char>(c)) % kByteValues;
    crc = (crc >> kByteBits) ^ kTables[0][byte];
  }
  return crc;
}

}  // namespace phoenix
