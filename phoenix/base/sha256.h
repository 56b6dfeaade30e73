// SHA-256 (FIPS 180-4), in which Redis tells that a user has a password without telling which.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace phoenix {

[[nodiscard]] std::array<std::uint8_t, 32> sha256(std::span<const std::byte> bytes);

/// Its 64 digits.
[[nodiscard]] std::string sha256_hex(std::span<const std::byte> bytes);

}  // namespace phoenix
