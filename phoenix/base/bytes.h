// Little-endian loads and stores for formats on disk, and arithmetic on alignments.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace phoenix {

static_assert(std::endian::native == std::endian::little, "Phoenix runs on little-endian machines");

template <typename T>
[[nodiscard]] inline T load_le(const void* from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
inline void store_le(void* to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof value);
}

/// `alignment` must be a power of two.
[[nodiscard]] constexpr std::uint64_t align_up(std::uint64_t value, std::uint64_t alignment) {
  return (value + alignment - 1) & ~(alignment - 1);
}
[[nodiscard]] constexpr bool is_aligned(std::uint64_t value, std::uint64_t alignment) {
  return (value & (alignment - 1)) == 0;
}

}  // namespace phoenix
