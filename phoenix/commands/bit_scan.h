// Counting and finding bits in a value of any size, a word at a time. Bits are numbered as Redis
// does it: 0 is the highest bit of the first byte.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace phoenix::commands {

/// The bits that are set in bytes.
std::uint64_t count_bits(std::string_view bytes);

/// The same from bit `first` to bit `last`, both included and within the bytes.
std::uint64_t count_bits(std::string_view bytes, std::uint64_t first, std::uint64_t last);

/// How many of the bits of the bytes that `first` and `last` stand in are not between them.
std::uint64_t count_bits_outside(std::string_view bytes, std::uint64_t first, std::uint64_t last);

/// The bytes at the front that have no bit that is `wanted`.
std::size_t bytes_without(std::string_view bytes, bool wanted);

/// The first bit from `first` to `last`, both included and within the bytes, that is `wanted`.
/// Of the bytes behind that of `first`, so many are known to have none.
std::optional<std::uint64_t> find_bit(std::string_view bytes, bool wanted, std::uint64_t first,
                                      std::uint64_t last, std::size_t bytes_known = 0);

/// False past the end.
bool bit_at(std::string_view bytes, std::uint64_t bit);

/// What it takes to read so many bytes once, in nanoseconds.
inline std::uint64_t scan_steps(std::uint64_t bytes) {
  constexpr std::uint64_t kBytesPerNs = 8;
  return bytes / kBytesPerNs;
}

}  // namespace phoenix::commands
