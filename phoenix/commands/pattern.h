// Glob patterns of keys, as Redis has them: * ? [abc] [^a] [a-z] and \ to escape.
#pragma once

#include <string_view>

namespace phoenix::commands {

/// Whether all of `text` matches. Time is at most proportional to pattern times text, whatever
/// the pattern: a star that fails goes back to the last star only.
bool matches_pattern(std::string_view pattern, std::string_view text);

}  // namespace phoenix::commands
