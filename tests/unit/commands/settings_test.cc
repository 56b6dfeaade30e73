// CONFIG: what is told, what may be changed, and Redis's words for what may not.
#include "phoenix/commands/settings.h"

#include <limits>

#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kFailed =
    "(error) ERR CONFIG SET failed (possibly related to argument '";

std::string refusal(std::string_view name, std::string_view reason) {
  return std::string(kFailed) + std::string(name) + "') - " + std::string(reason);
}

TEST_CASE("letters of key events are read and written as Redis does") {
  struct Case {
    std::string_view given;
    std::string_view told;
  };
  for (const auto& [given, told] : {Case{"KEA", "AKE"},
                                    {"K$gx", "g$xK"},
                                    {"g$lshzxetdmnKE", "AKEm"},
                                    {"An", "A"},
                                    {"n", "n"},
                                    {"m", "m"},
                                    {"", ""}}) {
    const auto& shown_given = given;  // Bindings cannot be captured.
    CAPTURE(shown_given);
    const auto events = parse_key_events(given);
    REQUIRE(events.has_value());
    CHECK(format_key_events(*events) == told);
  }
  CHECK_FALSE(parse_key_events("KEQ").has_value());
  CHECK(key_event_bit('A') == 0);
  CHECK((*parse_key_events("A") & key_event_bit('x')) != 0);
  CHECK((*parse_key_events("A") & key_event_bit('n')) == 0);
}

TEST_CASE("percentiles are numbers with one space between them") {
  constexpr std::string_view kName = "latency-tracking-info-percentiles";
  Harness harness;
  const auto told = [&](const std::string& value) {
    const auto changed = harness.settings.change(std::array{kName, std::string_view(value)});
    return changed ? harness.settings.matching(std::array{kName})[0].second : changed.error();
  };
  CHECK(harness.settings.percentiles() == std::vector<double>{50, 99, 99.9});
  CHECK(told("50.0 1e1 99.99999") == "50 10 99.99999");
  CHECK(told("") == "");
  CHECK(harness.settings.percentiles().empty());
  CHECK(told("0 100 0") == "0 100 0");
  for (const std::string value : {"50  99", " 50", "50 ", "50,99", "nan", "x"}) {
    CAPTURE(value);
    CHECK(told(value).ends_with("Invalid latency-tracking-info-percentiles parameters"));
  }
  for (const std::string value : {"101", "-1", "inf"}) {
    CAPTURE(value);
    CHECK(told(value).ends_with("parameters should sit between [0.0,100.0]"));
  }
  CHECK(harness.settings.percentiles() == std::vector<double>{0, 100, 0});
}

TEST_CASE("memory is read with Redis's units") {
  CHECK(parse_memory("1k") == 1000);
  CHECK(parse_memory("1KB") == 1024);
  CHECK(parse_memory("3b") == 3);
  CHECK(parse_memory("2gb") == std::int64_t{2} << 30U);
  CHECK(parse_memory("") == 0);
  CHECK(parse_memory("99999999999999999999") == std::numeric_limits<std::int64_t>::max());
  CHECK(parse_memory("9999999999999999gb") == std::numeric_limits<std::int64_t>::max());
  for (const std::string_view word : {"-1", "10%", "10 mb", "x", "1kk"}) {
    CAPTURE(word);
    CHECK_FALSE(parse_memory(word).has_value());
  }
}

TEST_CASE("CONFIG GET takes several patterns and tells each parameter once") {
  Harness harness;
  CHECK(harness("config get MAXmemory") == "{\"MAXmemory\": \"0\"}");
  CHECK(harness("CONFIG GET slowlog-* slowlog-max-len *-slower-than") ==
        "{\"slowlog-log-slower-than\": \"10000\", \"slowlog-max-len\": \"128\"}");
  CHECK(harness("CONFIG GET client-output*") ==
        "{\"client-output-buffer-limit\": \"normal 0 0 0 slave 268435456 67108864 60 "
        "pubsub 33554432 8388608 60\"}");
  CHECK(harness("CONFIG GET nothing") == "{}");
}

TEST_CASE("CONFIG SET changes all or nothing") {
  Harness harness;
  const std::uint64_t version = harness.settings.version();
  CHECK(harness("CONFIG SET timeout 5 maxmemory abc") ==
        refusal("maxmemory", "argument must be a memory value"));
  CHECK(harness("CONFIG SET timeout 5 nope 6") ==
        "(error) ERR Unknown option or number of arguments for CONFIG SET - 'nope'");
  CHECK(harness("CONFIG SET timeout 5 maxmemory") == "(error) ERR syntax error");
  CHECK(harness("CONFIG SET timeout 5 TIMEOUT 6") == refusal("TIMEOUT", "duplicate parameter"));
  CHECK(harness.settings.get(Setting::client_timeout_s) == 0);
  CHECK(harness.settings.version() == version);
  CHECK(harness.session.settings_applied == 0);
  CHECK(harness("CONFIG SET timeout 5 maxmemory 1gb notify-keyspace-events KEA") == "OK");
  CHECK(harness.settings.get(Setting::client_timeout_s) == 5);
  CHECK(harness.settings.get(Setting::memory_bytes_max) == std::int64_t{1} << 30U);
  CHECK((harness.settings.key_events() & key_event_bit('$')) != 0);
  CHECK(harness.settings.version() != version);
  CHECK(harness.session.settings_applied == 1);
}

TEST_CASE("values out of range are refused with Redis's words") {
  Harness harness;
  harness.settings.set_clients_most(500);
  struct Case {
    std::string_view name;
    std::string_view value;
    std::string_view reason;
  };
  for (const auto& [name, value, reason] :
       {Case{"timeout", "abc", "argument couldn't be parsed into an integer"},
        {"timeout", "99999999999", "argument must be between 0 and 2147483647 inclusive"},
        {"maxclients", "0", "argument must be between 1 and 4294967295 inclusive"},
        {"maxclients", "501",
         "The operating system is not able to handle the specified number of clients, try with "
         "500"},
        {"slowlog-log-slower-than", "-2",
         "argument must be between -1 and 9223372036854775807 inclusive"},
        {"notify-keyspace-events", "Q", "Invalid event class character. Use 'Ag$lshzxeKEtmdn'."},
        {"databases", "16", "can't set immutable config"}}) {
    const auto& shown_value = value;  // Bindings cannot be captured.
    CAPTURE(shown_value);
    CHECK(harness.run({"CONFIG", "SET", name, value}) == refusal(name, reason));
  }
  CHECK(harness("CONFIG SET databases 1") == "OK");  // It is so anyway.
}

TEST_CASE("what only tunes what is not here is taken and remembered") {
  Harness harness;
  CHECK(harness("CONFIG GET list-max-listpack-size set-max-intset-entries") ==
        "{\"list-max-listpack-size\": \"-2\", \"set-max-intset-entries\": \"512\"}");
  CHECK(harness("CONFIG SET repl-timeout 7 lazyfree-lazy-expire YES rdbchecksum no") == "OK");
  CHECK(harness("CONFIG GET repl-timeout") == "{\"repl-timeout\": \"7\"}");
  CHECK(harness("CONFIG GET lazyfree-lazy-expire") == "{\"lazyfree-lazy-expire\": \"yes\"}");
  CHECK(harness("CONFIG GET rdbchecksum") == "{\"rdbchecksum\": \"no\"}");
  CHECK(harness("CONFIG SET rdbchecksum maybe") ==
        refusal("rdbchecksum", "argument must be 'yes' or 'no'"));
  SUBCASE("its former name is the same parameter") {
    CHECK(harness("CONFIG SET hash-max-ziplist-value 1kb") == "OK");
    CHECK(harness("CONFIG GET hash-max-listpack-value") ==
          "{\"hash-max-listpack-value\": \"1024\"}");
  }
}

TEST_CASE("a password is set with other parameters, or not at all") {
  Harness harness;
  CHECK(harness("CONFIG GET requirepass") == "{\"requirepass\": \"\"}");
  CHECK_FALSE(harness.settings.has_password());
  CHECK(harness("CONFIG SET RequirePass secret timeout x").starts_with("(error)"));
  CHECK(harness.settings.password().empty());
  const std::uint64_t version = harness.settings.version();
  CHECK(harness("CONFIG SET RequirePass secret timeout 1 masterauth other") == "OK");
  CHECK(harness.settings.version() != version);
  CHECK(harness.settings.password() == "secret");
  CHECK(harness.settings.has_password());
  CHECK(harness("CONFIG GET master*") == "{\"masterauth\": \"other\", \"masteruser\": \"\"}");
  const std::string longest(kPasswordBytesMax, 'x');
  CHECK(harness("CONFIG SET requirepass " + longest) == "OK");
  CHECK(harness("CONFIG SET requirepass x" + longest) ==
        refusal("requirepass", "argument must have at most 512 bytes"));
  CHECK(harness.settings.password() == longest);
}

TEST_CASE("a server that others reach keeps a password") {
  Harness harness;
  harness.settings.set_password("secret");
  CHECK(harness.run({"CONFIG", "SET", "masterauth", ""}) == "OK");
  harness.settings.keep_password();
  CHECK(harness.run({"CONFIG", "SET", "requirepass", ""}).starts_with("(error) ERR CONFIG SET"));
  CHECK(harness("CONFIG SET requirepass another") == "OK");
  CHECK(harness.settings.password() == "another");
}

TEST_CASE("when snapshots would be made is remembered where the log makes them needless") {
  Harness harness;
  CHECK(harness.run({"CONFIG", "SET", "save", "3600 1 300 100"}) == "OK");
  CHECK(harness("CONFIG GET save") == "{\"save\": \"3600 1 300 100\"}");
  for (const char* wrong : {"3600", "0 1", "1 -1", "a 1", "1 1 1"}) {
    CHECK(harness.run({"CONFIG", "SET", "save", wrong}) ==
          refusal("save", "Invalid save parameters"));
  }
  CHECK(harness.run({"CONFIG", "SET", "save", ""}) == "OK");
  CHECK(harness("CONFIG GET save") == "{\"save\": \"\"}");
  harness.settings.set_fact("save", "");  // As without a log.
  CHECK(harness.run({"CONFIG", "SET", "save", ""}) == "OK");
  CHECK(harness.run({"CONFIG", "SET", "save", "1 1"}) ==
        refusal("save", "can't set immutable config"));
}

TEST_CASE("a policy of eviction is not promised") {
  Harness harness;
  harness.settings.set_fact("maxmemory-policy", "noeviction");
  CHECK(harness("CONFIG SET maxmemory-policy noeviction") == "OK");
  CHECK(harness("CONFIG SET maxmemory-policy allkeys-lru") ==
        refusal("maxmemory-policy", "argument(s) must be one of the following: noeviction"));
}

TEST_CASE("only subscribers can be limited in what they have not read") {
  Harness harness;
  constexpr std::string_view kName = "client-output-buffer-limit";
  CHECK(harness.run({"CONFIG", "SET", kName, "pubsub 1mb 512kb 10"}) == "OK");
  CHECK(harness.settings.get(Setting::pubsub_output_bytes) == 1 << 20);
  CHECK(harness.settings.get(Setting::pubsub_soft_bytes) == 1 << 19);
  CHECK(harness.settings.get(Setting::pubsub_soft_s) == 10);
  CHECK(harness.run({"CONFIG", "SET", kName, "normal 0 0 0 replica 1kb 2 3"}) == "OK");
  CHECK(harness.run({"CONFIG", "GET", kName}).find("slave 1024 2 3 pubsub 1048576") !=
        std::string::npos);
  CHECK(harness.run({"CONFIG", "SET", kName, "normal 1 1 1"}).starts_with(kFailed));
  CHECK(harness.run({"CONFIG", "SET", kName, "pubsub 1mb"}) ==
        refusal(kName, "Wrong number of arguments in buffer limit configuration."));
  CHECK(harness.run({"CONFIG", "SET", kName, "foo 1 1 1"}) ==
        refusal(kName, "Invalid client class specified in buffer limit configuration."));
  CHECK(
      harness.run({"CONFIG", "SET", kName, "pubsub a 1 1"}) ==
      refusal(kName, "Error in hard, soft or soft_seconds setting in buffer limit configuration."));
}

}  // namespace
