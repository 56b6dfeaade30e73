// LIST, SCAN, KEYS and RANDOMKEY as they are asked for, and their slices of one shard.
#include "phoenix/commands/list.h"

#include <algorithm>
#include <charconv>
#include <set>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

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
  }
}

TEST_CASE("patterns are bounded, since every key is matched against them") {
  const std::string longest(kPatternBytesMax, '?');
  const std::string longer = longest + "?";
  constexpr std::string_view kError = "pattern over 1024 bytes: use a shorter one with *";
  CHECK(parse_list(std::vector<std::string_view>{"LIST", longest}).has_value());
  CHECK(parse_keys(std::vector<std::string_view>{"KEYS", longest}).has_value());
  CHECK(parse_list(std::vector<std::string_view>{"LIST", longer}).error().message == kError);
  CHECK(parse_keys(std::vector<std::string_view>{"KEYS", longer}).error().message == kError);
  CHECK(parse_scan(std::vector<std::string_view>{"SCAN", "0", "MATCH", longer}).error().message ==
        kError);
}

TEST_CASE("SCAN is understood in all its forms") {
  struct Case {
    std::string_view line;
    std::uint64_t cursor;
    std::string_view pattern;
    std::uint64_t count;
    bool is_of_other_type;
  };
  const Case cases[] = {
      {"SCAN 0", 0, "*", 10, false},
      {"SCAN 281474976710655", 281'474'976'710'655, "*", 10, false},
      {"SCAN 18446744073709551615", ~std::uint64_t{0}, "*", 10, false},
      {"SCAN 5 MATCH a* COUNT 7", 5, "a*", 7, false},
      {"SCAN 5 count 1 match x type string", 5, "x", 1, false},
      {"SCAN 5 TYPE STRING", 5, "*", 10, false},
      {"SCAN 5 TYPE hash", 5, "*", 10, true},
      {"SCAN 5 TYPE nonsense", 5, "*", 10, true},
      // The last of several counts.
      {"SCAN 5 MATCH a MATCH b COUNT 1 COUNT 2", 5, "b", 2, false},
      {"SCAN 5 MATCH COUNT", 5, "COUNT", 10, false},
      {"SCAN 0 COUNT 9223372036854775807", 0, "*", 9'223'372'036'854'775'807, false},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    const auto words = words_of(one.line);
    const auto parsed = parse_scan(words);
    REQUIRE(parsed.has_value());
    CHECK(parsed->cursor == one.cursor);
    CHECK(parsed->pattern == one.pattern);
    CHECK(parsed->count == one.count);
    CHECK(parsed->is_of_other_type == one.is_of_other_type);
  }
}

TEST_CASE("SCAN refuses the rest with Redis's texts") {
  struct Case {
    std::string_view line;
    std::string_view error;
  };
  const Case cases[] = {
      {"SCAN x", "invalid cursor"},
      {"SCAN x nonsense", "invalid cursor"},
      {"SCAN 18446744073709551616", "invalid cursor"},
      {"SCAN 0 COUNT", "syntax error"},
      {"SCAN 0 COUNT 0", "syntax error"},
      {"SCAN 0 COUNT -1", "syntax error"},
      {"SCAN 0 COUNT x", "value is not an integer or out of range"},
      {"SCAN 0 nonsense", "syntax error"},
      {"SCAN 0 nonsense 1", "syntax error"},
      {"SCAN 0 MATCH", "syntax error"},
      {"SCAN 0 TYPE", "syntax error"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    const auto words = words_of(one.line);
    const auto parsed = parse_scan(words);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error().message == one.error);
  }
}

TEST_CASE("who is not walking over the cores gets an error, not a slice") {
  Harness harness;
  for (const std::string_view line :
       {"LIST", "LIST *", "KEYS *", "SCAN 0", "SCAN 0 COUNT 1 TYPE", "LIST * 0 1 x", "RANDOMKEY"}) {
    CAPTURE(line);
    CHECK(harness(line).starts_with("(error) ERR this command goes on from core to core"));
  }
}

constexpr std::string_view kAll = "18446744073709551615";

/// Runs a handler with words that are no client's.
std::string run_slice(Harness& harness, const std::vector<std::string_view>& words,
                      std::uint64_t* steps = nullptr) {
  Request request;
  request.args = words;
  TextSink reply;
  Context context{harness.keyspace, harness.now_ms, reply, harness.table, nullptr};
  harness.table.find(words[0])->run(context, request);
  if (steps != nullptr) *steps = context.steps;
  return reply.take();
}

/// A slice that was rendered as [(integer) c, (integer) n, ["k", ...]]: the keys, and the cursor.
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
    cursor = read_slice(run_slice(harness, {"LIST", "even:*", word, "16", kAll}), keys);
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
  CHECK(read_slice(run_slice(harness, {"LIST", "*", "0", kAll, kAll}), keys) != 0);
  CHECK(!keys.empty());
  CHECK(keys.size() <= kKeysOfALine);
  const std::string pattern = "*" + std::string(1'000, 'a') + "b*";
  std::uint64_t steps = 0;
  run_slice(harness, {"KEYS", pattern, "0", kAll, kAll}, &steps);
  CHECK(steps >= 60'000 * 16);
  CHECK(steps <= kKeysOfALine * 60'100 * 16);
}

TEST_CASE("a slice ends when as much effort was made as is wanted") {
  Harness harness;
  for (int i = 0; i < 500; ++i) {
    const std::string key = std::to_string(i);
    CHECK(harness.run({"SET", key, "v"}) == "OK");
  }
  constexpr std::size_t kKeysOfALine = 20;
  std::vector<std::string> keys;
  CHECK(read_slice(run_slice(harness, {"SCAN", "*", "0", kAll, "1"}), keys) != 0);
  CHECK(!keys.empty());
  CHECK(keys.size() <= kKeysOfALine);
  const std::string nothing = run_slice(harness, {"SCAN", "nothing", "0", kAll, "1"});
  CHECK(nothing.find(fmt::format(", (integer) {}, []]", keys.size() * kEffortPerEntry)) !=
        std::string::npos);
}

TEST_CASE("RANDOMKEY has one of the keys, by chance, and none of those that are dead") {
  Harness harness;
  CHECK(run_slice(harness, {"RANDOMKEY", "7"}) == "(nil)");
  CHECK(harness("MSET a 1 b 2 c 3") == "OK");
  CHECK(harness("SET dead v PX 1") == "OK");
  harness.now_ms += 1;
  std::set<std::string> seen;
  for (int i = 0; i < 200; ++i) {
    const std::string chance = std::to_string(harness.random.next());
    seen.insert(run_slice(harness, {"RANDOMKEY", chance}));
  }
  CHECK(seen == std::set<std::string>{"\"a\"", "\"b\"", "\"c\""});
}

}  // namespace
