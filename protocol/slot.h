// Where a key belongs: Redis Cluster's public rule, so that cluster-aware clients can find the
// owner of a key by themselves (redis.io, "Redis cluster specification", key distribution model).
#pragma once

#include <cstdint>
#include <string_view>

namespace phoenix::protocol {

inline constexpr std::uint32_t kSlots = 16'384;

/// CRC-16/XMODEM of the key, or of the first non-empty {tag} in it, modulo kSlots.
[[nodiscard]] std::uint16_t slot_of(std::string_view key);

}  // namespace phoenix::protocol
