// LIST as it was asked for. The handler does one slice on one shard; the session that streams the
// whole listing reads the same words.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>

#include "phoenix/base/result.h"
#include "phoenix/commands/command.h"

namespace phoenix::commands {

struct ListRequest {
  std::string_view pattern = "*";
  std::uint64_t cursor = 0;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};

/// Understands "LIST [pattern] [CURSOR c] [LIMIT n]".
Result<ListRequest> parse_list(Args args);

}  // namespace phoenix::commands
