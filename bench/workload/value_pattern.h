// What each key must hold. A value follows from its key's number, so every hit can be checked
// without remembering anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "phoenix/base/random.h"

namespace phoenix::bench {

/// The value that key `number` holds: an endless pattern of 64-bit words, so that a value cut
/// short, shifted, mixed from two or belonging to another key does not match. The first word alone
/// is different for every key.
class ValuePattern final {
 public:
  // The generator mixes all bits and is a bijection: different keys, different first words.
  explicit ValuePattern(std::uint64_t number) : first_(SeededRandom(number).next()) {}

  /// Writes the pattern's first `size` bytes.
  void fill(char* out, std::size_t size) const {
    std::uint64_t bits = first_;
    for (; size >= sizeof bits; size -= sizeof bits, out += sizeof bits, bits += kStep) {
      std::memcpy(out, &bits, sizeof bits);
    }
    std::memcpy(out, &bits, size);
  }

  /// Whether `bytes` are the pattern's bytes from `offset` on.
  [[nodiscard]] bool matches(std::size_t offset, std::string_view bytes) const;

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;  // Odd: no word comes twice.

  std::uint64_t word(std::uint64_t index) const { return first_ + index * kStep; }
  bool byte_matches(std::size_t offset, char byte) const;

  std::uint64_t first_;
};

}  // namespace phoenix::bench
