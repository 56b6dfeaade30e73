// DEL, EXISTS, DBSIZE and one slice of a LIST.
#include <algorithm>
#include <charconv>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/commands/list.h"
#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

TEST_CASE("DEL removes each key once and counts what was there") {
  Harness harness;
  CHECK(harness("MSET a 1 b 2 c 3") == "OK");
  CHECK(harness("DEL a a nothing") == "(integer) 1");
  CHECK(harness("DEL b c a") == "(integer) 2");
  CHECK(harness("DEL b") == "(integer) 0");
  CHECK(harness.effects.count == 3 + 3);
  CHECK(harness("DBSIZE") == "(integer) 0");
  CHECK(harness("DEL") == "wrong arity");
}

TEST_CASE("DEL does not count what is dead already") {
  Harness harness;
  CHECK(harness("SET a 1 PX 5") == "OK");
  harness.now_ms += 5;
  CHECK(harness("DEL a") == "(integer) 0");
}

TEST_CASE("EXISTS counts a key as often as it is named") {
  Harness harness;
  CHECK(harness("SET a 1") == "OK");
  CHECK(harness("EXISTS a") == "(integer) 1");
  CHECK(harness("EXISTS a a nothing a") == "(integer) 3");
  CHECK(harness("EXISTS nothing") == "(integer) 0");
  CHECK(harness("EXISTS") == "wrong arity");
}

TEST_CASE("DBSIZE counts keys, the dead ones until they are removed") {
  Harness harness;
  CHECK(harness("DBSIZE") == "(integer) 0");
  CHECK(harness("MSET a 1 b 2") == "OK");
  CHECK(harness("SET c 3 PX 5") == "OK");
  CHECK(harness("DBSIZE") == "(integer) 3");
  harness.now_ms += 5;
  CHECK(harness("DBSIZE") == "(integer) 3");
  harness.keyspace.remove_expired(harness.now_ms, 100);
  CHECK(harness("DBSIZE") == "(integer) 2");
  CHECK(harness("DBSIZE x") == "wrong arity");
}

TEST_CASE("LIST is understood in all its forms") {
  struct Case {
    std::string_view line;
    std::string_view pattern;
    std::uint64_t cursor;
    std::uint64_t limit;
  };
  constexpr std::uint64_t kAll = ~std::uint64_t{0};
  const Case cases[] = {
      {"LIST", "*", 0, kAll},
      {"LIST user:*", "user:*", 0, kAll},
      {"LIST CURSOR 5", "*", 5, kAll},
      {"LIST cursor 18446744073709551615", "*", kAll, kAll},
      {"LIST LIMIT 7", "*", 0, 7},
      {"LIST limit 18446744073709551615", "*", 0, kAll},
      {"LIST a* CURSOR 5 LIMIT 7", "a*", 5, 7},
      {"LIST a* LIMIT 7 CURSOR 5", "a*", 5, 7},
      {"LIST LIMIT 7 CURSOR 5", "*", 5, 7},
      // A pattern may be named like an option.
      {"LIST CURSOR", "CURSOR", 0, kAll},
      {"LIST LIMIT LIMIT 3", "LIMIT", 0, 3},
      {"LIST CURSOR CURSOR 3", "CURSOR", 3, kAll},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    const auto words = words_of(one.line);
    const auto parsed = parse_list(words);
    REQUIRE(parsed.has_value());
    CHECK(parsed->pattern == one.pattern);
    CHECK(parsed->cursor == one.cursor);
    CHECK(parsed->limit == one.limit);
  }
}

TEST_CASE("LIST refuses the rest") {
  struct Case {
    std::string_view line;
    std::string_view error;
  };
  const Case cases[] = {
      {"LIST a b", "syntax error: try HELP LIST"},
      {"LIST a CURSOR", "syntax error: try HELP LIST"},
      {"LIST a LIMIT 1 b", "syntax error: try HELP LIST"},
      {"LIST a b c", "syntax error: try HELP LIST"},
      {"LIST CURSOR x", "invalid cursor: a number that LIST answered"},
      {"LIST CURSOR -1", "invalid cursor: a number that LIST answered"},
      {"LIST CURSOR 18446744073709551616", "invalid cursor: a number that LIST answered"},
      {"LIST LIMIT 0", "invalid limit: a whole number from 1"},
      {"LIST LIMIT -5", "invalid limit: a whole number from 1"},
      {"LIST a LIMIT many", "invalid limit: a whole number from 1"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    const auto words = words_of(one.line);
    const auto parsed = parse_list(words);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().message == one.error);
    Harness harness;
    CHECK(harness(one.line) == "(error) ERR " + std::string(one.error));
  }
}

TEST_CASE("LIST bounds its pattern, since every key is matched against it") {
  Harness harness;
  CHECK(harness("SET a 1") == "OK");
  const std::string longest(kPatternBytesMax, '?');
  CHECK(harness.run({"LIST", longest}).ends_with(", []]"));
  CHECK(harness.run({"LIST", longest + "?"}) ==
        "(error) ERR pattern over 1024 bytes: use a shorter one with *");
}

/// The cursor and the keys of a slice that was rendered as [(integer) c, ["k", ...]].
std::uint64_t read_slice(std::string_view slice, std::vector<std::string>& keys) {
  constexpr std::string_view kHead = "[(integer) ";
  REQUIRE(slice.starts_with(kHead));
  slice.remove_prefix(kHead.size());
  std::int64_t cursor = 0;
  const auto [rest, error] = std::from_chars(slice.data(), slice.data() + slice.size(), cursor);
  REQUIRE(error == std::errc());
  for (auto at = slice.find('"'); at != std::string_view::npos; at = slice.find('"', at + 1)) {
    const auto begin = at + 1;
    at = slice.find('"', begin);
    keys.emplace_back(slice.substr(begin, at - begin));
  }
  return static_cast<std::uint64_t>(cursor);
}

TEST_CASE("slices of a LIST, one after the other, have every key that matches once") {
  Harness harness;
  std::set<std::string> expected;
  for (int i = 0; i < 500; ++i) {
    const std::string key = fmt::format("{}:{}", i % 2 == 0 ? "even" : "odd", i);
    CHECK(harness.run({"SET", key, "v"}) == "OK");
    if (i % 2 == 0) expected.insert(key);
  }
  CHECK(harness("SET even:dead v PX 1") == "OK");
  harness.now_ms += 1;
  std::vector<std::string> keys;
  std::uint64_t cursor = 0;
  unsigned slices = 0;
  do {
    const std::string word = std::to_string(cursor);
    cursor = read_slice(harness.run({"LIST", "even:*", "CURSOR", word, "LIMIT", "16"}), keys);
    REQUIRE(++slices < 1000);
  } while (cursor != 0);
  CHECK(slices > 10);
  CHECK(keys.size() == expected.size());
  CHECK(std::set<std::string>(keys.begin(), keys.end()) == expected);
}

TEST_CASE("a slice of a LIST ends early when its keys are long or hard to match") {
  Harness harness;
  for (int i = 0; i < 500; ++i) {
    const std::string key = std::string(60'000, 'a') + std::to_string(i);
    CHECK(harness.run({"SET", key, "v"}) == "OK");
  }
  constexpr std::size_t kKeysOfALine = 20;  // At most; one line is finished.
  std::vector<std::string> keys;
  CHECK(read_slice(harness.run({"LIST"}), keys) != 0);
  CHECK(!keys.empty());
  CHECK(keys.size() <= kKeysOfALine);
  const commands::Table table;
  const std::string pattern = "*" + std::string(1'000, 'a') + "b*";
  const std::vector<std::string_view> words{"LIST", pattern};
  Request request;
  request.args = words;
  TextSink reply;
  Context context{harness.keyspace, harness.now_ms, reply, table, nullptr};
  table.find("LIST")->run(context, request);
  CHECK(context.steps >= 60'000 * 16);
  CHECK(context.steps <= kKeysOfALine * 60'100 * 16);
}

}  // namespace
