// Keys, whatever is stored under them: removing, finding, renaming and copying.
#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

TEST_CASE("DEL removes each key once and counts what was there") {
  Harness harness;
  CHECK(harness("MSET a 1 b 2 c 3") == "OK");
  CHECK(harness("DEL a a nothing") == "(integer) 1");
  CHECK(harness("DEL b c a") == "(integer) 2");
  CHECK(harness("DEL b") == "(integer) 0");
  CHECK(harness.effects.count == 3 + 3);
  CHECK(harness("DBSIZE") == "(integer) 0");
  CHECK(harness("DEL") == "wrong arity");
}

TEST_CASE("DEL does not count what is dead already") {
  Harness harness;
  CHECK(harness("SET a 1 PX 5") == "OK");
  harness.now_ms += 5;
  CHECK(harness("DEL a") == "(integer) 0");
}

TEST_CASE("EXISTS counts a key as often as it is named") {
  Harness harness;
  CHECK(harness("SET a 1") == "OK");
  CHECK(harness("EXISTS a") == "(integer) 1");
  CHECK(harness("EXISTS a a nothing a") == "(integer) 3");
  CHECK(harness("EXISTS nothing") == "(integer) 0");
  CHECK(harness("EXISTS") == "wrong arity");
}

TEST_CASE("DBSIZE counts keys, the dead ones until they are removed") {
  Harness harness;
  CHECK(harness("DBSIZE") == "(integer) 0");
  CHECK(harness("MSET a 1 b 2") == "OK");
  CHECK(harness("SET c 3 PX 5") == "OK");
  CHECK(harness("DBSIZE") == "(integer) 3");
  harness.now_ms += 5;
  CHECK(harness("DBSIZE") == "(integer) 3");
  harness.keyspace.remove_expired(harness.now_ms, 100);
  CHECK(harness("DBSIZE") == "(integer) 2");
  CHECK(harness("DBSIZE x") == "wrong arity");
}

TEST_CASE("UNLINK removes as DEL, TOUCH counts as EXISTS") {
  Harness harness;
  CHECK(harness("MSET a 1 b 2") == "OK");
  CHECK(harness("TOUCH a a nothing b") == "(integer) 3");
  CHECK(harness("UNLINK a a b nothing") == "(integer) 2");
  CHECK(harness("TOUCH a b") == "(integer) 0");
  CHECK(harness("UNLINK") == "wrong arity");
}

TEST_CASE("TYPE tells a string, or that there is none") {
  Harness harness;
  CHECK(harness("TYPE a") == "none");
  CHECK(harness("SET a 1 PX 5") == "OK");
  CHECK(harness("TYPE a") == "string");
  harness.now_ms += 5;
  CHECK(harness("TYPE a") == "none");
}

TEST_CASE("RENAME takes value and time along, and replaces what had the name") {
  Harness harness;
  CHECK(harness("RENAME a b") == "(error) ERR no such key");
  CHECK(harness("RENAME a a") == "(error) ERR no such key");
  CHECK(harness("SET a 1 PX 500") == "OK");
  CHECK(harness("SET b other") == "OK");
  CHECK(harness("RENAME a a") == "OK");
  CHECK(harness.effects.count == 2);
  CHECK(harness("RENAME a b") == "OK");
  CHECK(harness.effects.count == 4);
  CHECK(harness("GET a") == "(nil)");
  CHECK(harness("GET b") == "\"1\"");
  CHECK(harness("PTTL b") == "(integer) 500");
  CHECK(harness("SET c 3") == "OK");
  CHECK(harness("RENAME c b") == "OK");
  CHECK(harness("PTTL b") == "(integer) -1");
  CHECK(harness("DBSIZE") == "(integer) 1");
}

TEST_CASE("RENAMENX gives only names that are free, those of the dead as well") {
  Harness harness;
  CHECK(harness("RENAMENX a b") == "(error) ERR no such key");
  CHECK(harness("MSET a 1 b 2") == "OK");
  CHECK(harness("RENAMENX a b") == "(integer) 0");
  CHECK(harness("RENAMENX a a") == "(integer) 0");
  CHECK(harness("GET b") == "\"2\"");
  CHECK(harness("PEXPIRE b 5") == "(integer) 1");
  harness.now_ms += 5;
  CHECK(harness("RENAMENX a b") == "(integer) 1");
  CHECK(harness("MGET a b") == "[(nil), \"1\"]");
  CHECK(harness("PTTL b") == "(integer) -1");
}

TEST_CASE("COPY copies value and time, and replaces only when it may") {
  Harness harness;
  CHECK(harness("COPY a b") == "(integer) 0");
  CHECK(harness("SET a 1 PX 500") == "OK");
  CHECK(harness("COPY a b") == "(integer) 1");
  CHECK(harness("MGET a b") == "[\"1\", \"1\"]");
  CHECK(harness("PTTL b") == "(integer) 500");
  CHECK(harness("SET a 2") == "OK");
  CHECK(harness("COPY a b") == "(integer) 0");
  CHECK(harness("GET b") == "\"1\"");
  CHECK(harness("COPY a b REPLACE") == "(integer) 1");
  CHECK(harness("GET b") == "\"2\"");
  CHECK(harness("PTTL b") == "(integer) -1");
  CHECK(harness("COPY a c DB 0") == "(integer) 1");
  CHECK(harness("COPY a c replace db 0 replace") == "(integer) 1");
}

TEST_CASE("COPY refuses with Redis's texts") {
  struct Case {
    std::string_view line;
    std::string_view error;
  };
  const Case cases[] = {
      {"COPY a a", "source and destination objects are the same"},
      {"COPY missing missing", "source and destination objects are the same"},
      {"COPY a b DB 1", "DB index is out of range"},
      {"COPY a b DB -1", "DB index is out of range"},
      {"COPY a b DB one", "value is not an integer or out of range"},
      {"COPY a b DB 2147483648",
       "value is out of range, value must between -2147483648 and 2147483647"},
      {"COPY a b DB", "syntax error"},
      {"COPY a b nonsense", "syntax error"},
      {"COPY a a nonsense", "syntax error"},
  };
  for (const Case& one : cases) {
    CAPTURE(one.line);
    Harness harness;
    CHECK(harness("SET a 1") == "OK");
    CHECK(harness(one.line) == "(error) ERR " + std::string(one.error));
    CHECK(harness.effects.count == 1);
  }
}

TEST_CASE("MOVE and SWAPDB know one database") {
  Harness harness;
  CHECK(harness("SET a 1") == "OK");
  CHECK(harness("MOVE a 0") == "(error) ERR source and destination objects are the same");
  CHECK(harness("MOVE a 1") == "(error) ERR DB index is out of range");
  CHECK(harness("SWAPDB 0 0") == "OK");
  CHECK(harness("SWAPDB 0 1") == "(error) ERR DB index is out of range");
  CHECK(harness("SWAPDB 1 b") == "(error) ERR invalid second DB index");
  CHECK(harness("SWAPDB 4294967296 b") == "(error) ERR invalid first DB index");
  CHECK(harness("GET a") == "\"1\"");
  CHECK(harness.effects.count == 1);
}

TEST_CASE("a large value is moved as its block, and copied as a block of its own") {
  Harness harness;
  const std::string value(100'000, 'x');
  CHECK(harness.run({"SET", "a", value}) == "OK");
  const std::uint64_t one = harness.keyspace.large_value_bytes();
  const auto& meter = harness.keyspace.large_meter();
  CHECK(meter->bytes() == one);
  CHECK(harness("RENAME a b") == "OK");
  CHECK(harness.keyspace.large_value_bytes() == one);
  CHECK(meter->bytes() == one);
  CHECK(harness("COPY b c") == "(integer) 1");
  CHECK(meter->bytes() == 2 * one);
  CHECK(harness.keyspace.large_value_bytes() == 2 * one);
  CHECK(harness("GET c") == quoted(value));
  CHECK(harness("DEL b") == "(integer) 1");
  CHECK(meter->bytes() == one);
  CHECK(harness("GET c") == quoted(value));
}

TEST_CASE("COPY and RENAME tell beforehand how many bytes they write") {
  Harness harness;
  const std::string value(5'000, 'x');
  CHECK(harness.run({"SET", "a", value}) == "OK");
  for (const std::string_view name : {"COPY", "RENAME", "RENAMENX"}) {
    CAPTURE(name);
    for (const std::string_view key : {"a", "missing"}) {
      const std::vector<std::string_view> words{name, key, "b"};
      Request request;
      request.args = words;
      request.first_key_hash = harness.keyspace.hash_of(key);
      const Context context{harness.keyspace, harness.now_ms, harness.reply, harness.table,
                            nullptr};
      const Command& row = *harness.table.find(name);
      CHECK(row.extra_bytes(context, request) == (key == "a" ? value.size() : 0));
    }
  }
}

TEST_CASE("what happens to keys is told to who listens") {
  Harness harness;
  EventRecorder events;
  harness.events = &events;
  CHECK(harness("MSET a 1 b 2 c 3") == "OK");
  const auto told = [&](std::string_view line) {
    events.seen.clear();
    (void)harness(line);
    return events.seen;
  };
  CHECK(told("RENAME a a") == "");
  CHECK(told("RENAME a b") == "n:new b; g:rename_from a; g:rename_to b; ");
  CHECK(told("RENAMENX b c") == "");
  CHECK(told("RENAMENX b d") == "n:new d; g:rename_from b; g:rename_to d; ");
  CHECK(told("COPY d c") == "");
  CHECK(told("COPY d e") == "n:new e; g:copy_to e; ");
  CHECK(told("COPY nothing e") == "m:keymiss nothing; ");
  CHECK(told("DEL d nothing e") == "g:del d; g:del e; ");
  CHECK(told("EXISTS c d") == "m:keymiss d; ");
  CHECK(told("TYPE d") == "m:keymiss d; ");
  CHECK(told("OBJECT ENCODING d") == "");
  CHECK(told("UNLINK c") == "g:del c; ");
}

}  // namespace
