// LIST as it was asked for. The handler does one slice on one shard, whose LIMIT is how many keys
// are still wanted; the session that streams the whole listing reads the same words.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>

#include "phoenix/base/result.h"
#include "phoenix/commands/command.h"

namespace phoenix::commands {

/// Every key that a slice visits is matched against the pattern: see Pattern for what it costs.
inline constexpr std::size_t kPatternBytesMax = 1024;

/// A slice ends after so many lines of the index (of about 6 keys), or sooner: with the line that
/// brings its keys to LIMIT or to so many bytes, or its matching to so many steps. About 50 us, and
/// up to 200 more to read the worst pattern; but a line is finished, and keys of 64 KiB take up to
/// half a millisecond each with such a pattern. All of it counts as work of the turn.
inline constexpr std::size_t kSliceLines = 12;
inline constexpr std::size_t kSliceBytes = std::size_t{64} << 10U;
inline constexpr std::size_t kSliceSteps = std::size_t{64} << 10U;

struct ListRequest {
  std::string_view pattern = "*";
  std::uint64_t cursor = 0;
  std::uint64_t limit = std::numeric_limits<std::uint64_t>::max();
};

/// Understands "LIST [pattern] [CURSOR c] [LIMIT n]". Views into `args`.
Result<ListRequest> parse_list(Args args);

}  // namespace phoenix::commands
