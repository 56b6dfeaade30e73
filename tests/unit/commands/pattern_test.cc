// Glob patterns of keys.
#include "phoenix/commands/pattern.h"

#include <string>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"

using namespace phoenix;
using namespace phoenix::commands;

namespace {

bool matches_pattern(std::string_view pattern, std::string_view text) {
  return Pattern(pattern).matches(text);
}

struct Case {
  std::string_view pattern;
  std::string_view text;
  bool matches;
};

void check_all(std::initializer_list<Case> cases) {
  for (const Case& one : cases) {
    CAPTURE(one.pattern);
    CAPTURE(one.text);
    CHECK(matches_pattern(one.pattern, one.text) == one.matches);
  }
}

TEST_CASE("plain text matches itself as a whole") {
  check_all({{"", "", true},
             {"", "a", false},
             {"a", "", false},
             {"abc", "abc", true},
             {"abc", "abcd", false},
             {"abc", "ab", false},
             {"abc", "ABC", false},
             {std::string_view("a\0b", 3), std::string_view("a\0b", 3), true},
             {std::string_view("a\0b", 3), std::string_view("a\0c", 3), false},
             {"\xFF", "\xFF", true}});
}

TEST_CASE("stars stand for any text, question marks for any byte") {
  check_all({{"*", "", true},
             {"*", "anything", true},
             {"**", "", false},  // As in Redis.
             {"***", "a", true},
             {"a*", "a", true},
             {"a*", "abc", true},
             {"a*", "ba", false},
             {"*c", "abc", true},
             {"*c", "abcd", false},
             {"a*c", "ac", true},
             {"a*c", "abbbc", true},
             {"a*c", "abbbcd", false},
             {"a*b*c", "aXbYbZc", true},
             {"*ab*ab*", "abab", true},
             {"*ab*ab*", "aba", false},
             {"user:*", "user:1", true},
             {"user:*", "user", false},
             {"?", "a", true},
             {"?", "", false},
             {"?", "ab", false},
             {"a?c", "abc", true},
             {"?*", "", false},
             {"*?", "a", true},
             {"h?llo*", "hello world", true}});
}

TEST_CASE("sets hold bytes and ranges, and may be negated") {
  check_all({{"h[ae]llo", "hello", true},
             {"h[ae]llo", "hallo", true},
             {"h[ae]llo", "hillo", false},
             {"[a-c]", "b", true},
             {"[a-c]", "d", false},
             {"[c-a]", "b", true},  // Either way round, as Redis has it.
             {"[^a]", "b", true},
             {"[^a]", "a", false},
             {"[^a-c]", "b", false},
             {"[^a-c]", "d", true},
             {"[a^]", "^", true},
             {"[-a]", "-", true},
             {"[a-]", "^", true},  // The ']' ends the range, and nothing the set.
             {"[a-]", "-", false},
             {"[a-]x]", "b", false},
             {"[a-]]", "^]", false},
             {"[a-]]", "^", true},
             {"[a-", "-", true},
             {"[\\a-c]", "b", false},  // What is escaped begins no range.
             {"[\\a-c]", "-", true},
             {"[Y-\\]", "Z", true},
             {"[]", "a", false},
             {"[]", "]", false},
             {"[^]", "a", true},
             {"[abc", "b", true},  // An unfinished set ends with the pattern.
             {"[abc", "[abc", false},
             {"[", "[", false},
             {"[a]", "", false},
             {"[\\]]", "]", true},
             {"[\\-a]", "-", true},
             {"[\\^a]", "^", true},
             {"[\x80-\xFF]", "\x90", true},
             {"[\x01-\xFF]", "\x80", false},  // Signed: it is from -1 to 1.
             {"[\x01-\xFF]", "\x01", true},
             {"*[0-9]", "key7", true},
             {"*[0-9]", "key", false}});
}

TEST_CASE("a backslash takes the next byte as it is") {
  check_all({{"\\*", "*", true},
             {"\\*", "a", false},
             {"\\?", "?", true},
             {"\\?", "a", false},
             {"\\[a]", "[a]", true},
             {"\\\\", "\\", true},
             {"\\a", "a", true},
             {"\\", "\\", true},
             {"a\\", "a\\", true}});
}

TEST_CASE("patterns made to explode do not") {
  // Each would need more steps than there are atoms if every star were tried against the others.
  const std::string text(4'000, 'a');
  std::string stars;
  for (int i = 0; i < 500; ++i) stars += "a*";
  CHECK(matches_pattern(stars, text));
  CHECK_FALSE(matches_pattern(stars + "b", text));
  CHECK_FALSE(matches_pattern("*" + stars + "[^a]", text));
  CHECK_FALSE(matches_pattern(std::string(1'000, '*') + "b", text));
  std::string sets;
  for (int i = 0; i < 100; ++i) sets += "*[a-z]?";
  CHECK(matches_pattern(sets, text));
  CHECK_FALSE(matches_pattern(sets + "b", text));
}

TEST_CASE("a key costs its bytes times the words of the pattern, not times its elements") {
  const std::string key(65'536, 'a');
  Pattern at_the_end("*" + std::string(1'022, 'a') + "b");
  CHECK_FALSE(at_the_end.matches(key));
  CHECK(at_the_end.matching_steps() <= 1'023);
  Pattern in_the_middle("*" + std::string(1'021, 'a') + "b*");
  CHECK_FALSE(in_the_middle.matches(key));
  CHECK(in_the_middle.matching_steps() <= 16 * key.size());
  Pattern marks("*a" + std::string(1'000, '?') + "b*");
  CHECK_FALSE(marks.matches(key));
  CHECK(marks.matching_steps() <= 16 * key.size());
  Pattern plain("user:*");
  CHECK_FALSE(plain.matches(key));
  CHECK(plain.matching_steps() == 1);
}

TEST_CASE("segments may lie anywhere in the words of bits") {
  for (std::size_t before = 0; before < 140; before += 7) {
    for (const std::size_t length : {1U, 2U, 63U, 64U, 65U, 130U}) {
      CAPTURE(before);
      CAPTURE(length);
      const std::string head(before, 'h');
      const std::string middle = std::string(length - 1, 'm') + "n";
      const std::string pattern = head + "*" + middle + "*" + middle + "*t";
      CHECK(matches_pattern(pattern, head + middle + middle + "t"));
      CHECK(matches_pattern(pattern, head + "mm" + middle + "mnm" + middle + "xt"));
      CHECK_FALSE(matches_pattern(pattern, head + middle + middle));
      CHECK_FALSE(matches_pattern(pattern, head + middle + middle.substr(1) + "t"));
    }
  }
}

// Every way to match, tried one after the other: slow, and plainly right.
bool matches_slowly(std::string_view pattern, std::string_view text) {
  if (pattern.empty()) return text.empty();
  if (pattern[0] == '*') {
    return matches_slowly(pattern.substr(1), text) ||
           (!text.empty() && matches_slowly(pattern, text.substr(1)));
  }
  if (text.empty() || (pattern[0] != '?' && pattern[0] != text[0])) return false;
  return matches_slowly(pattern.substr(1), text.substr(1));
}

TEST_CASE("any pattern of stars and marks matches what it should") {
  constexpr std::uint64_t kSeed = 4;
  CAPTURE(kSeed);
  SeededRandom random(kSeed);
  unsigned matched = 0;
  for (int round = 0; round < 20'000; ++round) {
    std::string pattern;
    std::string text;
    for (auto i = random.below(7); i > 0; --i) pattern += "ab?*"[random.below(4)];
    for (auto i = random.below(9); i > 0; --i) text += "ab"[random.below(2)];
    const bool is_of_many_stars = text.empty() && pattern.size() > 1;
    const bool expected = !is_of_many_stars && matches_slowly(pattern, text);
    if (expected) ++matched;
    if (matches_pattern(pattern, text) != expected) FAIL_CHECK(pattern << " against " << text);
  }
  CHECK(matched > 1'000);
}

}  // namespace
