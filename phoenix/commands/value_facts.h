// What OBJECT and DEBUG OBJECT tell of a value: how Redis would hold it. Clients choose by that how
// they treat it; here all values are held alike.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "phoenix/commands/words.h"

namespace phoenix::commands {

/// By what the value looks like: how it came about is not kept.
inline std::string_view encoding_of(std::string_view value) {
  constexpr std::size_t kEmbeddedBytesMax = 44;
  if (parse_integer(value)) return "int";
  return value.size() <= kEmbeddedBytesMax ? "embstr" : "raw";
}

/// Small numbers are one value for all keys that hold them, which nothing ever frees.
inline std::int64_t references_of(std::string_view value) {
  constexpr std::int64_t kSharedNumbers = 10'000;
  const auto number = parse_integer(value);
  const bool is_shared = number && *number >= 0 && *number < kSharedNumbers;
  return is_shared ? std::numeric_limits<std::int32_t>::max() : 1;
}

}  // namespace phoenix::commands
