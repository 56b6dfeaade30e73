// Times to live: how they are given, kept, changed, told, and what happens when they are over.
#include <limits>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/commands/expiry_words.h"
#include "phoenix/engine/index.h"
#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::int64_t kNow = Harness::kStartMs;
constexpr std::int64_t kLastMs = engine::kExpiryMsMax;

TEST_CASE("expiry_from: absolute or relative, seconds or milliseconds, within 48 bits") {
  struct Case {
    std::int64_t amount;
    TimeUnit unit;
    bool is_absolute;
    std::int64_t now_ms;
    std::optional<engine::ExpiryMs> expiry_ms;
  };
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kSeconds = TimeUnit::seconds;
  constexpr auto kMs = TimeUnit::milliseconds;
  const Case cases[] = {
      {1, kMs, false, kNow, kNow + 1},
      {1, kSeconds, false, kNow, kNow + 1000},
      {5, kMs, true, kNow, 5},
      {5, kSeconds, true, kNow, 5000},
      {kLastMs - kNow, kMs, false, kNow, kLastMs},
      {kLastMs - kNow + 1, kMs, false, kNow, std::nullopt},
      {kLastMs, kMs, true, kNow, kLastMs},
      {kLastMs + 1, kMs, true, kNow, std::nullopt},
      {kLastMs / 1000, kSeconds, true, kNow, kLastMs / 1000 * 1000},
      {kLastMs / 1000 + 1, kSeconds, true, kNow, std::nullopt},
      {kMax, kMs, false, kNow, std::nullopt},
      {kMax, kMs, true, kNow, std::nullopt},
      {kMax, kSeconds, false, kNow, std::nullopt},
      {kMax / 1000, kSeconds, false, kNow, std::nullopt},
      {kMin, kSeconds, false, kNow, std::nullopt},
      {kMin, kMs, false, -1, std::nullopt},
      {kMin, kMs, true, kNow, 1},
      {0, kMs, true, kNow, 1},
      {-1, kMs, false, kNow, kNow - 1},
      {-kNow, kMs, false, kNow, 1},
      {-kNow - 1, kMs, false, kNow, 1},
  };
  for (const Case& one : cases) {
    CAPTURE(one.amount);
    CAPTURE(one.is_absolute);
    CHECK(expiry_from(one.amount, one.unit, one.is_absolute, one.now_ms) == one.expiry_ms);
  }
}

TEST_CASE("SET takes a time in four ways") {
  struct Case {
    std::string options;
    engine::ExpiryMs expiry_ms;
  };
  const Case cases[] = {
      {"EX 10", kNow + 10'000},
      {"ex 10", kNow + 10'000},
      {"PX 1", kNow + 1},
      {"EXAT " + std::to_string(kNow / 1000 + 5), kNow / 1000 * 1000 + 5000},
      {"PXAT " + std::to_string(kNow + 7), kNow + 7},
      {"PXAT " + std::to_string(kLastMs), kLastMs},
      {"PX " + std::to_string(kLastMs - kNow), kLastMs},
      {"EX 10 NX", kNow + 10'000},
      {"NX GET EX 10", kNow + 10'000},
  };
  for (const Case& one : cases) {
    CAPTURE(one.options);
    Harness harness;
    const std::string reply = harness("SET a v " + one.options);
    CHECK_FALSE(reply.starts_with("(error)"));
    CHECK(harness.expiry_of("a") == one.expiry_ms);
    CHECK(harness.effects.last_expires_at_ms == one.expiry_ms);
  }
}

TEST_CASE("SET refuses times that 48 bits cannot hold") {
  const std::string options[] = {
      "PXAT " + std::to_string(kLastMs + 1),
      "PX " + std::to_string(kLastMs - kNow + 1),
      "EXAT " + std::to_string(kLastMs / 1000 + 1),
      "EX 9223372036854775807",
      "PX 9223372036854775807",
      "EX 9223372036854775",
  };
  for (const std::string& option : options) {
    CAPTURE(option);
    Harness harness;
    CHECK(harness("SET a v " + option) == "(error) ERR invalid expire time in 'set' command");
    CHECK(harness("GET a") == "(nil)");
    CHECK(harness.effects.count == 0);
  }
}

TEST_CASE("SET's short form takes a duration or a time") {
  constexpr std::uint16_t kTime = protocol::kHasTtl | protocol::kTtlIsTime;
  constexpr std::string_view kInvalid = "(error) ERR invalid expire time in 'set' command";
  Harness harness;
  const auto set = [&](std::uint16_t flags, std::uint64_t ttl_ms) {
    return harness.run({"SET", "a", "v"}, {.flags = flags, .ttl_ms = ttl_ms});
  };
  CHECK(set(protocol::kHasTtl, 1500) == "OK");
  CHECK(harness.expiry_of("a") == kNow + 1500);
  CHECK(set(kTime, kNow + 3) == "OK");
  CHECK(harness.expiry_of("a") == kNow + 3);
  CHECK(set(kTime, kLastMs) == "OK");
  CHECK(harness.expiry_of("a") == kLastMs);
  CHECK(set(protocol::kHasTtl, 0) == kInvalid);
  CHECK(set(protocol::kHasTtl, kLastMs) == kInvalid);
  CHECK(set(kTime, kLastMs + 1) == kInvalid);
  CHECK(set(kTime, ~std::uint64_t{0}) == kInvalid);
  CHECK(set(protocol::kHasTtl, std::uint64_t{1} << 63U) == kInvalid);
  CHECK(harness.expiry_of("a") == kLastMs);
  CHECK(set(0, 77) == "OK");  // Without the flag it says nothing.
  CHECK(harness.expiry_of("a") == engine::kNoExpiry);
}

TEST_CASE("a time that has passed is a time: the key is gone at once") {
  Harness harness;
  CHECK(harness("SET a old") == "OK");
  CHECK(harness("SET a new PXAT 1 GET") == "\"old\"");
  CHECK(harness.effects.last_expires_at_ms == 1);
  CHECK(harness("GET a") == "(nil)");
  CHECK(harness("SET a new EXAT " + std::to_string(kNow / 1000 - 1)) == "OK");
  CHECK(harness("EXISTS a") == "(integer) 0");
  CHECK(harness("SET a new PXAT " + std::to_string(kNow)) == "OK");
  CHECK(harness("EXISTS a") == "(integer) 0");  // A key dies at its time, not after it.
  CHECK(harness("SET a v NX") == "OK");
}

TEST_CASE("SET drops the time to live, KEEPTTL keeps it") {
  Harness harness;
  CHECK(harness("SET a 1 EX 100") == "OK");
  CHECK(harness("SET a 2 KEEPTTL") == "OK");
  CHECK(harness.expiry_of("a") == kNow + 100'000);
  CHECK(harness.run({"SET", "a", "3"}, {.flags = protocol::kKeepTtl}) == "OK");
  CHECK(harness.expiry_of("a") == kNow + 100'000);
  CHECK(harness("SET a 4") == "OK");
  CHECK(harness.expiry_of("a") == engine::kNoExpiry);
  CHECK(harness("SET b 1 KEEPTTL") == "OK");  // There is none to keep.
  CHECK(harness.expiry_of("b") == engine::kNoExpiry);
  CHECK(harness("SET a 5 EX 1") == "OK");
  harness.now_ms += 1000;
  CHECK(harness("SET a 6 KEEPTTL") == "OK");  // Nor is that of the dead.
  CHECK(harness.expiry_of("a") == engine::kNoExpiry);
}

TEST_CASE("EXPIRE and PEXPIRE set the time of a key that is there") {
  Harness harness;
  CHECK(harness("EXPIRE a 10") == "(integer) 0");
  CHECK(harness("PEXPIRE a 10") == "(integer) 0");
  CHECK(harness.effects.count == 0);
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("EXPIRE a 10") == "(integer) 1");
  CHECK(harness.expiry_of("a") == kNow + 10'000);
  CHECK(harness.effects.last_kind == engine::Effect::Kind::expiry);
  CHECK(harness("PEXPIRE a 10") == "(integer) 1");
  CHECK(harness.expiry_of("a") == kNow + 10);
  CHECK(harness("GET a") == "\"v\"");
  harness.now_ms += 10;
  CHECK(harness("EXPIRE a 10") == "(integer) 0");  // It is dead, and stays so.
  CHECK(harness("GET a") == "(nil)");
}

TEST_CASE("EXPIRE by zero or less removes the key") {
  for (const std::string_view line : {"EXPIRE a 0", "EXPIRE a -1", "PEXPIRE a 0", "PEXPIRE a -99",
                                      "EXPIRE a -9223372036854775"}) {
    CAPTURE(line);
    Harness harness;
    CHECK(harness(line) == "(integer) 0");
    CHECK(harness("SET a v EX 100") == "OK");
    CHECK(harness(line) == "(integer) 1");
    CHECK(harness("GET a") == "(nil)");
    CHECK(harness.effects.last_kind == engine::Effect::Kind::erase);
    CHECK(harness("DBSIZE") == "(integer) 0");
  }
}

TEST_CASE("EXPIRE refuses what is no time") {
  constexpr std::string_view kNotAnInteger = "(error) ERR value is not an integer or out of range";
  Harness harness;
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("EXPIRE a ten") == kNotAnInteger);
  CHECK(harness("EXPIRE a 1.5") == kNotAnInteger);
  CHECK(harness("PEXPIRE a 9223372036854775808") == kNotAnInteger);
  CHECK(harness("EXPIRE a 9223372036854775807") ==
        "(error) ERR invalid expire time in 'expire' command");
  CHECK(harness("EXPIRE a -9223372036854775808") ==
        "(error) ERR invalid expire time in 'expire' command");
  CHECK(harness("PEXPIRE a 9223372036854775807") ==
        "(error) ERR invalid expire time in 'pexpire' command");
  CHECK(harness("PEXPIRE a " + std::to_string(kLastMs - kNow + 1)) ==
        "(error) ERR invalid expire time in 'pexpire' command");
  CHECK(harness.expiry_of("a") == engine::kNoExpiry);
  CHECK(harness("PEXPIRE a " + std::to_string(kLastMs - kNow)) == "(integer) 1");
  CHECK(harness.expiry_of("a") == kLastMs);
  CHECK(harness("EXPIRE a") == "wrong arity");
}

TEST_CASE("EXPIRE changes only the times that its options mean") {
  struct Case {
    std::string_view before;  // Empty: no end.
    std::string_view options;
    bool changes;
  };
  const Case cases[] = {
      {"", "NX", true},       {"50", "NX", false},    {"", "XX", false},     {"50", "XX", true},
      {"", "GT", false},      {"50", "GT", true},     {"100", "GT", false},  {"200", "GT", false},
      {"", "LT", true},       {"50", "LT", false},    {"100", "LT", false},  {"200", "LT", true},
      {"", "XX LT", false},   {"200", "xx lt", true}, {"50", "XX GT", true}, {"", "XX GT", false},
      {"200", "XX XX", true},
  };
  for (const Case& one : cases) {
    CAPTURE(one.before);
    CAPTURE(one.options);
    Harness harness;
    CHECK(harness("SET a v") == "OK");
    if (!one.before.empty())
      CHECK(harness(fmt::format("EXPIRE a {}", one.before)) == "(integer) 1");
    const std::string before = harness("PTTL a");
    const std::string reply = harness(fmt::format("EXPIRE a 100 {}", one.options));
    CHECK(reply == (one.changes ? "(integer) 1" : "(integer) 0"));
    CHECK(harness("PTTL a") == (one.changes ? "(integer) 100000" : before));
  }
}

TEST_CASE("EXPIRE refuses options that contradict each other, before it looks at the time") {
  struct Case {
    std::string_view options;
    std::string_view error;
  };
  const Case cases[] = {
      {"10 NX XX", "NX and XX, GT or LT options at the same time are not compatible"},
      {"10 NX GT", "NX and XX, GT or LT options at the same time are not compatible"},
      {"10 LT NX", "NX and XX, GT or LT options at the same time are not compatible"},
      {"10 GT LT", "GT and LT options at the same time are not compatible"},
      {"10 XX GT LT", "GT and LT options at the same time are not compatible"},
      {"10 soon", "Unsupported option soon"},
      {"ten soon", "Unsupported option soon"},
      {"10 NX XX soon", "Unsupported option soon"},
      {"ten NX", "value is not an integer or out of range"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.options);
    Harness harness;
    CHECK(harness(fmt::format("EXPIRE missing {}", one.options)) ==
          fmt::format("(error) ERR {}", one.error));
  }
}

TEST_CASE("EXPIREAT and PEXPIREAT take a time, and one that is over removes the key") {
  Harness harness;
  const std::string second = std::to_string(kNow / 1000 + 7);
  const std::string millisecond = std::to_string(kNow + 1'499);
  CHECK(harness("EXPIREAT a " + second) == "(integer) 0");
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("EXPIREAT a " + second) == "(integer) 1");
  CHECK(harness("EXPIRETIME a") == "(integer) " + second);
  CHECK(harness("PEXPIREAT a " + millisecond + " LT") == "(integer) 1");
  CHECK(harness("PEXPIRETIME a") == "(integer) " + millisecond);
  CHECK(harness("EXPIRETIME a") == fmt::format("(integer) {}", (kNow + 1'499 + 500) / 1000));
  CHECK(harness("PEXPIREAT a " + std::to_string(kNow)) == "(integer) 1");
  CHECK(harness("EXISTS a") == "(integer) 0");
  CHECK(harness.effects.last_kind == engine::Effect::Kind::erase);
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("PEXPIREAT a -5") == "(integer) 1");
  CHECK(harness("EXPIRETIME a") == "(integer) -2");
  CHECK(harness("PEXPIRETIME a") == "(integer) -2");
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("PEXPIRETIME a") == "(integer) -1");
  CHECK(harness("EXPIREAT a 9223372036854775") ==
        "(error) ERR invalid expire time in 'expireat' command");
  CHECK(harness("PEXPIREAT a 281474976710656") ==
        "(error) ERR invalid expire time in 'pexpireat' command");
}

TEST_CASE("what changes times is told to who listens") {
  Harness harness;
  EventRecorder events;
  harness.events = &events;
  CHECK(harness("SET a v") == "OK");
  events.seen.clear();
  CHECK(harness("EXPIRE a 10 XX") == "(integer) 0");
  CHECK(events.seen == "");
  CHECK(harness("EXPIRE a 10") == "(integer) 1");
  CHECK(harness("PERSIST a") == "(integer) 1");
  CHECK(harness("PERSIST a") == "(integer) 0");
  CHECK(harness("PEXPIREAT a 1") == "(integer) 1");
  CHECK(harness("TTL a") == "(integer) -2");
  CHECK(events.seen == "g:expire a; g:persist a; g:del a; m:keymiss a; ");
}

TEST_CASE("PERSIST takes the time away, where there was one") {
  Harness harness;
  CHECK(harness("PERSIST a") == "(integer) 0");
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("PERSIST a") == "(integer) 0");
  CHECK(harness.effects.count == 1);
  CHECK(harness("EXPIRE a 10") == "(integer) 1");
  CHECK(harness("PERSIST a") == "(integer) 1");
  CHECK(harness.effects.last_expires_at_ms == engine::kNoExpiry);
  harness.now_ms += 20'000;
  CHECK(harness("GET a") == "\"v\"");
  CHECK(harness("PEXPIRE a 5") == "(integer) 1");
  harness.now_ms += 5;
  CHECK(harness("PERSIST a") == "(integer) 0");
  CHECK(harness("GET a") == "(nil)");
}

TEST_CASE("TTL rounds to the nearest second, PTTL is exact") {
  struct Case {
    std::int64_t left_ms;
    std::int64_t seconds;
  };
  for (const Case one : {Case{1, 0}, Case{499, 0}, Case{500, 1}, Case{1000, 1}, Case{1499, 1},
                         Case{1500, 2}, Case{99'999, 100}, Case{100'000, 100}}) {
    CAPTURE(one.left_ms);
    Harness harness;
    CHECK(harness("SET a v PX " + std::to_string(one.left_ms)) == "OK");
    CHECK(harness("TTL a") == "(integer) " + std::to_string(one.seconds));
    CHECK(harness("PTTL a") == "(integer) " + std::to_string(one.left_ms));
  }
  Harness harness;
  CHECK(harness("TTL a") == "(integer) -2");
  CHECK(harness("PTTL a") == "(integer) -2");
  CHECK(harness("SET a v") == "OK");
  CHECK(harness("TTL a") == "(integer) -1");
  CHECK(harness("PTTL a") == "(integer) -1");
  CHECK(harness("SET a v PX 10") == "OK");
  harness.now_ms += 10;
  CHECK(harness("TTL a") == "(integer) -2");
  CHECK(harness("PTTL a") == "(integer) -2");
  CHECK(harness("SET a v PXAT " + std::to_string(kLastMs)) == "OK");
  CHECK(harness("PTTL a") == "(integer) " + std::to_string(kLastMs - harness.now_ms));
}

TEST_CASE("what a dead key did is told: the reply has to wait for its expiry to be durable") {
  Harness harness;
  CHECK(harness("SET a v PX 10") == "OK");
  CHECK(harness("GET a") == "\"v\"");
  CHECK(harness.keyspace.take_expiry_seen() == engine::kNoExpiry);
  harness.now_ms += 10;
  for (const std::string_view line :
       {"GET a", "EXISTS a", "TTL a", "DEL a", "EXPIRE a 1", "PERSIST a", "MGET a b"}) {
    CAPTURE(line);
    (void)harness(line);
    CHECK(harness.keyspace.take_expiry_seen() == kNow + 10);
  }
  // The slice of a LIST that meets it; the place is that of the key's hash.
  const auto place =
      engine::Index::reverse_bits(harness.keyspace.hash_of("a")) & ~std::uint64_t{0xFFFF};
  CHECK(harness("LIST * " + std::to_string(place) + " 1 1").starts_with("[(integer)"));
  CHECK(harness.keyspace.take_expiry_seen() == kNow + 10);
  CHECK(harness.effects.count == 1);
}

}  // namespace
