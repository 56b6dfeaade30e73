// SCRIPT and FUNCTION where there is neither.
#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

TEST_CASE("there are no functions to list, to drop or to stop") {
  Harness harness;
  CHECK(harness("function flush") == "OK");
  CHECK(harness("FUNCTION FLUSH async") == "OK");
  CHECK(harness("FUNCTION FLUSH now") ==
        "(error) ERR FUNCTION FLUSH only supports SYNC|ASYNC option");
  CHECK(harness("FUNCTION FLUSH SYNC x") ==
        "(error) ERR unknown subcommand or wrong number of arguments for 'FLUSH'. Try FUNCTION "
        "HELP.");
  CHECK(harness("FUNCTION LIST withcode libraryname a*") == "[]");
  CHECK(harness("FUNCTION LIST LIBRARYNAME") == "(error) ERR library name argument was not given");
  CHECK(harness("FUNCTION LIST WITHCODE WITHCODE") == "(error) ERR Unknown argument WITHCODE");
  CHECK(harness("FUNCTION KILL") == "(error) NOTBUSY No scripts in execution right now.");
}

TEST_CASE("FUNCTION RESTORE takes what FUNCTION DUMP answers, and nothing that holds a function") {
  Harness harness;
  CHECK(harness.run({"FUNCTION", "RESTORE", {"\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda", 10}}) ==
        "OK");
  CHECK(harness("FUNCTION DUMP") == R"("\x0a\x00]\x9b\x5c@\x0f\x7f\xa2\xda")");
  CHECK(harness("FUNCTION RESTORE abc replace") ==
        "(error) ERR DUMP payload version or checksum are wrong");
  CHECK(harness("FUNCTION RESTORE abc over") ==
        "(error) ERR Wrong restore policy given, value should be either FLUSH, APPEND or "
        "REPLACE.");
}

TEST_CASE("no script is known, whatever its digest") {
  Harness harness;
  CHECK(harness("SCRIPT EXISTS a b c") == "[(integer) 0, (integer) 0, (integer) 0]");
  CHECK(harness("SCRIPT FLUSH Sync") == "OK");
  CHECK(harness("SCRIPT FLUSH SYNC ASYNC") ==
        "(error) ERR SCRIPT FLUSH only support SYNC|ASYNC option");
}

}  // namespace
