// The rows: complete, found by name and by type, printed as they are, and true (their examples
// run).
#include <algorithm>
#include <fstream>
#include <iterator>
#include <set>

#include <doctest/doctest.h>

#include "phoenix/commands/describe.h"
#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

/// A row that is sound, to be spoilt in one place at a time.
Command sound_row() {
  Command row;
  row.name = "TEST";
  row.arity = 2;
  row.flags = Flags::write;
  row.keys = kOneKey;
  row.usage = "TEST key";
  row.summary = "A test.";
  row.since = "0.1";
  row.example = "TEST a => OK";
  row.run = [](Context& context, const Request&) { context.reply.ok(); };
  return row;
}

std::string source_file(const std::string& path) {
  std::ifstream file(std::string(PHX_SOURCE_ROOT) + "/" + path, std::ios::binary);
  REQUIRE_MESSAGE(file, "cannot read ", path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

TEST_CASE("every example is what the command answers") {
  // A LIST is streamed by its session: tests/unit/server/listing_test.cc runs its example.
  const Table table;
  std::size_t steps_run = 0;
  for (const Command* command : table.all()) {
    if (has(command->flags, Flags::scan)) continue;
    CAPTURE(command->name);
    Harness harness;
    bool shows_itself = false;
    for (const ExampleStep& step : steps_of(command->example)) {
      CAPTURE(step.request);
      const std::string reply = harness(step.request);
      CHECK_MESSAGE(fits_example(reply, step.reply), "got: ", reply);
      const auto words = words_of(step.request);
      const bool is_of_container = has(command->flags, Flags::container);
      const Command* const shown = harness.find(words);
      shows_itself = shows_itself || (shown != nullptr && shown->name == command->name) ||
                     (is_of_container && words[0] == command->name);
      ++steps_run;
    }
    CHECK_MESSAGE(shows_itself, "the example does not show its own command");
  }
  CHECK(steps_run >= table.all().size());
}

TEST_CASE("an example that is not true is noticed") {
  CHECK(fits_example("OK", "OK"));
  CHECK_FALSE(fits_example("OK", "(nil)"));
  CHECK_FALSE(fits_example("OK", "O"));
  CHECK(fits_example("a\nb\n", "a\\nb\\n"));
  CHECK(fits_example("anything", "..."));
  CHECK_FALSE(fits_example("", "..."));
  CHECK(fits_example("some of it", "some..."));
  CHECK_FALSE(fits_example("other", "some..."));
  CHECK(fits_example("{1}", "{...}"));
  CHECK_FALSE(fits_example("[1]", "{...}"));
}

TEST_CASE("all rows are sound, sorted, and have names and types of their own") {
  const Table table;
  std::set<std::string_view> names;
  std::set<protocol::Opcode> opcodes;
  std::string_view before;
  for (const Command* command : table.all()) {
    CAPTURE(command->name);
    CHECK(is_sound(*command));
    CHECK(before < command->name);
    before = command->name;
    CHECK(names.insert(command->name).second);
    CHECK(command->summary.ends_with("."));
    if (command->opcode != protocol::Opcode::argv) CHECK(opcodes.insert(command->opcode).second);
  }
  CHECK(opcodes.size() == 7);  // All that protocol::Opcode has beside argv.
}

TEST_CASE("the commands of this version are there") {
  const Table table;
  for (const std::string_view name :
       {"AUTH", "DBSIZE", "DEL",  "EXISTS", "EXIT",    "EXPIRE",  "GET",  "HELLO", "HELP", "INCR",
        "INFO", "LIST",   "MGET", "MSET",   "PERSIST", "PEXPIRE", "PING", "PTTL",  "SET",  "TTL"}) {
    CAPTURE(name);
    CHECK(table.find(name) != nullptr);
  }
}

TEST_CASE("a row that contradicts itself is not sound") {
  CHECK(is_sound(sound_row()));
  struct Case {
    const char* what;
    void (*spoil)(Command&);
  };
  const Case cases[] = {
      {"no name", [](Command& row) { row.name = ""; }},
      {"no arity", [](Command& row) { row.arity = 0; }},
      {"no handler", [](Command& row) { row.run = nullptr; }},
      {"no usage", [](Command& row) { row.usage = ""; }},
      {"no summary", [](Command& row) { row.summary = ""; }},
      {"no version", [](Command& row) { row.since = ""; }},
      {"no example", [](Command& row) { row.example = ""; }},
      {"usage of another", [](Command& row) { row.usage = "OTHER key"; }},
      {"reads and writes", [](Command& row) { row.flags = Flags::write | Flags::readonly; }},
      {"neither reads nor writes", [](Command& row) { row.flags = Flags::none; }},
      {"arity without the key", [](Command& row) { row.arity = 1; }},
      {"step 0", [](Command& row) { row.keys.step = 0; }},
      {"many keys, one answer", [](Command& row) { row.keys = kAllKeys; }},
      {"keys end before they start",
       [](Command& row) {
         row.keys = {0, 1, 1};
       }},
      {"denied when full, but reads",
       [](Command& row) { row.flags = Flags::readonly | Flags::denied_when_full; }},
  };
  for (const Case& one : cases) {
    CAPTURE(one.what);
    Command row = sound_row();
    one.spoil(row);
    CHECK_FALSE(is_sound(row));
    CHECK_FALSE(all_sound(std::array<Command, 2>{sound_row(), row}));
  }
}

TEST_CASE("names are found in any case, and nothing else is") {
  const Table table;
  const Command* const get = table.find("GET");
  REQUIRE(get != nullptr);
  CHECK(table.find("get") == get);
  CHECK(table.find("gEt") == get);
  for (const std::string_view name : {"", "G", "GETS", "GE", " GET", "GET ", "G\0T"}) {
    CAPTURE(name);
    CHECK(table.find(name) == nullptr);
  }
  CHECK(table.find(std::string(100'000, 'G')) == nullptr);
}

TEST_CASE("subcommands are found behind their container, and as rows, but not as commands") {
  const Table table;
  const Command* const count = table.find_subcommand(*table.find("COMMAND"), "Count");
  REQUIRE(count != nullptr);
  CHECK(count->name == "COMMAND|COUNT");
  CHECK(table.find_row("command|count") == count);
  CHECK(table.find_row("Command") == table.find("COMMAND"));
  CHECK(table.find("COMMAND|COUNT") == nullptr);
  CHECK(table.find_subcommand(*table.find("COMMAND"), "") == nullptr);
  CHECK(table.find_subcommand(*table.find("COMMAND"), "COUNT|COUNT") == nullptr);
  CHECK(table.find_subcommand(*table.find("GET"), "COUNT") == nullptr);
  for (const std::string_view name : {"COMMAND|", "|", "|COUNT", "COMMAND|COUNT|", "GET|COUNT"}) {
    CAPTURE(name);
    CHECK(table.find_row(name) == nullptr);
  }
}

TEST_CASE("types are found, and the rest is not") {
  const Table table;
  std::size_t found = 0;
  for (unsigned type = 0; type < 256; ++type) {
    const Command* const command = table.find(static_cast<std::uint8_t>(type));
    if (command == nullptr) continue;
    ++found;
    CHECK(static_cast<unsigned>(command->opcode) == type);
    CHECK(table.find(command->name) == command);
  }
  CHECK(found == 7);
  CHECK(table.find(std::uint8_t{0}) == nullptr);  // argv is no command.
}

TEST_CASE("the number of words is checked as the row says") {
  Command row = sound_row();
  row.arity = 3;
  CHECK_FALSE(arity_fits(row, 2));
  CHECK(arity_fits(row, 3));
  CHECK_FALSE(arity_fits(row, 4));
  row.arity = -3;
  CHECK_FALSE(arity_fits(row, 0));
  CHECK_FALSE(arity_fits(row, 2));
  CHECK(arity_fits(row, 3));
  CHECK(arity_fits(row, 65'536));
}

TEST_CASE("commands that only free may run when memory is full") {
  const Table table;
  for (const Command* command : table.all()) {
    CAPTURE(command->name);
    if (!has(command->flags, Flags::write)) continue;
    const bool removes = command->name == "DEL" || command->name == "UNLINK" ||
                         command->name == "GETDEL" || command->name.substr(0, 5) == "FLUSH";
    // A time to live, or another name: bounded by what is there already. MOVE takes nothing.
    const bool takes_little = command->name == "PERSIST" || command->name == "GETEX" ||
                              command->name == "MOVE" || command->name.substr(0, 6) == "RENAME" ||
                              command->name.find("EXPIRE") != std::string_view::npos;
    CHECK(has(command->flags, Flags::denied_when_full) == !(removes || takes_little));
    CHECK(has(command->flags, Flags::frees) == removes);
  }
}

TEST_CASE("docs/COMMANDS.md is what phoenix-server --print-commands prints") {
  const bool is_current = source_file("docs/COMMANDS.md") == commands_markdown(Table());
  CHECK_MESSAGE(is_current, "run: phoenix-server --print-commands > docs/COMMANDS.md");
  std::size_t column = 0;
  for (const char c : commands_markdown(Table())) {
    column = c == '\n' ? 0 : column + 1;
    REQUIRE_MESSAGE(column <= 100, "a line of the page is too long: shorten the example");
  }
}

TEST_CASE("HELP tells about each command what its row says") {
  Harness harness;
  const std::string overview = harness("HELP");
  for (const Command* command : harness.table.all()) {
    CAPTURE(command->name);
    const bool answers = !has(command->flags, Flags::container) || command->arity == -1;
    const bool is_shown =
        overview.find("\n" + std::string(command->usage) + "\n") != std::string::npos;
    CHECK(is_shown == answers);
    std::vector<std::string_view> words{"help"};
    const std::size_t bar = command->name.find('|');
    words.push_back(command->name.substr(0, bar));
    if (bar != std::string_view::npos) words.push_back(command->name.substr(bar + 1));
    const std::string page = harness.run(words);
    CHECK(page == help_page(harness.table, *command));
    CHECK(page.find(command->summary) != std::string::npos);
    for (const ExampleStep& step : steps_of(command->example)) {
      CHECK(page.find(step.request) != std::string::npos);
    }
  }
}

TEST_CASE("HELP of a container has its subcommands, and that of a group its commands") {
  Harness harness;
  CHECK(harness("HELP command").find("\n\nCOMMAND COUNT\n  Answers") != std::string::npos);
  CHECK(harness("HELP command count").starts_with("COMMAND COUNT\n"));
  CHECK(harness("HELP @String").find("GET key\n") != std::string::npos);
  CHECK(harness("HELP @string").find("PING") == std::string::npos);
  CHECK(harness("HELP").find("@string\n") != std::string::npos);
}

TEST_CASE("HELP of what there is not says so") {
  Harness harness;
  CHECK(harness("HELP nothing") == "(error) ERR no command 'nothing': HELP lists all");
  CHECK(harness("HELP GET SET") == "(error) ERR no command 'GET SET': HELP lists all");
  CHECK(harness("HELP command x") == "(error) ERR no command 'command x': HELP lists all");
  CHECK(harness("HELP @") == "(error) ERR no group '': HELP lists all");
  CHECK(harness.run({"HELP", "a\r\nb"}) == "(error) ERR no command 'a  b': HELP lists all");
  CHECK(harness("HELP a b c") == "(error) ERR wrong number of arguments for 'help' command");
}

}  // namespace
