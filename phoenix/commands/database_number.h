// The number of a database, as SELECT, COPY, MOVE and SWAPDB take it: 0, the only one there is.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "phoenix/commands/refusals.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {

inline constexpr std::string_view kNoSuchDatabase = "DB index is out of range";

inline bool is_int(std::int64_t number) {
  return number >= std::numeric_limits<std::int32_t>::min() &&
         number <= std::numeric_limits<std::int32_t>::max();
}

/// What is wrong with the number of a database; empty when it is 0. Redis wants to know whether it
/// is an int before it looks for the database.
inline std::string_view check_database(std::string_view word) {
  const auto number = parse_integer(word);
  if (!number) return kNotAnInteger;
  if (!is_int(*number)) {
    return "value is out of range, value must between -2147483648 and 2147483647";
  }
  return *number == 0 ? "" : kNoSuchDatabase;
}

}  // namespace phoenix::commands
