// Usages as trees: every form of the notation, every row, and what is no usage.
#include "phoenix/commands/usage.h"

#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/commands/table.h"

using namespace phoenix;
using namespace phoenix::commands;

namespace {

std::string shown(const std::vector<Argument>& arguments);

/// TOKEN name:type, {a b} for a block, (a / b) for a oneof; behind it ? optional, + multiple, and T
/// where the token is repeated.
std::string shown(const Argument& argument) {
  std::string text(argument.token);
  if (!text.empty() && argument.type != ArgumentType::pure_token) text += ' ';
  if (argument.type == ArgumentType::block) {
    text += "{" + shown(argument.parts) + "}";
  } else if (argument.type == ArgumentType::oneof) {
    std::string choices;
    for (const auto& part : argument.parts) choices += (choices.empty() ? "" : " / ") + shown(part);
    text += "(" + choices + ")";
  } else if (argument.type != ArgumentType::pure_token) {
    text += fmt::format("{}:{}", argument.name, type_name(argument.type));
  }
  if (argument.is_optional) text += '?';
  if (argument.is_multiple) text += '+';
  if (argument.repeats_token) text += 'T';
  return text;
}

std::string shown(const std::vector<Argument>& arguments) {
  std::string text;
  for (const auto& each : arguments) text += (text.empty() ? "" : " ") + shown(each);
  return text;
}

std::string tree(std::string_view usage) {
  const auto arguments = parse_usage(usage);
  return arguments ? shown(*arguments) : "error: " + arguments.error().message;
}

TEST_CASE("arguments, tokens, choices and what may be left out") {
  CHECK(tree("") == "");
  CHECK(tree("  ") == "");
  CHECK(tree("key value") == "key:key value:string");
  CHECK(tree("key [EX seconds]") == "key:key EX seconds:integer?");
  CHECK(tree("[NX | XX]") == "(NX / XX)?");
  CHECK(tree("<ON | OFF>") == "(ON / OFF)");
  CHECK(tree("ON | OFF") == "(ON / OFF)");
  CHECK(tree("[EX seconds | KEEPTTL]") == "(EX seconds:integer / KEEPTTL)?");
  CHECK(tree("[LEN] [MINMATCHLEN min-match-len]") == "LEN? MINMATCHLEN min-match-len:integer?");
  CHECK(tree("[start end [BYTE | BIT]]") == "{start:integer end:integer (BYTE / BIT)?}?");
  CHECK(tree("[TYPE <NORMAL | PUBSUB>]") == "TYPE (NORMAL / PUBSUB)?");
  CHECK(tree("<host port | NO ONE>") == "({host:string port:integer} / {NO ONE})");
  CHECK(tree("ip:port") == "ip:port:string");
}

TEST_CASE("a token has what stands behind it") {
  CHECK(tree("GET encoding offset") == "GET {encoding:string offset:integer}");
  CHECK(tree("[protover [AUTH username password] [SETNAME clientname]]") ==
        "{protover:integer AUTH {username:string password:string}? SETNAME clientname:string?}?");
  CHECK(tree("A x B y") == "A x:string B y:string");
  CHECK(tree("A [x]") == "A x:string?");
  CHECK(parse_usage("A [x]")->size() == 2);
}

TEST_CASE("what is repeated is one argument") {
  CHECK(tree("key [key ...]") == "key:key+");
  CHECK(tree("key value [key value ...]") == "{key:key value:string}+");
  CHECK(tree("numlocal key [key ...]") == "numlocal:integer key:key+");
  CHECK(tree("[section ...]") == "section:string?+");
  CHECK(tree("[ID client-id [client-id ...]]") == "ID {client-id:integer+}?");
  CHECK(tree("[PREFIX prefix [PREFIX prefix ...]]") == "PREFIX prefix:string?+T");
  CHECK(tree("key [GET a b | <SET c | INCRBY d> ...]") ==
        "key:key (GET {a:string b:string} / (SET c:string / INCRBY d:string))?+");
  CHECK(tree("[[a | b] ...]") == "(a:string / b:string)?+");
  CHECK(tree("[GET a | SET b c [GET a | SET b c ...]]") ==
        "(GET a:string / SET {b:string c:string})?+");
  CHECK(tree("a | [B c] [a | [B c] ...]") == "(a:string / B c:string?)+");
  CHECK(tree("a | b [b ...]") == "(a:string / b:string+)");
}

TEST_CASE("names are joined, in lower case") {
  const auto arguments = parse_usage("[EX seconds | KEEPTTL]");
  REQUIRE(arguments);
  CHECK((*arguments)[0].name == "seconds_keepttl");
  CHECK((*arguments)[0].parts[1].name == "keepttl");
}

TEST_CASE("what is no usage is told, and where") {
  CHECK(tree("[a") == "error: a bracket is missing at byte 2 of '[a'");
  CHECK(tree("a]") == "error: a bracket is missing at byte 1 of 'a]'");
  CHECK(tree("<a]") == "error: a bracket is missing at byte 2 of '<a]'");
  CHECK(tree("a |") == "error: nothing to choose at byte 3 of 'a |'");
  CHECK(tree("[]") == "error: nothing to choose at byte 2 of '[]'");
  CHECK(tree("a ...") == "error: nothing to repeat at byte 5 of 'a ...'");
  CHECK(tree("[ ...]") == "error: nothing to repeat at byte 0 of '[ ...]'");
  CHECK(tree(std::string(100'000, '[')).starts_with("error: "));
  CHECK(tree("[[[[[[a]]]]]]").starts_with("error: too many levels"));
}

TEST_CASE("any cut of a usage is read or refused") {
  const std::string_view usage = "key [GET a b | [O <W | S>] <SET c | D [d ...]> ...] [e [e ...]]";
  for (std::size_t from = 0; from < usage.size(); ++from) {
    for (std::size_t size = 0; from + size <= usage.size(); ++size) {
      const auto arguments = parse_usage(usage.substr(from, size));
      if (arguments) (void)shown(*arguments);
    }
  }
}

bool has_key(const std::vector<Argument>& arguments) {
  for (const auto& each : arguments) {
    if (each.type == ArgumentType::key || has_key(each.parts)) return true;
  }
  return false;
}

TEST_CASE("the usage of every row can be read, and shows the keys that it has") {
  const Table table;
  for (const Command* row : table.all()) {
    CAPTURE(row->usage);
    const auto arguments = parse_usage(row->usage.substr(row->name.size()));
    CHECK(arguments.has_value());
    if (!arguments || has(row->flags, Flags::pubsub)) continue;  // Channels are no keys.
    if (row->keys.first > 0) CHECK(has_key(*arguments));
  }
}

TEST_CASE("usages in the form of Redis become the arguments that Redis tells") {
  CHECK(tree("key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
             "PXAT unix-time-milliseconds | KEEPTTL]") ==
        "key:key value:string (NX / XX)? GET? (EX seconds:integer / PX milliseconds:integer / "
        "EXAT unix-time-seconds:unix-time / PXAT unix-time-milliseconds:unix-time / KEEPTTL)?");
  CHECK(tree("key [GET encoding offset | [OVERFLOW <WRAP | SAT | FAIL>] <SET encoding offset "
             "value | INCRBY encoding offset increment> ...]") ==
        "key:key (GET {encoding:string offset:integer} / {OVERFLOW (WRAP / SAT / FAIL)? (SET "
        "{encoding:string offset:integer value:string} / INCRBY {encoding:string offset:integer "
        "increment:string})})?+");
  CHECK(tree("cursor [MATCH pattern] [COUNT count] [TYPE type]") ==
        "cursor:integer MATCH pattern:pattern? COUNT count:integer? TYPE type:string?");
}

}  // namespace
