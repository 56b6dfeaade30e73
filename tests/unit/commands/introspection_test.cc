// COMMAND and its subcommands: what clients read from the rows.
#include <string>

#include <doctest/doctest.h>

#include "phoenix/commands/command_info.h"
#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::string_view kUnknown = "(error) ERR Invalid command specified";

TEST_CASE("an entry tells all that a row says") {
  Harness harness;
  CHECK(harness("COMMAND INFO mset") ==
        "[[\"mset\", (integer) -3, [write, denyoom], (integer) 1, (integer) -1, (integer) 2, "
        "[@write, @string, @slow], "
        "[\"request_policy:multi_shard\", \"response_policy:all_succeeded\"], "
        "[{\"flags\": [OW, update], "
        "\"begin_search\": {\"type\": \"index\", \"spec\": {\"index\": (integer) 1}}, "
        "\"find_keys\": {\"type\": \"range\", \"spec\": {\"lastkey\": (integer) -1, "
        "\"keystep\": (integer) 2, \"limit\": (integer) 0}}}], []]]");
  CHECK(harness("COMMAND INFO command|count nothing COUNT") ==
        "[[\"command|count\", (integer) 2, [], (integer) 0, (integer) 0, (integer) 0, [@slow], [], "
        "[], []], (nil), (nil)]");
  const std::string container = harness("COMMAND INFO COMMAND");
  CHECK(container.find("[[\"command|count\", (integer) 2") != std::string::npos);
  CHECK(container.find("[\"command|list\", (integer) -2") != std::string::npos);
}

TEST_CASE("keys are told as they are used") {
  Harness harness;
  const auto use = [&](const std::string& line) {
    return harness("COMMAND GETKEYSANDFLAGS " + line);
  };
  CHECK(use("GET a") == "[[\"a\", [RO, access]]]");
  CHECK(use("WATCH a") == "[[\"a\", [RO]]]");
  CHECK(use("INCR a") == "[[\"a\", [RW, access, update]]]");
  CHECK(use("SET a b NX") == "[[\"a\", [OW, update]]]");
  CHECK(use("SET a b get EX 1") == "[[\"a\", [RW, access, update]]]");
  CHECK(use("RENAMENX a b") == "[[\"a\", [RW, access, delete]], [\"b\", [OW, insert]]]");
  CHECK(use("BITOP AND a b c") ==
        "[[\"a\", [OW, update]], [\"b\", [RO, access]], [\"c\", [RO, access]]]");
  CHECK(use("BITFIELD a") == "[[\"a\", [RO, access]]]");
  CHECK(use("BITFIELD a OVERFLOW SAT GET u8 0") == "[[\"a\", [RO, access]]]");
  CHECK(use("BITFIELD a GET u8 0 SET u8 0 1") == "[[\"a\", [RW, access, update]]]");
  CHECK(use("BITFIELD a GET u8") == "[[\"a\", [RW, access, update]]]");
  const auto has_use = [&](const std::string& name, const std::string& words) {
    return harness("COMMAND INFO " + name).find("{\"flags\": [" + words + "]") != std::string::npos;
  };
  CHECK(has_use("SET", "RW, access, update, variable_flags"));
  CHECK(has_use("RENAME", "RW, access, update"));
  CHECK(has_use("STRLEN", "RO"));
}

TEST_CASE("COMMAND, COUNT and LIST agree") {
  Harness harness;
  const auto rows = top_level(harness.table);
  CHECK(harness("COMMAND") == harness("COMMAND INFO"));
  CHECK(harness("COMMAND COUNT") == "(integer) " + std::to_string(rows.size()));
  CHECK(rows.size() < harness.table.all().size());
  const std::string names = harness("COMMAND LIST");
  for (const Command* row : harness.table.all()) {
    std::string name;
    for (const char c : row->name) name += static_cast<char>(std::tolower(c));
    CAPTURE(name);
    CHECK(names.find(quoted(name)) != std::string::npos);
  }
}

TEST_CASE("COMMAND LIST filters by category and pattern, and has no modules") {
  Harness harness;
  CHECK(harness("command list FilterBy pattern M?ET") == "[\"mget\", \"mset\"]");
  CHECK(harness("COMMAND LIST FILTERBY PATTERN command|c*") == "[\"command|count\"]");
  const std::string written = harness("COMMAND LIST FILTERBY ACLCAT Write");
  CHECK(written.find("\"set\"") != std::string::npos);
  CHECK(written.find("\"get\"") == std::string::npos);
  CHECK(harness("COMMAND LIST FILTERBY ACLCAT nothing") == "[]");
  CHECK(harness("COMMAND LIST FILTERBY MODULE json") == "[]");
  CHECK(harness.run({"COMMAND", "LIST", "FILTERBY", "PATTERN", std::string(100'000, '*')}) == "[]");
  for (const auto* line :
       {"COMMAND LIST x", "COMMAND LIST FILTERBY", "COMMAND LIST FILTERBY PATTERN",
        "COMMAND LIST FILTERBY NAME x", "COMMAND LIST FILTERBY PATTERN x y"}) {
    CAPTURE(line);
    CHECK(harness(line) == "(error) ERR syntax error");
  }
}

TEST_CASE("keys are found in whole requests") {
  Harness harness;
  CHECK(harness("COMMAND GETKEYS get a") == "[\"a\"]");
  CHECK(harness("COMMAND GETKEYS MSET a b c") == "[\"a\", \"c\"]");
  CHECK(harness("COMMAND GETKEYS DEL a b c") == "[\"a\", \"b\", \"c\"]");
  CHECK(harness("COMMAND GETKEYSANDFLAGS DEL a b") ==
        "[[\"a\", [RM, delete]], [\"b\", [RM, delete]]]");
  CHECK(harness("COMMAND GETKEYS nothing a") == kUnknown);
  CHECK(harness("COMMAND GETKEYS command nothing") == kUnknown);
  CHECK(harness("COMMAND GETKEYS command|list x") == kUnknown);
  CHECK(harness("COMMAND GETKEYS ping a") == "(error) ERR The command has no key arguments");
  CHECK(harness("COMMAND GETKEYS command list") == "(error) ERR The command has no key arguments");
  CHECK(harness("COMMAND GETKEYS get a b") ==
        "(error) ERR Invalid number of arguments specified for command");
  CHECK(harness("COMMAND GETKEYSANDFLAGS set a") ==
        "(error) ERR Invalid number of arguments specified for command");
}

TEST_CASE("the documentation has texts, arguments and subcommands") {
  Harness harness;
  const std::string summary = quoted(harness.table.find("PERSIST")->summary);
  CHECK(harness("COMMAND DOCS persist nothing") ==
        "{\"persist\": {\"summary\": " + summary +
            ", \"since\": \"0.1\", \"group\": \"generic\", \"arguments\": [{\"name\": \"key\", "
            "\"type\": \"key\", \"key_spec_index\": (integer) 0}]}}");
  const std::string list = harness("COMMAND DOCS COMMAND|LIST");
  CHECK(list.find("{\"command|list\": {") == 0);
  CHECK(
      list.find("\"arguments\": [{\"name\": \"module-name_category_pattern\", \"type\": \"oneof\", "
                "\"token\": \"FILTERBY\", \"flags\": [optional], \"arguments\": [{") !=
      std::string::npos);
  const std::string container = harness("COMMAND DOCS command");
  CHECK(container.find("\"subcommands\": {\"command|count\": {") != std::string::npos);
  const std::string all = harness("COMMAND DOCS");
  for (const Command* row : top_level(harness.table)) {
    CAPTURE(row->name);
    CHECK(all.find(quoted(row->summary)) != std::string::npos);
  }
}

TEST_CASE("the help of a container has all its subcommands, HELP last") {
  Harness harness;
  const std::string help = harness("COMMAND HELP");
  CHECK(
      help.starts_with("[COMMAND <subcommand> [<arg> [value] [opt] ...]. Subcommands are:, COUNT, "
                       "    Answers the number of commands, without subcommands., DOCS "
                       "[command-name ...], "));
  CHECK(help.ends_with(", HELP,     Answers the subcommands and what they do.]"));
}

}  // namespace
