#include "protocol/slot.h"

#include <array>
#include <cstddef>

namespace phoenix::protocol {
namespace {

constexpr std::uint16_t kPolynomial = 0x1021;

// kTables[k][b]: the CRC of byte b followed by k zero bytes, so that 8 bytes are looked up at once.
constexpr std::size_t kSlices = 8;
using Tables = std::array<std::array<std::uint16_t, 256>, kSlices>;

constexpr Tables make_tables() {
  Tables tables{};
  for (std::uint32_t b = 0; b < 256; ++b) {
    std::uint32_t crc = b << 8U;
    for (int bit = 0; bit < 8; ++bit) {
      crc = (crc & 0x8000U) != 0 ? (crc << 1U) ^ kPolynomial : crc << 1U;
    }
    tables[0][b] = static_cast<std::uint16_t>(crc);
  }
  for (std::size_t k = 1; k < kSlices; ++k) {
    for (std::size_t b = 0; b < 256; ++b) {
      const std::uint32_t previous = tables[k - 1][b];
      tables[k][b] =
          static_cast<std::uint16_t>((previous << 8U) ^ tables[0][(previous >> 8U) & 0xFFU]);
    }
  }
  return tables;
}
constexpr Tables kTables = make_tables();

std::uint16_t crc16(std::string_view bytes) {
  const auto* p = reinterpret_cast<const unsigned char*>(bytes.data());
  std::size_t left = bytes.size();
  std::uint32_t crc = 0;
  for (; left >= kSlices; p += kSlices, left -= kSlices) {
    crc = static_cast<std::uint32_t>(kTables[7][p[0] ^ (crc >> 8U)] ^
                                     kTables[6][p[1] ^ (crc & 0xFFU)] ^ kTables[5][p[2]] ^
                                     kTables[4][p[3]] ^ kTables[3][p[4]] ^ kTables[2][p[5]] ^
                                     kTables[1][p[6]] ^ kTables[0][p[7]]);
  }
  for (; left > 0; ++p, --left) {
    crc = ((crc << 8U) & 0xFFFFU) ^ kTables[0][((crc >> 8U) ^ *p) & 0xFFU];
  }
  return static_cast<std::uint16_t>(crc);
}

}  // namespace

std::uint16_t slot_of(std::string_view key) {
  const auto open = key.find('{');
  if (open != std::string_view::npos) {
    const auto close = key.find('}', open + 1);
    if (close != std::string_view::npos && close > open + 1) {
      key = key.substr(open + 1, close - open - 1);
    }
  }
  return static_cast<std::uint16_t>(crc16(key) & (kSlots - 1));
}

}  // namespace phoenix::protocol
