// TIME, ROLE, and what is safe; and who asks for users or a cluster.
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

TEST_CASE("TIME is the clock's, in seconds and the rest in microseconds") {
  Harness harness;
  harness.now_ms = 1'700'000'000'045;
  CHECK(harness("TIME") == "[\"1700000000\", \"45000\"]");
  CHECK(harness("LASTSAVE") == "(integer) 1700000000");
}

TEST_CASE("LASTSAVE of several cores is what all of them can tell") {
  Harness harness;
  std::vector<protocol::Value> parts(3);
  parts[0].integer = 12;
  parts[1].integer = 11;
  parts[2].integer = 13;
  harness.table.find("LASTSAVE")->merge(parts, harness.reply);
  CHECK(harness.reply.take() == "(integer) 11");
}

TEST_CASE("saving is always done") {
  Harness harness;
  CHECK(harness("SAVE") == "OK");
  CHECK(harness("bgsave") == "Background saving started");
  CHECK(harness("BGSAVE schedule") == "Background saving started");
  CHECK(harness("BGSAVE now") == "(error) ERR syntax error");
  CHECK(harness("BGSAVE SCHEDULE x") == "(error) ERR syntax error");
}

TEST_CASE("there is one user, and categories have their commands") {
  Harness harness;
  CHECK(harness("acl whoami") == "\"default\"");
  CHECK(harness("ACL USERS") == "[\"default\"]");
  const std::string read = harness("ACL CAT Read");
  CHECK(read.find("\"get\"") != std::string::npos);
  CHECK(read.find("\"set\"") == std::string::npos);
  CHECK(harness("ACL CAT geo") == "[]");
  CHECK(harness("ACL cat geo x") ==
        "(error) ERR unknown subcommand or wrong number of arguments for 'cat'. Try ACL HELP.");
  CHECK(harness("ACL CAT nothing") == "(error) ERR Unknown category 'nothing'");
}

TEST_CASE("the user is told as Redis tells it, with a password and without") {
  Harness harness;
  CHECK(harness("ACL LIST") == "[\"user default on nopass ~* &* +@all\"]");
  CHECK(harness("ACL GETUSER default") ==
        "{\"flags\": [\"on\", \"nopass\"], \"passwords\": [], \"commands\": \"+@all\", "
        "\"keys\": \"~*\", \"channels\": \"&*\", \"selectors\": []}");
  CHECK(harness("ACL GETUSER Default") == "(nil)");
  CHECK(harness("CONFIG SET requirepass secret") == "OK");
  const std::string hash = "2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b";
  CHECK(harness("ACL LIST") == "[\"user default on #" + hash + " ~* &* +@all\"]");
  CHECK(harness("ACL GETUSER default")
            .starts_with("{\"flags\": [\"on\"], \"passwords\": [\"" + hash + "\"], "));
}

TEST_CASE("a subcommand of CLUSTER is refused, or unknown, or misused") {
  Harness harness;
  const std::string refused = "(error) ERR This instance has cluster support disabled";
  CHECK(harness("CLUSTER SLOTS") == refused);
  CHECK(harness("cluster reset soft") == refused);
  CHECK(harness("cluster help") == refused);
  CHECK(harness("cluster Info x") ==
        "(error) ERR wrong number of arguments for 'cluster|info' command");
  CHECK(harness("cluster meet a") != refused);
  CHECK(harness("cluster meet a 1 2") == refused);
  CHECK(harness("cluster junk") == "(error) ERR unknown subcommand 'junk'. Try CLUSTER HELP.");
}

TEST_CASE("every category that ACL CAT names can be asked for") {
  Harness harness;
  const std::string all = harness("ACL CAT");
  CHECK(all.find("\"dangerous\"") != std::string::npos);
  CHECK(harness("ACL CAT dangerous").find("\"save\"") != std::string::npos);
  CHECK(harness("ACL CAT scripting").find("\"script|exists\"") != std::string::npos);
}

}  // namespace
