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

constexpr const char* kWrongPassword =
    "(error) WRONGPASS invalid username-password pair or user is disabled.";

TEST_CASE("AUTH opens with the right password only") {
  Harness harness;
  CHECK(harness("AUTH secret").starts_with("(error) ERR AUTH <password> called without any"));
  CHECK(harness("AUTH default anything") == "OK");
  CHECK(harness("AUTH somebody anything") == kWrongPassword);
  harness.session.password = "secret";
  CHECK(harness("AUTH Secret") == kWrongPassword);
  CHECK(harness.reply.status() == protocol::Status::wrong_password);
  CHECK(harness("AUTH default Secret") == kWrongPassword);
  CHECK(harness("AUTH somebody secret") == kWrongPassword);
  CHECK_FALSE(harness.session.has_authenticated);
  CHECK(harness("AUTH secret") == "OK");
  CHECK(harness.session.has_authenticated);
  CHECK(harness("AUTH") == "wrong arity");
  CHECK(harness("AUTH user secret more") == "(error) ERR syntax error");
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

TEST_CASE("natively HELLO takes one name, short and printable") {
  Harness harness;
  const std::string longest(protocol::kClientNameBytesMax, 'n');
  CHECK(harness.run({"HELLO", longest}) == "{\"server\": \"phoenix\"}");
  CHECK(harness.session.client().name == longest);
  const std::string refusal =
      "(error) ERR Client names cannot contain spaces, newlines or special characters.";
  CHECK(harness.run({"HELLO", longest + "n"}) == refusal);
  CHECK(harness.run({"HELLO", "a\033[2J"}) == refusal);
  CHECK(harness.run({"HELLO", "\xc3\xa4"}) == refusal);
  CHECK(harness("HELLO a b") == "(error) ERR wrong number of arguments for 'hello' command");
}

TEST_CASE("HELLO over RESP chooses the version and answers Redis's map") {
  Harness harness;
  harness.session.fake_wire = Wire::resp2;
  const std::string reply = harness("HELLO 3 SETNAME shop");
  CHECK(reply.starts_with("{\"server\": \"redis\", \"version\": \"7."));
  CHECK(
      reply.ends_with("\"proto\": (integer) 3, \"id\": (integer) 1, \"mode\": "
                      "\"standalone\", \"role\": \"master\", \"modules\": []}"));
  CHECK(harness.session.wire() == Wire::resp3);
  CHECK(harness.session.client().name == "shop");
  CHECK(harness("HELLO").find("\"proto\": (integer) 3") != std::string::npos);
  CHECK(harness("HELLO 2").find("\"proto\": (integer) 2") != std::string::npos);
}

TEST_CASE("an error inside HELLO changes nothing") {
  Harness harness;
  harness.session.fake_wire = Wire::resp2;
  CHECK(harness("HELLO 4") == "(error) NOPROTO unsupported protocol version");
  CHECK(harness("HELLO 1") == "(error) NOPROTO unsupported protocol version");
  CHECK(harness("HELLO x") == "(error) ERR Protocol version is not an integer or out of range");
  CHECK(harness("HELLO 3 SETNAME a AUTH b") == "(error) ERR Syntax error in HELLO option 'AUTH'");
  CHECK(harness("HELLO 3 SETNAME") == "(error) ERR Syntax error in HELLO option 'SETNAME'");
  CHECK(harness("HELLO 3 SETNAME a AUTH b c") == kWrongPassword);
  CHECK(harness.run({"HELLO", "3", "SETNAME", "a b"}).starts_with("(error) ERR Client names"));
  harness.session.password = "secret";
  CHECK(harness("HELLO 3 SETNAME a").starts_with("(error) NOAUTH HELLO must be called with"));
  CHECK(harness("HELLO 3 SETNAME a AUTH default x") == kWrongPassword);
  CHECK(harness.session.wire() == Wire::resp2);
  CHECK(harness.session.client().name.empty());
  CHECK(harness("HELLO 3 AUTH default secret").starts_with("{"));
  CHECK(harness.session.has_authenticated);
}

TEST_CASE("SELECT knows one database") {
  Harness harness;
  CHECK(harness("SELECT 0") == "OK");
  CHECK(harness("SELECT 1") == "(error) ERR DB index is out of range");
  CHECK(harness("SELECT -1") == "(error) ERR DB index is out of range");
  CHECK(harness("SELECT x") == "(error) ERR value is not an integer or out of range");
  CHECK(harness("SELECT 9223372036854775808") ==
        "(error) ERR value is not an integer or out of range");
  CHECK(harness("SELECT 4294967296") ==
        "(error) ERR value is out of range, value must between -2147483648 and 2147483647");
}

TEST_CASE("PING in RESP2 answers a subscriber as a message") {
  Harness harness;
  harness.session.fake_wire = Wire::resp2;
  (void)harness("SSUBSCRIBE a");
  CHECK(harness("PING") == "[\"pong\", \"\"]");
  CHECK(harness("PING hi") == "[\"pong\", \"hi\"]");
  harness.session.fake_wire = Wire::resp3;
  CHECK(harness("PING") == "PONG");
}

TEST_CASE("what a stranger may ask before AUTH is little") {
  const Table table;
  std::string allowed;
  for (const Command* command : table.all()) {
    if (has(command->flags, Flags::before_auth)) allowed += std::string(command->name) + " ";
  }
  CHECK(allowed == "AUTH EXIT HELLO HELP QUIT RESET ");
}

}  // namespace
