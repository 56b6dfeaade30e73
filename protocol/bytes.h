// Little-endian loads and stores over wire bytes.
#pragma once

#include <bit>
#include <cstring>
#include <type_traits>

namespace phoenix::protocol {

static_assert(std::endian::native == std::endian::little, "Phoenix runs on little-endian machines");

template <typename T>
[[nodiscard]] inline T load_le(const char* from) {
  static_assert(std::is_trivially_copyable_v<T>);
  T value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <typename T>
inline void store_le(char* to, T value) {
  static_assert(std::is_trivially_copyable_v<T>);
  std::memcpy(to, &value, sizeof value);
}

}  // namespace phoenix::protocol
