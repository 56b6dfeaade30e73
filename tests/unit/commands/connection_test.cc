// Commands that are about the session or the server.
#include <doctest/doctest.h>

#include "protocol/limits.h"
#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

TEST_CASE("PING answers PONG, or the bytes it was given") {
  Harness harness;
  CHECK(harness("PING") == "PONG");
  CHECK(harness("ping hello") == "\"hello\"");
  CHECK(harness.run({"PING", ""}) == "\"\"");
  CHECK(harness.run({"PING", std::string_view("\0\n", 2)}) == "\"\\x00\\x0a\"");
  CHECK(harness("PING a b") == "(error) ERR wrong number of arguments for 'ping' command");
}

TEST_CASE("AUTH opens with the right password only") {
  Harness harness;
  CHECK(harness("AUTH secret").starts_with("(error) ERR AUTH called, but this server has no"));
  harness.session.password = "secret";
  CHECK(harness("AUTH Secret") == "(error) WRONGPASS invalid password");
  CHECK(harness.reply.status() == protocol::Status::wrong_password);
  CHECK_FALSE(harness.session.is_authenticated);
  CHECK(harness("AUTH secret") == "OK");
  CHECK(harness.session.is_authenticated);
  CHECK(harness("AUTH") == "wrong arity");
  CHECK(harness("AUTH user secret") == "wrong arity");
}

TEST_CASE("EXIT answers before it closes") {
  Harness harness;
  CHECK(harness("EXIT") == "OK");
  CHECK(harness.session.closes);
  CHECK(harness("EXIT now") == "wrong arity");
}

TEST_CASE("HELLO and INFO answer what the server tells") {
  Harness harness;
  CHECK(harness("HELLO") == "{\"server\": \"phoenix\"}");
  CHECK(harness("HELLO shop-7") == "{\"server\": \"phoenix\"}");
  CHECK(harness.run({"HELLO", ""}) == "{\"server\": \"phoenix\"}");
  CHECK(harness("INFO stats cpu") == "# Server\r\nversion:1\r\n# stats\r\n# cpu\r\n");
}

TEST_CASE("HELLO takes one name, short and printable") {
  Harness harness;
  const std::string longest(protocol::kClientNameBytesMax, 'n');
  CHECK(harness.run({"HELLO", longest}) == "{\"server\": \"phoenix\"}");
  const std::string refusal =
      "(error) ERR a client's name has at most 64 characters, all printable ASCII";
  CHECK(harness.run({"HELLO", longest + "n"}) == refusal);
  CHECK(harness.run({"HELLO", "a\033[2J"}) == refusal);
  CHECK(harness.run({"HELLO", "\xc3\xa4"}) == refusal);
  CHECK(harness("HELLO a b") == "(error) ERR wrong number of arguments for 'hello' command");
}

TEST_CASE("what a stranger may ask before AUTH is little") {
  const Table table;
  std::string allowed;
  for (const Command* command : table.all()) {
    if (has(command->flags, Flags::before_auth)) allowed += std::string(command->name) + " ";
  }
  CHECK(allowed == "AUTH EXIT HELLO HELP ");
}

}  // namespace
