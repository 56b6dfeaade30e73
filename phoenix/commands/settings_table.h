// The parameters of CONFIG that are numbers: one row for each name.
#pragma once

#include <cstdint>
#include <limits>
#include <span>
#include <string_view>

#include "phoenix/commands/settings.h"

namespace phoenix::commands {

struct Parameter {
  enum class Kind : std::uint8_t { integer, memory, yes_or_no, key_events };

  std::string_view name;  // In lower case.
  Setting setting;        // Two names may stand for the same.
  Kind kind = Kind::integer;
  std::int64_t least = 0;
  std::int64_t most = std::numeric_limits<std::int64_t>::max();
  std::int64_t initial = 0;
};

std::span<const Parameter> parameters();

}  // namespace phoenix::commands
