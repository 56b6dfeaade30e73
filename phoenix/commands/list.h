// LIST, SCAN and KEYS as they are asked for, and the slices that all of them are made of. A handler
// does one slice on one shard; the session that walks over all of them reads the client's words.
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

/// A slice ends after so many lines of the index (of about 6 keys; or so many empty ones), or
/// sooner: with the line that brings its keys or effort to what is wanted or its keys to so many
/// bytes, or its matching to so many steps. About 50 us, and up to 200 more to read the worst
/// pattern; but a line is finished, and keys of 64 KiB take up to half a millisecond each with such
/// a pattern. All of it counts as work of the turn.
inline constexpr std::size_t kSliceLines = 12;
inline constexpr std::size_t kSliceEmptyLines = 64;
inline constexpr std::size_t kSliceBytes = std::size_t{64} << 10U;
inline constexpr std::size_t kSliceSteps = std::size_t{64} << 10U;

inline constexpr std::uint64_t kNoCount = std::numeric_limits<std::uint64_t>::max();

struct ListRequest {
  std::string_view pattern = "*";
  std::uint64_t cursor = 0;
  std::uint64_t limit = kNoCount;
};
/// Understands "LIST [pattern] [CURSOR c] [LIMIT n]". Views into `args`.
Result<ListRequest> parse_list(Args args);

struct ScanRequest {
  std::string_view pattern = "*";
  std::uint64_t cursor = 0;
  std::uint64_t count = 10;       // Entries to look at, whether they match or not.
  bool is_of_other_type = false;  // TYPE is none that there is: nothing matches.
};
/// Understands "SCAN c [MATCH pattern] [COUNT n] [TYPE type]". Views into `args`.
Result<ScanRequest> parse_scan(Args args);

/// Understands "KEYS pattern".
Result<std::string_view> parse_keys(Args args);

/// What SCAN's COUNT bounds. An empty line of the index is some effort, too: else a page of a shard
/// whose entries are all dead would take any time. But so little that the lines that empty shards
/// have are one page, as they are in Redis.
inline constexpr std::uint64_t kEffortPerEntry = 64;
inline constexpr std::uint64_t kEffortPerEmptyLine = 1;

/// The words of a slice: a command's name, pattern, cursor, how many more keys are wanted, and how
/// much more effort. What it answers is [next cursor, effort, [keys]]; the cursor is 0 at the end
/// of the shard.
inline constexpr std::size_t kSliceWords = 5;

/// Those of RANDOMKEY on one shard: its name and a number drawn by chance, for another key each.
inline constexpr std::size_t kRandomKeyWords = 2;

}  // namespace phoenix::commands
