// LIST as it was asked for. The handler does one slice on one shard; the session that streams the
// whole listing reads the same words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "phoenix/base/result.h"
#include "phoenix/commands/command.h"

namespace phoenix::commands {

/// Every key that a slice visits is matched against the pattern, at a cost of pattern times key: a
/// longer one could hold up its core for minutes.
inline constexpr std::size_t kPatternBytesMax = 1024;

struct ListRequest {
  std::string_view pattern = "*";
  std::uint64_t cursor = 0;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};

/// Understands "LIST [pattern] [CURSOR c] [LIMIT n]". Views into `args`.
Result<ListRequest> parse_list(Args args);

}  // namespace phoenix::commands
