// GET, SET without times, MGET, MSET, INCR. What SET does with times is in expiry_test.cc.
#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kSyntaxError = "(error) ERR syntax error";
constexpr std::string_view kNotAnInteger = "(error) ERR value is not an integer or out of range";

engine::LargeValueRef block_of(const std::string& bytes) {
  const auto block = std::make_shared<engine::LargeValue>();
  REQUIRE(block->append(bytes));
  return block;
}

TEST_CASE("GET answers what SET stored, whatever the bytes and the sizes") {
  Harness harness(3);
  const std::string any("\0\r\n\xFF \"quoted\"", 14);
  CHECK(harness("GET a") == "(nil)");
  CHECK(harness.run({"SET", "a", any}) == "OK");
  CHECK(harness("GET a") == quoted(any));
  CHECK(harness.run({"SET", "", ""}) == "OK");
  CHECK(harness.run({"GET", ""}) == "\"\"");
  for (const std::size_t size : {std::size_t{1}, std::size_t{255}, engine::kSmallValueBytesMax,
                                 engine::kSmallValueBytesMax + 1, std::size_t{300'000}}) {
    const std::string value(size, 'v');
    const std::string key(size % 65'536 + 1, 'k');
    CHECK(harness.run({"SET", key, value}) == "OK");
    CHECK(harness.run({"GET", key}) == quoted(value));
    CHECK((harness.reply.large_value() != nullptr) == (size > engine::kSmallValueBytesMax));
  }
}

TEST_CASE("a large value is stored and answered without a copy") {
  Harness harness;
  const engine::LargeValueRef block = block_of(std::string(100'000, 'v'));
  const Extras with_block{.flags = 0, .ttl_ms = 0, .large = &block};
  CHECK(harness.run({"SET", "a", block->view()}, with_block) == "OK");
  CHECK(harness("GET a") == quoted(block->view()));
  CHECK(harness.reply.large_value() == block);
  // The old one is answered though it is replaced in the same breath.
  CHECK(harness("SET a small GET") == quoted(block->view()));
  CHECK(harness.reply.large_value() == block);
  CHECK(harness("GET a") == "\"small\"");
}

TEST_CASE("SET's conditions and answers, as words and as flags") {
  struct Case {
    const char* before;  // The value of the key; null: none.
    std::string_view options;
    std::uint16_t flags;
    std::string_view reply;
    std::string_view after;
  };
  using protocol::kIfAbsent;
  using protocol::kIfPresent;
  using protocol::kReturnOld;
  constexpr std::uint16_t kAbsentOld = kIfAbsent | kReturnOld;
  constexpr std::uint16_t kPresentOld = kIfPresent | kReturnOld;
  const Case cases[] = {
      {nullptr, "", 0, "OK", "\"new\""},
      {"old", "", 0, "OK", "\"new\""},
      {nullptr, "NX", kIfAbsent, "OK", "\"new\""},
      {"old", "NX", kIfAbsent, "(nil)", "\"old\""},
      {nullptr, "XX", kIfPresent, "(nil)", "(nil)"},
      {"old", "XX", kIfPresent, "OK", "\"new\""},
      {nullptr, "GET", kReturnOld, "(nil)", "\"new\""},
      {"old", "GET", kReturnOld, "\"old\"", "\"new\""},
      {nullptr, "NX GET", kAbsentOld, "(nil)", "\"new\""},
      {"old", "GET NX", kAbsentOld, "\"old\"", "\"old\""},
      {nullptr, "XX GET", kPresentOld, "(nil)", "(nil)"},
      {"old", "get xx", kPresentOld, "\"old\"", "\"new\""},
      {"old", "nx NX", kIfAbsent, "(nil)", "\"old\""},
  };
  for (const Case& one : cases) {
    CAPTURE(one.options);
    for (const bool as_words : {true, false}) {
      Harness harness;
      if (one.before != nullptr) CHECK(harness.run({"SET", "a", one.before}) == "OK");
      const std::uint64_t effects_before = harness.effects.count;
      std::vector<std::string_view> words{"SET", "a", "new"};
      Extras extras;
      if (!as_words) extras.flags = one.flags;
      if (as_words && !one.options.empty()) {
        for (const auto word : words_of(one.options)) words.push_back(word);
      }
      CHECK(harness.run(words, extras) == one.reply);
      CHECK(harness("GET a") == one.after);
      CHECK(harness.effects.count - effects_before == (one.after == "\"new\"" ? 1 : 0));
    }
  }
}

TEST_CASE("SET refuses what contradicts itself, and changes nothing then") {
  struct Case {
    std::string_view options;
    std::string_view reply;
  };
  constexpr std::string_view kInvalidTime = "(error) ERR invalid expire time in 'set' command";
  const Case cases[] = {
      {"NX XX", kSyntaxError},         {"XX NX", kSyntaxError},
      {"KEEPTTL EX 1", kSyntaxError},  {"PX 1 KEEPTTL", kSyntaxError},
      {"EX 1 PX 1", kSyntaxError},     {"EX ten NOT", kSyntaxError},
      {"EXAT 9 PXAT 9", kSyntaxError}, {"EX", kSyntaxError},
      {"NX PX", kSyntaxError},         {"PERSIST", kSyntaxError},
      {"N X", kSyntaxError},           {"EX ten", kNotAnInteger},
      {"EX 1.5", kNotAnInteger},       {"PX 9223372036854775808", kNotAnInteger},
      {"EX NX", kNotAnInteger},        {"EX 0", kInvalidTime},
      {"EX -1", kInvalidTime},         {"PX 0", kInvalidTime},
      {"EXAT 0", kInvalidTime},        {"PXAT -5", kInvalidTime},
  };
  for (const Case& one : cases) {
    CAPTURE(one.options);
    Harness harness;
    CHECK(harness("SET a old") == "OK");
    CHECK(harness("SET a new " + std::string(one.options)) == one.reply);
    CHECK(harness.effects.count == 1);
    CHECK(harness("GET a") == "\"old\"");
  }
  Harness harness;
  CHECK(harness.run({"SET", "a", "new", ""}) == kSyntaxError);
  CHECK(harness("SET a") == "wrong arity");
}

TEST_CASE("SET refuses contradicting flags, too") {
  constexpr std::uint16_t kBoth = protocol::kIfAbsent | protocol::kIfPresent;
  constexpr std::uint16_t kTtlAndKeep = protocol::kHasTtl | protocol::kKeepTtl;
  Harness harness;
  CHECK(harness.run({"SET", "a", "v"}, {.flags = kBoth}) == kSyntaxError);
  CHECK(harness.run({"SET", "a", "v"}, {.flags = kTtlAndKeep, .ttl_ms = 1}) == kSyntaxError);
  // Flags and words of one request count together.
  CHECK(harness.run({"SET", "a", "v", "XX"}, {.flags = protocol::kIfAbsent}) == kSyntaxError);
  CHECK(harness.run({"SET", "a", "v", "EX", "1"}, {.flags = protocol::kHasTtl, .ttl_ms = 1}) ==
        kSyntaxError);
  CHECK(harness.effects.count == 0);
  // How long to wait for the disk is not a matter of SET.
  CHECK(harness.run({"SET", "a", "v"}, {.flags = protocol::kWaitDurable}) == "OK");
}

TEST_CASE("MGET answers in the order of the keys, beyond one group of prefetches") {
  Harness harness;
  std::vector<std::string> keys;
  for (int i = 0; i < 100; ++i) keys.push_back("key" + std::to_string(i));
  std::vector<std::string_view> set{"MSET"};
  std::vector<std::string_view> get{"MGET"};
  std::string expected = "[";
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i % 3 != 0) set.insert(set.end(), {keys[i], keys[i]});
    get.push_back(keys[i]);
    expected += (i == 0 ? "" : ", ") + (i % 3 != 0 ? quoted(keys[i]) : std::string("(nil)"));
  }
  CHECK(harness.run(set) == "OK");
  CHECK(harness.run(get) == expected + "]");
  CHECK(harness("MGET key1 key1 nothing key1") == "[\"key1\", \"key1\", (nil), \"key1\"]");
  CHECK(harness("MGET nothing") == "[(nil)]");
  CHECK(harness("MGET") == "wrong arity");
}

TEST_CASE("MSET stores all pairs, the last of equal keys wins, and no key goes without a value") {
  Harness harness;
  CHECK(harness("SET a 0 EX 100") == "OK");
  CHECK(harness("MSET a 1 b 2 a 3") == "OK");
  CHECK(harness("MGET a b") == "[\"3\", \"2\"]");
  CHECK(harness("TTL a") == "(integer) -1");  // As SET, it drops the time to live.
  const std::uint64_t effects = harness.effects.count;
  CHECK(harness("MSET c 1 d") == "(error) ERR wrong number of arguments for 'mset' command");
  CHECK(harness("GET c") == "(nil)");
  CHECK(harness.effects.count == effects);
  CHECK(harness("MSET a") == "wrong arity");
}

TEST_CASE("INCR counts, up to the last integer") {
  Harness harness;
  CHECK(harness("INCR n") == "(integer) 1");
  CHECK(harness("INCR n") == "(integer) 2");
  CHECK(harness("GET n") == "\"2\"");
  CHECK(harness("SET n -1") == "OK");
  CHECK(harness("INCR n") == "(integer) 0");
  CHECK(harness("SET n -9223372036854775808") == "OK");
  CHECK(harness("INCR n") == "(integer) -9223372036854775807");
  CHECK(harness("SET n 9223372036854775806") == "OK");
  CHECK(harness("INCR n") == "(integer) 9223372036854775807");
  const std::uint64_t effects = harness.effects.count;
  CHECK(harness("INCR n") == "(error) ERR increment or decrement would overflow");
  CHECK(harness("GET n") == "\"9223372036854775807\"");
  CHECK(harness.effects.count == effects);
}

TEST_CASE("INCR refuses what is no integer, and keeps the time to live") {
  Harness harness;
  for (const std::string_view value :
       {"", "x", "1.5", "01", "+1", "-0", "9223372036854775808", "1 "}) {
    CAPTURE(value);
    CHECK(harness.run({"SET", "n", value}) == "OK");
    CHECK(harness("INCR n") == kNotAnInteger);
    CHECK(harness("GET n") == quoted(value));
  }
  CHECK(harness.run({"SET", "n", std::string(100'000, '1')}) == "OK");
  CHECK(harness("INCR n") == kNotAnInteger);
  CHECK(harness("SET n 9 PX 5000") == "OK");
  const engine::ExpiryMs expiry = harness.expiry_of("n");
  harness.now_ms += 4999;
  CHECK(harness("INCR n") == "(integer) 10");
  CHECK(harness.expiry_of("n") == expiry);
  harness.now_ms += 1;
  CHECK(harness("INCR n") == "(integer) 1");  // A new counter, without the old one's end.
  CHECK(harness("TTL n") == "(integer) -1");
}

}  // namespace
