#include "phoenix/commands/pattern.h"

#include <algorithm>
#include <cstddef>

namespace phoenix::commands {
namespace {

// Matches one pattern element at `at` against `c`; moves `at` behind the element.
bool matches_set(std::string_view pattern, std::size_t& at, char c) {
  const auto byte = [](char x) { return static_cast<unsigned char>(x); };
  ++at;  // '['
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  bool matched = false;
  while (at < pattern.size() && pattern[at] != ']') {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
    const char low = pattern[at++];
    char high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      high = pattern[at + 1];
      at += 2;
    }
    const auto from = std::min(byte(low), byte(high));
    const auto to = std::max(byte(low), byte(high));
    matched = matched || (from <= byte(c) && byte(c) <= to);
  }
  if (at < pattern.size()) ++at;  // ']'
  return matched != negated;
}

bool matches_one(std::string_view pattern, std::size_t& at, char c) {
  if (pattern[at] == '[') return matches_set(pattern, at, c);
  if (pattern[at] == '?') {
    ++at;
    return true;
  }
  if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
  return pattern[at++] == c;
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view text) {
  constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = kNone;  // Behind the last star seen, and what it has swallowed so far.
  std::size_t swallowed = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = ++p;
      swallowed = t;
      continue;
    }
    std::size_t next = p;
    if (p < pattern.size() && matches_one(pattern, next, text[t])) {
      p = next;
      ++t;
      continue;
    }
    if (star == kNone) return false;
    p = star;
    t = ++swallowed;
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace phoenix::commands
