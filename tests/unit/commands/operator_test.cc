// MEMORY, DEBUG, SHUTDOWN, WAIT and WAITAOF.
#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kSyntaxError = "(error) ERR syntax error";

TEST_CASE("MEMORY USAGE tells what a key takes") {
  Harness harness;
  CHECK(harness("MEMORY USAGE a") == "(nil)");
  REQUIRE(harness("SET a 1") == "OK");
  CHECK(harness("MEMORY USAGE a").starts_with("(integer) "));
  CHECK(harness("MEMORY USAGE a SAMPLES 0") == harness("MEMORY USAGE a"));
  CHECK(harness("MEMORY USAGE a SAMPLES") == kSyntaxError);
  CHECK(harness("MEMORY USAGE a BAD 1") == kSyntaxError);
  CHECK(harness("MEMORY USAGE a SAMPLES -1") == kSyntaxError);
  CHECK(harness("MEMORY USAGE a SAMPLES x") ==
        "(error) ERR value is not an integer or out of range");
  CHECK(harness("MEMORY STATS").find("\"keys.bytes-per-key\": (integer) 1000") !=
        std::string::npos);
}

TEST_CASE("DEBUG is refused unless the server was started for it") {
  Harness harness;
  harness.facts.allows = false;
  for (const std::string_view line : {"DEBUG SLEEP 1", "DEBUG HELP", "DEBUG OBJECT a"}) {
    CAPTURE(line);
    CHECK(
        harness(line).starts_with("(error) ERR DEBUG command not allowed. If the "
                                  "enable-debug-command option is set to \"local\""));
  }
  CHECK(harness.facts.slept_ns == 0);
}

TEST_CASE("DEBUG SLEEP is bounded") {
  Harness harness;
  CHECK(harness("DEBUG SLEEP 0.5") == "OK");
  CHECK(harness.facts.slept_ns == 500'000'000);
  CHECK(harness("DEBUG SLEEP abc") == "OK");
  CHECK(harness("DEBUG SLEEP -1") == "OK");
  CHECK(harness("DEBUG SLEEP nan") == "OK");
  CHECK(harness.facts.slept_ns == 500'000'000);
  CHECK(harness("DEBUG SLEEP 1e9") == "OK");
  CHECK(harness.facts.slept_ns == 10'500'000'000);
}

TEST_CASE("DEBUG OBJECT tells how a value is kept") {
  Harness harness;
  CHECK(harness("DEBUG OBJECT a") == "(error) ERR no such key");
  struct Case {
    std::string value;
    std::string_view told;
  };
  for (const auto& [value, told] :
       {Case{"12", "encoding:int serializedlength:2 "},
        {"300", "encoding:int serializedlength:3 "},
        {"123456", "encoding:int serializedlength:5 "},
        {"12345678901", "encoding:int serializedlength:12 "},
        {"v", "encoding:embstr serializedlength:2 "},
        {std::string(100, 'x'), "encoding:raw serializedlength:102 "}}) {
    const auto& shown_value = value;  // Bindings cannot be captured.
    CAPTURE(shown_value);
    REQUIRE(harness.run({"SET", "a", value}) == "OK");
    const std::string line = harness("DEBUG OBJECT a");
    CHECK(line.starts_with("Value at:0x"));
    CHECK(line.find(told) != std::string::npos);
  }
}

TEST_CASE("DEBUG DIGEST is that of the data, wherever it is") {
  Harness one;
  Harness other;
  REQUIRE(one("MSET a 1 b 2 c 3") == "OK");
  REQUIRE(other("MSET c 3 b 2") == "OK");
  CHECK(one("DEBUG DIGEST") != other("DEBUG DIGEST"));
  REQUIRE(other("SET a 1") == "OK");
  const std::string digest = one("DEBUG DIGEST");
  CHECK(digest == other("DEBUG DIGEST"));
  CHECK(digest.size() == 40);
  REQUIRE(other("SET a 2") == "OK");
  CHECK(digest != other("DEBUG DIGEST"));
}

TEST_CASE("DEBUG ERROR keeps a prefix that is known") {
  Harness harness;
  CHECK(harness.run({"DEBUG", "ERROR", "OOM no room"}) == "(error) OOM no room");
  CHECK(harness.run({"DEBUG", "ERROR", "ERR no room"}) == "(error) ERR no room");
  CHECK(harness.run({"DEBUG", "ERROR", "hello there"}) == "(error) ERR hello there");
  CHECK(harness("DEBUG PROTOCOL nope").starts_with("(error) ERR Wrong protocol type name."));
}

TEST_CASE("DEBUG LOADAOF has nothing to load where nothing is kept") {
  Harness harness;
  harness.facts.durable = false;
  CHECK(harness("DEBUG RELOAD") == "OK");  // What it would save first is what it would load.
  CHECK(harness("DEBUG LOADAOF").starts_with("(error) ERR nothing is kept on disk"));
}

TEST_CASE("SHUTDOWN stops the server and ends the connection") {
  Harness harness;
  for (const std::string_view line :
       {"SHUTDOWN BAD", "SHUTDOWN NOSAVE SAVE", "SHUTDOWN ABORT NOW"}) {
    CAPTURE(line);
    CHECK(harness(line) == kSyntaxError);
  }
  CHECK(harness("SHUTDOWN ABORT") == "(error) ERR No shutdown in progress.");
  CHECK_FALSE(harness.facts.stops);
  (void)harness("shutdown nosave now force");
  CHECK(harness.facts.stops);
  CHECK(harness.session.is_cut_off);
}

TEST_CASE("WAIT and WAITAOF check what they are asked for") {
  Harness harness;
  CHECK(harness("WAIT 3 0") == "(integer) 0");
  CHECK(harness("WAIT x 0") == "(error) ERR value is not an integer or out of range");
  CHECK(harness("WAIT 0 x") == "(error) ERR timeout is not an integer or out of range");
  CHECK(harness("WAIT 0 -1") == "(error) ERR timeout is negative");
  CHECK(harness("WAITAOF 2 0 0") == "(error) ERR value is out of range, must be between 0 and 1");
  CHECK(harness("WAITAOF 1 -1 0") == "(error) ERR value is out of range, must be positive");
  CHECK(harness("WAITAOF 1 2 0") == "[(integer) 1, (integer) 0]");
  harness.facts.durable = false;
  CHECK(harness("WAITAOF 0 0 0") == "[(integer) 0, (integer) 0]");
  CHECK(harness("WAITAOF 1 0 0") ==
        "(error) ERR WAITAOF cannot be used when numlocal is set but appendonly is disabled.");
}

}  // namespace
