#include "phoenix/commands/bit_scan.h"

#include <bit>
#include <cstring>

namespace phoenix::commands {
namespace {

constexpr std::size_t kByteBits = 8;
constexpr std::size_t kWordBytes = sizeof(std::uint64_t);

std::uint64_t word_at(const char* at) {
  std::uint64_t word = 0;
  std::memcpy(&word, at, sizeof word);
  return word;
}

unsigned byte_at(std::string_view bytes, std::uint64_t place) {
  return static_cast<unsigned char>(bytes[place]);
}

// The bits of a byte from `first` (0: the highest) to `last`.
unsigned mask(std::uint64_t first, std::uint64_t last) {
  return (0xFFU >> first) & (0xFFU << (kByteBits - 1 - last));
}

}  // namespace

std::size_t bytes_without(std::string_view bytes, bool wanted) {
  const unsigned char filler = wanted ? 0 : 0xFF;
  const std::uint64_t filled = filler == 0 ? 0 : ~std::uint64_t{0};
  std::size_t place = 0;
  while (place + kWordBytes <= bytes.size() && word_at(bytes.data() + place) == filled) {
    place += kWordBytes;
  }
  while (place < bytes.size() && byte_at(bytes, place) == filler) ++place;
  return place;
}

// Four sums: one alone would make every count wait for the last addition.
std::uint64_t count_bits(std::string_view bytes) {
  constexpr std::size_t kStride = 4 * kWordBytes;
  std::uint64_t sums[4] = {};  // NOLINT(modernize-avoid-c-arrays): stays in registers.
  std::size_t place = 0;
  for (; place + kStride <= bytes.size(); place += kStride) {
    const char* const at = bytes.data() + place;
    sums[0] += static_cast<std::uint64_t>(std::popcount(word_at(at)));
    sums[1] += static_cast<std::uint64_t>(std::popcount(word_at(at + kWordBytes)));
    sums[2] += static_cast<std::uint64_t>(std::popcount(word_at(at + 2 * kWordBytes)));
    sums[3] += static_cast<std::uint64_t>(std::popcount(word_at(at + 3 * kWordBytes)));
  }
  std::uint64_t count = sums[0] + sums[1] + sums[2] + sums[3];
  for (; place < bytes.size(); ++place) {
    count += static_cast<std::uint64_t>(std::popcount(byte_at(bytes, place)));
  }
  return count;
}

std::uint64_t count_bits_outside(std::string_view bytes, std::uint64_t first, std::uint64_t last) {
  const auto excess = [&](std::uint64_t byte, unsigned kept) {
    return static_cast<std::uint64_t>(std::popcount(byte_at(bytes, byte) & ~kept & 0xFFU));
  };
  return excess(first / kByteBits, mask(first % kByteBits, kByteBits - 1)) +
         excess(last / kByteBits, mask(0, last % kByteBits));
}

std::uint64_t count_bits(std::string_view bytes, std::uint64_t first, std::uint64_t last) {
  const std::uint64_t first_byte = first / kByteBits;
  const std::uint64_t last_byte = last / kByteBits;
  return count_bits(bytes.substr(first_byte, last_byte - first_byte + 1)) -
         count_bits_outside(bytes, first, last);
}

std::optional<std::uint64_t> find_bit(std::string_view bytes, bool wanted, std::uint64_t first,
                                      std::uint64_t last, std::size_t bytes_known) {
  const unsigned char filler = wanted ? 0 : 0xFF;
  const auto found_in = [&](std::uint64_t byte, unsigned kept) -> std::optional<std::uint64_t> {
    const unsigned hits = (byte_at(bytes, byte) ^ filler) & kept;
    if (hits == 0) return std::nullopt;
    return byte * kByteBits +
           static_cast<std::uint64_t>(std::countl_zero(static_cast<unsigned char>(hits)));
  };
  const std::uint64_t first_byte = first / kByteBits;
  const std::uint64_t last_byte = last / kByteBits;
  const unsigned last_mask = mask(0, last % kByteBits);
  const unsigned first_mask = mask(first % kByteBits, kByteBits - 1);
  if (first_byte == last_byte) return found_in(first_byte, first_mask & last_mask);
  if (const auto found = found_in(first_byte, first_mask)) return found;
  const auto middle = bytes.substr(first_byte + 1, last_byte - first_byte - 1);
  const std::size_t skipped = bytes_known + bytes_without(middle.substr(bytes_known), wanted);
  if (skipped < middle.size()) return found_in(first_byte + 1 + skipped, 0xFFU);
  return found_in(last_byte, last_mask);
}

bool bit_at(std::string_view bytes, std::uint64_t bit) {
  const std::uint64_t byte = bit / kByteBits;
  if (byte >= bytes.size()) return false;
  return ((byte_at(bytes, byte) >> (kByteBits - 1 - bit % kByteBits)) & 1U) != 0;
}

}  // namespace phoenix::commands
