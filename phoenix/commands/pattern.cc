#include "phoenix/commands/pattern.h"

#include <algorithm>
#include <bitset>

namespace phoenix::commands {
namespace {

std::size_t byte_of(char c) {
  return static_cast<unsigned char>(c);
}

int signed_of(char c) {
  return static_cast<signed char>(c);
}

}  // namespace

Pattern::Pattern(std::string_view pattern) : matches_empty_(pattern.empty() || pattern == "*") {
  const auto stars = static_cast<std::size_t>(std::count(pattern.begin(), pattern.end(), '*'));
  words_ = (pattern.size() - stars + kBits - 1) / kBits;
  rows_.resize(kBytes * words_);
  state_.resize(words_);
  std::size_t begin = 0;
  for (std::size_t at = 0; at < pattern.size();) {
    if (pattern[at] == '*') {
      segments_.push_back({begin, elements_});
      begin = elements_;
      while (at < pattern.size() && pattern[at] == '*') ++at;
      continue;
    }
    if (pattern[at] == '[') {
      at = read_set(pattern, at + 1);
    } else if (pattern[at] == '?') {
      for (std::size_t byte = 0; byte < kBytes; ++byte) allow(byte);
      ++at;
    } else {
      if (pattern[at] == '\\' && at + 1 < pattern.size()) ++at;
      allow(byte_of(pattern[at++]));
    }
    ++elements_;
  }
  segments_.push_back({begin, elements_});
  steps_ = reading_steps_ = rows_.size() / 4 + allowed_ / 2;
}

// The set whose first byte is at `at`; returns where it has ended. What stands behind a '-' ends a
// range whatever it is, a ']' and a '\\' as well; and bytes are signed in ranges: as Redis has it.
std::size_t Pattern::read_set(std::string_view pattern, std::size_t at) {
  const bool negated = at < pattern.size() && pattern[at] == '^';
  if (negated) ++at;
  std::bitset<kBytes> set;
  while (at < pattern.size() && pattern[at] != ']') {
    if (pattern[at] == '\\' && at + 1 < pattern.size()) {
      set.set(byte_of(pattern[at + 1]));
      at += 2;
    } else if (at + 2 < pattern.size() && pattern[at + 1] == '-') {
      const auto [low, high] = std::minmax({signed_of(pattern[at]), signed_of(pattern[at + 2])});
      for (int c = low; c <= high; ++c) set.set(byte_of(static_cast<char>(c)));
      at += 3;
    } else {
      set.set(byte_of(pattern[at++]));
    }
  }
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    if (set[byte] != negated) allow(byte);
  }
  return std::min(at + 1, pattern.size());  // Behind the ']'.
}

// The element that is being read may stand for `byte`.
void Pattern::allow(std::size_t byte) {
  ++allowed_;
  row_of(byte)[elements_ / kBits] |= std::uint64_t{1} << (elements_ % kBits);
}

// The ends of the pattern have their place. Between them each segment takes the first that fits: if
// anything matches, that does.
bool Pattern::matches(std::string_view text) {
  if (text.empty()) return matches_empty_;
  const Segment first = segments_.front();
  if (segments_.size() == 1) return text.size() == first.size() && fits(first, text);
  const Segment last = segments_.back();
  if (text.size() < first.size() + last.size()) return false;
  if (!fits(first, text) || !fits(last, text.substr(text.size() - last.size()))) return false;
  text = text.substr(first.size(), text.size() - first.size() - last.size());
  for (std::size_t i = 1; i + 1 < segments_.size(); ++i) {
    const std::size_t end = find_end(segments_[i], text);
    if (end == kNone) return false;
    text.remove_prefix(end);
  }
  return true;
}

bool Pattern::fits(Segment segment, std::string_view text) {
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const std::size_t element = segment.begin + i;
    ++steps_;
    const std::uint64_t word = row_of(byte_of(text[i]))[element / kBits];
    if ((word >> (element % kBits) & 1U) == 0) return false;
  }
  return true;
}

// Where the first place that fits ends. A bit of the state per element: all up to it fit what has
// just been read ("Shift-And", Baeza-Yates and Gonnet, 1992).
std::size_t Pattern::find_end(Segment segment, std::string_view text) {
  const std::size_t first = segment.begin / kBits;
  const std::size_t last = (segment.end - 1) / kBits;
  const std::uint64_t begin_bit = std::uint64_t{1} << (segment.begin % kBits);
  const std::uint64_t end_bit = std::uint64_t{1} << ((segment.end - 1) % kBits);
  std::fill(state_.begin(), state_.end(), 0);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint64_t* const row = row_of(byte_of(text[i]));
    std::uint64_t in = begin_bit;
    for (std::size_t word = first; word <= last; ++word) {
      const std::uint64_t old = state_[word];
      state_[word] = ((old << 1U) | in) & row[word];
      in = old >> (kBits - 1);
    }
    steps_ += last - first + 1;
    if ((state_[last] & end_bit) != 0) return i + 1;
  }
  return kNone;
}

}  // namespace phoenix::commands
