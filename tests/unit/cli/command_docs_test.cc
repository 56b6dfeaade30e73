#include "cli/command_docs.h"

#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/client/fake_server.h"

namespace phoenix::cli {

namespace {

using client::test::bytes_value;
using client::test::list_value;
using protocol::Value;

using Values = std::vector<Value>;

/// {"name", name, "type", type, more...}
Value argument(const char* name, const char* type, Values more = {}) {
  Values items{bytes_value("name"), bytes_value(name), bytes_value("type"), bytes_value(type)};
  items.insert(items.end(), more.begin(), more.end());
  return list_value(std::move(items));
}

Value flags(const char* one) {
  return list_value({bytes_value(one)});
}

Value command(Values arguments) {
  return list_value({bytes_value("summary"), bytes_value("..."), bytes_value("arguments"),
                     list_value(std::move(arguments))});
}

}  // namespace

TEST_CASE("synopses from COMMAND DOCS") {
  const Values choice{argument("nx", "pure-token", {bytes_value("token"), bytes_value("NX")}),
                      argument("s", "integer", {bytes_value("token"), bytes_value("EX")})};
  const Value optional_choice = argument(
      "how", "oneof",
      {bytes_value("flags"), flags("optional"), bytes_value("arguments"), list_value(choice)});
  const Value pairs =
      argument("data", "block",
               {bytes_value("flags"), flags("multiple"), bytes_value("arguments"),
                list_value({argument("score", "double"), argument("member", "string")})});
  const Value docs = list_value({
      bytes_value("zadd"),
      command({argument("key", "key"), optional_choice, pairs}),
      bytes_value("config"),
      list_value({bytes_value("subcommands"),
                  list_value({bytes_value("config|get"), command({argument("parameter", "")})})}),
      bytes_value("odd"),
  });
  const HelpIndex index = index_of_docs(docs);
  CHECK(index.hint("ZADD", 200) == " key [NX | EX s] score member [score member ...]");
  CHECK(index.hint("CONFIG GET", 200) == " parameter");
  CHECK(index.complete("zadd k n").candidates == std::vector<std::string>{"nx"});
  CHECK(index.complete("ODD").candidates.empty());
  CHECK(index_of_docs(bytes_value("what")).empty());
}

}  // namespace phoenix::cli
