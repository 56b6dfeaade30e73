#include "cli/help_index.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

namespace phoenix::cli {

namespace {

using Words = std::vector<std::string>;

constexpr const char* kPage =
    "DEL key [key ...]\n"
    "GET key\n"
    "HELP [command]\n"
    "LIST [pattern] [CURSOR cursor] [LIMIT keys]\n"
    "MSET key value [key value ...]\n"
    "PING [text]\n"
    "SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | KEEPTTL]\n"
    "HELP command tells more about one.\n";

HelpIndex index_of(const char* page) {
  HelpIndex index;
  index.add_page(page);
  return index;
}

Words candidates(const HelpIndex& index, std::string_view before) {
  return index.complete(before).candidates;
}

std::string hint(const HelpIndex& index, std::string_view line) {
  return index.hint(line, 200);
}

}  // namespace

TEST_CASE("names complete in the case in which they were begun") {
  const HelpIndex index = index_of(kPage);
  CHECK(candidates(index, "S") == Words{"SET"});
  CHECK(candidates(index, "s") == Words{"set"});
  CHECK(candidates(index, "  mS") == Words{"mset"});
  CHECK(candidates(index, "X").empty());
  CHECK(candidates(index, "") == Words{"DEL", "GET", "HELP", "LIST", "MSET", "PING", "SET"});
  CHECK(index.complete("  mS").typed_bytes == 2);
}

TEST_CASE("option words complete where they may stand") {
  const HelpIndex index = index_of(kPage);
  CHECK(candidates(index, "set ").empty());
  CHECK(candidates(index, "set key ").empty());
  CHECK(candidates(index, "set k v ") == Words{"EX", "GET", "KEEPTTL", "NX", "PX", "XX"});
  CHECK(candidates(index, "SET k v nx p") == Words{"px"});
  CHECK(candidates(index, "SET k v NX X").empty());
  CHECK(candidates(index, "SET k v EX ").empty());
  CHECK(candidates(index, "SET k v EX 10 ") == Words{"GET", "NX", "XX"});
  CHECK(candidates(index, "LIST ") == Words{"CURSOR", "LIMIT"});
  CHECK(candidates(index, "LIST a* L") == Words{"LIMIT"});
  CHECK(candidates(index, "HELP s") == Words{"set"});
  CHECK(candidates(index, "SET 'a b' \"c\\\"d\" G") == Words{"GET"});
  CHECK(candidates(index, "SET k 'N").empty());
  CHECK(candidates(index, "WHAT ").empty());
}

TEST_CASE("hints are the arguments that come next") {
  const HelpIndex index = index_of(kPage);
  CHECK(hint(index, "GET") == " key");
  CHECK(hint(index, "get ") == "key");
  CHECK(hint(index, "get k").empty());
  CHECK(hint(index, "GE").empty());
  CHECK(hint(index, "DEL a b") == " [key ...]");
  CHECK(hint(index, "MSET a") == " value [key value ...]");
  CHECK(hint(index, "MSET a 1 b ") == "value [key value ...]");
  CHECK(hint(index, "SET k v KEEPTTL") == " [NX | XX] [GET]");
  CHECK(hint(index, "SET k v EX") == " seconds [NX | XX] [GET]");
  CHECK(hint(index, "LIST LIMIT ") == "keys [pattern] [CURSOR cursor]");
  CHECK(hint(index, "SET k \"v").empty());
  CHECK(hint(index, "").empty());
}

TEST_CASE("hints are cut at the end of an argument") {
  const HelpIndex index = index_of(kPage);
  CHECK(index.hint("SET", 15) == " key value ...");
  CHECK(index.hint("SET", 13) == " key ...");
  CHECK(index.hint("SET", 7).empty());
  CHECK(index.hint("GET", 4) == " key");
  CHECK(index.hint("GET", 3).empty());
}

TEST_CASE("subcommands are told in a page by lines of their own") {
  const HelpIndex index = index_of(
      "@connection\n"
      "CLIENT GETNAME\n"
      "CLIENT KILL [ID client-id] [SKIPME <YES | NO>]\n"
      "CLIENT LIST\n"
      "\n"
      "@server\n"
      "COMMAND\n"
      "COMMAND COUNT\n"
      "HELP [command [subcommand] | @group]\n"
      "HELP command tells more about one, HELP @group lists a group.\n");
  CHECK(candidates(index, "C") == Words{"CLIENT", "COMMAND"});
  CHECK(candidates(index, "client ") == Words{"GETNAME", "KILL", "LIST"});
  CHECK(candidates(index, "client kill s") == Words{"skipme"});
  CHECK(hint(index, "client kill") == " [ID client-id] [SKIPME <YES | NO>]");
  CHECK(hint(index, "CLIENT") == " GETNAME | KILL | LIST");
  CHECK(hint(index, "CLIENT ") == "GETNAME | KILL | LIST");
  CHECK(hint(index, "CLIENT LIST").empty());
  CHECK(hint(index, "CLIENT x").empty());
  CHECK(hint(index, "COMMAND") == " COUNT");
  CHECK(index.hint("CLIENT", 22) == " GETNAME | KILL | LIST");
  CHECK(index.hint("CLIENT", 21) == " GETNAME | KILL | ...");
  CHECK(index.hint("CLIENT", 20) == " GETNAME | ...");
  CHECK(index.hint("CLIENT", 7).empty());
  CHECK(candidates(index, "HELP cl") == Words{"client"});
  CHECK(candidates(index, "HELP client k") == Words{"kill"});
  CHECK(candidates(index, "HELP client kill ").empty());
  CHECK(candidates(index, "help @s") == Words{"@server"});
  CHECK(candidates(index, "HELP @") == Words{"@CONNECTION", "@SERVER"});
}

TEST_CASE("names of two words, groups that must be there, and groups in groups") {
  HelpIndex index;
  index.add("config", "");
  index.add("config get", "parameter [parameter ...]");
  index.add("config set", "parameter value");
  index.add("spop", "key [count [ANY]] <LEFT | RIGHT>");
  CHECK(candidates(index, "CO") == Words{"CONFIG"});
  CHECK(candidates(index, "CONFIG ") == Words{"GET", "SET"});
  CHECK(candidates(index, "config s") == Words{"set"});
  CHECK(hint(index, "config") == " GET | SET");
  CHECK(hint(index, "config set") == " parameter value");
  CHECK(hint(index, "config get maxmemory") == " [parameter ...]");
  CHECK(hint(index, "SPOP k 3") == " [ANY] <LEFT | RIGHT>");
  CHECK(candidates(index, "SPOP k 3 ") == Words{"ANY", "LEFT", "RIGHT"});
  CHECK(hint(index, "SPOP k left") == " [count [ANY]]");
}

TEST_CASE("what a server tells is not trusted") {
  HelpIndex index;
  index.add("ESC", "\x1b[2J");
  index.add("LONG", std::string(5'000, 'x'));
  index.add("", "x");
  CHECK(index.empty());
  index.add("ODD", "]]] [ [[ < | ...] x");
  for (const char* line : {"ODD", "ODD ", "ODD a b c d e f g", "ODD X"}) {
    CAPTURE(line);
    CHECK(hint(index, line).size() < 100);
    CHECK(candidates(index, line).size() < 3);
  }
}

}  // namespace phoenix::cli
