// The wall clock, by which keys expire.
#pragma once

#include <chrono>
#include <cstdint>

namespace phoenix::cli::transfer {

/// Unix time in milliseconds.
[[nodiscard]] inline std::uint64_t now_ms() {
  const auto since_epoch = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::milliseconds>(since_epoch).count());
}

}  // namespace phoenix::cli::transfer
