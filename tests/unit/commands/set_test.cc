// What sets or reads whole values with options: GETEX GETSET GETDEL SETNX SETEX PSETEX MSETNX, and
// what subscribers are told. SET itself is in strings_test.cc and expiry_test.cc.
#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::int64_t kNow = Harness::kStartMs;
constexpr std::string_view kSyntaxError = "(error) ERR syntax error";
constexpr std::string_view kNotAnInteger = "(error) ERR value is not an integer or out of range";

std::string invalid_time(std::string_view command) {
  return "(error) ERR invalid expire time in '" + std::string(command) + "' command";
}

TEST_CASE("SET reads all its options before it looks at a time, and the same one may come twice") {
  Harness harness;
  CHECK(harness("SET a 1 EX 1 EX 20") == "OK");
  CHECK(harness.expiry_of("a") == kNow + 20'000);
  CHECK(harness("SET a 1 EX ten EX 20") == "OK");
  CHECK(harness("SET a 1 GET GET") == "\"1\"");
  CHECK(harness("SET a 1 EX ten WRONG") == kSyntaxError);
  CHECK(harness("SET a 1 EX 0 XX NX") == kSyntaxError);
  CHECK(harness("SET a 1 PX 9223372036854775000") == invalid_time("set"));
}

TEST_CASE("SETNX stores only what is new") {
  Harness harness;
  CHECK(harness("SETNX a 1") == "(integer) 1");
  CHECK(harness("SETNX a 2") == "(integer) 0");
  CHECK(harness("GET a") == "\"1\"");
  CHECK(harness.effects.count == 1);
  CHECK(harness("SET a 1 PX 5") == "OK");
  harness.now_ms += 5;
  CHECK(harness("SETNX a 3") == "(integer) 1");
  CHECK(harness.expiry_of("a") == engine::kNoExpiry);
}

TEST_CASE("SETEX and PSETEX store with a time") {
  Harness harness;
  CHECK(harness("SETEX a 10 v") == "OK");
  CHECK(harness.expiry_of("a") == kNow + 10'000);
  CHECK(harness("PSETEX a 10 w") == "OK");
  CHECK(harness.expiry_of("a") == kNow + 10);
  CHECK(harness("GET a") == "\"w\"");
  CHECK(harness("SETEX a 0 v") == invalid_time("setex"));
  CHECK(harness("SETEX a 9223372036854775807 v") == invalid_time("setex"));
  CHECK(harness("PSETEX a -1 v") == invalid_time("psetex"));
  CHECK(harness("SETEX a x v") == kNotAnInteger);
  CHECK(harness.effects.count == 2);
}

TEST_CASE("GETSET and GETDEL answer what is replaced or removed") {
  Harness harness;
  CHECK(harness("GETSET a 1") == "(nil)");
  CHECK(harness("SET a 1 EX 10") == "OK");
  CHECK(harness("GETSET a 2") == "\"1\"");
  CHECK(harness.expiry_of("a") == engine::kNoExpiry);
  CHECK(harness("GETDEL a") == "\"2\"");
  CHECK(harness("GETDEL a") == "(nil)");
  CHECK(harness.effects.count == 4);
  const std::string large(100'000, 'v');
  CHECK(harness.run({"SET", "a", large}) == "OK");
  CHECK(harness("GETDEL a") == quoted(large));
  CHECK(harness.reply.large_value() != nullptr);
}

TEST_CASE("GETEX answers the value and changes the time") {
  struct Case {
    std::string options;
    engine::ExpiryMs expiry_ms;
  };
  constexpr engine::ExpiryMs kBefore = kNow + 50'000;
  const Case cases[] = {
      {"", kBefore},
      {" EX 10", kNow + 10'000},
      {" px 10", kNow + 10},
      {" EXAT " + std::to_string(kNow / 1000 + 5), kNow / 1000 * 1000 + 5000},
      {" PXAT " + std::to_string(kNow + 7), kNow + 7},
      {" EX 5 EX 6", kNow + 6000},
      {" PERSIST", engine::kNoExpiry},
      {" persist PERSIST", engine::kNoExpiry},
  };
  for (const Case& one : cases) {
    CAPTURE(one.options);
    Harness harness;
    CHECK(harness("SET a v EX 50") == "OK");
    CHECK(harness("GETEX a" + one.options) == "\"v\"");
    CHECK(harness.expiry_of("a") == one.expiry_ms);
    CHECK(harness.effects.count == (one.expiry_ms == kBefore ? 1 : 2));
  }
  Harness harness;
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("GETEX a PERSIST") == "\"v\"");
  CHECK(harness.effects.count == 1);
}

TEST_CASE("GETEX removes what is over, and refuses what is no time once there is a key") {
  Harness harness;
  CHECK(harness("GETEX a EX 0") == "(nil)");
  CHECK(harness("GETEX a WRONG") == kSyntaxError);
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("GETEX a EX 0") == invalid_time("getex"));
  CHECK(harness("GETEX a PX 9223372036854775807") == invalid_time("getex"));
  CHECK(harness("GETEX a EX x") == kNotAnInteger);
  for (const std::string_view options :
       {"PERSIST EX 10", "EX 10 PERSIST", "KEEPTTL", "NX", "EX", "EX 1 PX 1"}) {
    CAPTURE(options);
    CHECK(harness("GETEX a " + std::string(options)) == kSyntaxError);
  }
  CHECK(harness.effects.count == 1);
  CHECK(harness("GETEX a PXAT " + std::to_string(kNow)) == "\"v\"");
  CHECK(harness.effects.last_kind == engine::Effect::Kind::erase);
  CHECK(harness("GET a") == "(nil)");
}

TEST_CASE("MSETNX stores all or nothing") {
  Harness harness;
  CHECK(harness("MSETNX a 1 a 2") == "(integer) 1");
  CHECK(harness("GET a") == "\"2\"");
  CHECK(harness("MSETNX b 1 a 3 c 1") == "(integer) 0");
  CHECK(harness("MGET a b c") == "[\"2\", (nil), (nil)]");
  CHECK(harness("MSETNX b 1 c") == "(error) ERR wrong number of arguments for 'msetnx' command");
  CHECK(harness("MSET b 1 c") == "(error) ERR wrong number of arguments for 'mset' command");
}

TEST_CASE("subscribers are told of what changed, and of misses") {
  struct Case {
    std::string_view request;
    std::string_view events;
  };
  const Case cases[] = {
      {"GET a", "m:keymiss a; "},
      {"GETDEL a", "m:keymiss a; "},
      {"GETEX a", "m:keymiss a; "},
      {"SET a 1", "n:new a; $:set a; "},
      {"SET a 1 NX", ""},
      {"SET a 1 KEEPTTL", "$:set a; "},
      {"SET a 1 EX 10", "$:set a; g:expire a; "},
      {"SETEX a 10 1", "$:set a; g:expire a; "},
      {"SETNX a 1", ""},
      {"SETNX b 1", "n:new b; $:set b; "},
      {"SETNX b 1", ""},
      {"GETSET b 1", "$:set b; "},
      {"GETEX b", ""},
      {"GETEX b PERSIST", ""},
      {"GETEX b EX 10", "g:expire b; "},
      {"GETEX b PERSIST", "g:persist b; "},
      {"GETEX b EXAT 1", "g:del b; "},
      {"GETDEL a", "g:del a; "},
      {"MSET a 1 b 2", "n:new a; $:set a; n:new b; $:set b; "},
      {"MSETNX a 1 c 2", ""},
      {"MGET a x b", "m:keymiss x; "},
      {"SETNX x 1", "n:new x; $:set x; "},
      {"APPEND d 1", "n:new d; $:append d; "},
      {"APPEND d 1", "$:append d; "},
      {"SETRANGE d 1 1", "$:setrange d; "},
      {"SETRANGE f 1 1", "n:new f; $:setrange f; "},
      {"INCR e", "n:new e; $:incrby e; "},
      {"DECRBY e 2", "$:incrby e; "},
      {"INCRBYFLOAT e 2", "$:incrbyfloat e; "},
      {"INCRBYFLOAT g 2", "n:new g; $:incrbyfloat g; "},
      {"STRLEN y", "m:keymiss y; "},
      {"GETBIT y 1", "m:keymiss y; "},
      {"BITOP AND z y", "m:keymiss y; "},
      {"BITOP AND z d", "n:new z; $:set z; "},
      {"BITOP AND z y y", "m:keymiss y; m:keymiss y; g:del z; "},
      {"BITFIELD y GET u8 0", "m:keymiss y; "},
      {"BITFIELD z SET u8 0 0", "n:new z; $:setbit z; "},
      {"BITFIELD z SET u8 0 0", ""},
      {"SETBIT z 1 0", ""},
      {"SETBIT z 1 1", "$:setbit z; "},
      {"SETBIT h 1 1", "n:new h; $:setbit h; "},
      {"LCS y d", "m:keymiss y; "},
  };
  Harness harness;
  EventRecorder events;
  harness.events = &events;
  for (const Case& one : cases) {
    CAPTURE(one.request);
    (void)harness(one.request);
    CHECK(events.seen == one.events);
    events.seen.clear();
  }
}

}  // namespace
