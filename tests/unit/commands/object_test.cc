// OBJECT: what is known of a value, and what nobody notes.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands::test;

namespace {

TEST_CASE("OBJECT ENCODING goes by what the value looks like") {
  struct Case {
    std::string value;
    std::string_view encoding;
  };
  const Case cases[] = {
      {"0", "int"},
      {"-1", "int"},
      {"12345", "int"},
      {"9223372036854775807", "int"},
      {"-9223372036854775808", "int"},
      {"9223372036854775808", "embstr"},
      {"-0", "embstr"},
      {"01", "embstr"},
      {"1.5", "embstr"},
      {"", "embstr"},
      {std::string(44, 'x'), "embstr"},
      {std::string(45, 'x'), "raw"},
      {std::string(100'000, 'x'), "raw"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.value);
    Harness harness;
    CHECK(harness.run({"SET", "a", one.value}) == "OK");
    CHECK(harness("OBJECT ENCODING a") == fmt::format("\"{}\"", one.encoding));
  }
}

TEST_CASE("OBJECT answers nil for what is not there, and does not make up what nobody notes") {
  Harness harness;
  for (const std::string_view what : {"ENCODING", "REFCOUNT", "FREQ", "IDLETIME"}) {
    CHECK(harness(fmt::format("OBJECT {} missing", what)) == "(nil)");
    CHECK(harness(fmt::format("OBJECT {}", what)) == "wrong arity");
  }
  CHECK(harness("SET a 1") == "OK");
  CHECK(harness("SET b 9999") == "OK");
  CHECK(harness("object refcount b") == "(integer) 2147483647");
  for (const std::string_view alone : {"10000", "-1", "text"}) {
    CHECK(harness.run({"SET", "b", alone}) == "OK");
    CHECK(harness("OBJECT REFCOUNT b") == "(integer) 1");
  }
  CHECK(
      harness("OBJECT FREQ a").starts_with("(error) ERR An LFU maxmemory policy is not selected"));
  CHECK(harness("OBJECT IDLETIME a").starts_with("(error) ERR idle time not tracked"));
}

TEST_CASE("OBJECT HELP names all subcommands") {
  Harness harness;
  const std::string help = harness("OBJECT HELP");
  for (const std::string_view what : {"ENCODING key", "REFCOUNT key", "FREQ key", "IDLETIME key"}) {
    CHECK(help.find(what) != std::string::npos);
  }
}

}  // namespace
