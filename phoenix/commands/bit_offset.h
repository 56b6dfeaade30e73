// Where a bit stands in a value, as SETBIT, GETBIT and BITFIELD take it.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "phoenix/commands/words.h"
#include "phoenix/engine/entry.h"

namespace phoenix::commands {

inline constexpr std::string_view kNotABitOffset = "bit offset is not an integer or out of range";

/// Of the largest value.
inline constexpr std::uint64_t kBitsMax = std::uint64_t{engine::kEntryValueBytesMax} * 8;

/// The number of a bit below kBitsMax, or nothing.
inline std::optional<std::uint64_t> parse_bit_offset(std::string_view word) {
  const auto bit = parse_unsigned(word);
  if (!bit || *bit >= kBitsMax) return std::nullopt;
  return bit;
}

}  // namespace phoenix::commands
