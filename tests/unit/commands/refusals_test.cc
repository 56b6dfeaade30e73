// Texts for requests that no row takes: byte by byte what Redis 7.0 answers.
#include "phoenix/commands/refusals.h"

#include <array>
#include <string>

#include <doctest/doctest.h>

using namespace phoenix;
using namespace phoenix::commands;
using namespace std::string_view_literals;

namespace {

constexpr std::string_view kUnknown = "unknown command '";
constexpr std::string_view kWith = "', with args beginning with: ";

std::string unknown(std::vector<std::string_view> words) {
  return unknown_command_text(words);
}

Command row(std::string_view name) {
  Command command;
  command.name = name;
  return command;
}

TEST_CASE("an unknown command is shown with its first arguments") {
  CHECK(unknown({"foo"}) == "unknown command 'foo', with args beginning with: ");
  CHECK(unknown({"FOO", "a", "b"}) == "unknown command 'FOO', with args beginning with: 'a' 'b' ");
  CHECK(unknown({}) == "unknown command '', with args beginning with: ");
  CHECK(unknown({"", ""}) == "unknown command '', with args beginning with: '' ");
}

TEST_CASE("of an unknown command 128 bytes are shown, and its arguments end with those") {
  const auto cut = [](std::string_view name, std::string_view words) {
    return std::string(kUnknown).append(name).append(kWith).append(words);
  };
  const std::string x(200, 'x');
  const std::string x125(125, 'x');
  const std::string x124(124, 'x');
  CHECK(unknown({x, x, "z"}) == cut(x.substr(0, 128), "'" + x.substr(0, 128) + "' "));
  CHECK(unknown({"foo", x124, "yy"}) == cut("foo", "'" + x124 + "' 'y' "));
  CHECK(unknown({"foo", x125, "yy"}) == cut("foo", "'" + x125 + "' "));
  CHECK(unknown(std::vector<std::string_view>(65'536, "foo")).size() < 400);
}

TEST_CASE("bytes that would end the line or the word are not shown") {
  CHECK(unknown({"f'o\r\no\0x"sv, "a\0b"sv, "it's\n\t\"q"}) ==
        "unknown command 'f'o  o', with args beginning with: 'a' 'it's \t\"q' ");
  CHECK(unknown({"foo", "\0abc"sv, "d"}) ==
        "unknown command 'foo', with args beginning with: '' 'd' ");
}

TEST_CASE("an unknown subcommand names its container's HELP") {
  CHECK(unknown_subcommand_text(row("CLIENT"), "foo") ==
        "unknown subcommand 'foo'. Try CLIENT HELP.");
  CHECK(unknown_subcommand_text(row("CLIENT"), "f\r\no\0o"sv) ==
        "unknown subcommand 'f  o'. Try CLIENT HELP.");
  CHECK(unknown_subcommand_text(row("ACL"), std::string(200, 'x')) ==
        "unknown subcommand '" + std::string(128, 'x') + "'. Try ACL HELP.");
}

TEST_CASE("a wrong number of words names the row in lower case") {
  CHECK(wrong_arity_text(row("GET")) == "wrong number of arguments for 'get' command");
  CHECK(wrong_arity_text(row("CLIENT|NO-EVICT")) ==
        "wrong number of arguments for 'client|no-evict' command");
}

}  // namespace
