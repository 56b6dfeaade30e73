// SLOWLOG and LATENCY: what is kept, and how the parts of several cores become one answer.
#include <string>

#include <doctest/doctest.h>

#include "phoenix/commands/command_times.h"
#include "tests/unit/commands/values.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;
using protocol::Value;

namespace {

Value entry(std::int64_t id) {
  return list_of({value_of(id), value_of(100), value_of(7),
                  list_of({value_of("GET"), value_of("a")}), value_of("ip:1"), value_of("me")});
}

TEST_CASE("a password that somebody tried to set is not kept") {
  Harness harness;
  const std::vector<std::string_view> words{"config",  "set",     "timeout",    "requirepass",
                                            "timeout", "timeout", "MASTERAUTH", "secret"};
  harness.slow_log.add(words, 0, 1, {});
  const auto& kept = harness.slow_log.entries().front().words;
  CHECK(kept == std::vector<std::string>{"config", "set", "timeout", "requirepass", "timeout",
                                         "timeout", "MASTERAUTH", "(redacted)"});
  harness.slow_log.add(std::vector<std::string_view>{"CONFIG", "SET", "a", "requirepass", "secret"},
                       0, 1, {});
  CHECK(harness.slow_log.entries().front().words.back() == "(redacted)");
}

TEST_CASE("long requests are kept cut, as Redis cuts them") {
  Harness harness;
  const std::string word(200, 'x');
  std::vector<std::string_view> words{"MGET"};
  words.resize(41, "k");
  harness.slow_log.add(words, 5'000, 12, {"1.2.3.4:5", "shop"});
  const std::vector<std::string_view> long_words{"SET", word};
  harness.slow_log.add(long_words, 6'000, 13, {});
  CHECK(harness("SLOWLOG LEN") == "(integer) 2");
  CHECK(harness("SLOWLOG GET 1") == "[[(integer) 1, (integer) 6, (integer) 13, [\"SET\", \"" +
                                        std::string(128, 'x') +
                                        "... (72 more bytes)\"], \"\", \"\"]]");
  const auto& cut = harness.slow_log.entries().back().words;
  CHECK(cut.size() == 32);
  CHECK(cut.back() == "... (10 more arguments)");
  CHECK(harness("SLOWLOG GET 0") == "[]");
  CHECK(harness("SLOWLOG RESET") == "OK");
  CHECK(harness("SLOWLOG LEN") == "(integer) 0");
}

TEST_CASE("the slow log is bounded, the oldest go first") {
  Harness harness;
  harness.slow_log.set_entries_max(2);
  const std::vector<std::string_view> words{"GET", "a"};
  for (int i = 0; i < 5; ++i) harness.slow_log.add(words, 1'000, 1, {});
  CHECK(harness.slow_log.entries().size() == 2);
  CHECK(harness.slow_log.entries().front().id == 4);
  harness.slow_log.set_entries_max(0);
  harness.slow_log.add(words, 1'000, 1, {});
  CHECK(harness("SLOWLOG GET -1") == "[]");
}

TEST_CASE("SLOWLOG refuses with Redis's words") {
  Harness harness;
  for (const std::string_view line : {"SLOWLOG GET abc", "SLOWLOG GET -2"}) {
    CHECK(harness(line) == "(error) ERR count should be greater than or equal to -1");
  }
  CHECK(harness("SLOWLOG GET 1 2") ==
        "(error) ERR unknown subcommand or wrong number of arguments for 'GET'. Try SLOWLOG HELP.");
}

TEST_CASE("entries of several cores are told newest first, as many as asked for") {
  Harness harness;
  const std::vector<Value> parts{list_of({value_of(2), entry(3), entry(0)}),
                                 list_of({value_of(2), entry(4), entry(1)})};
  const auto shown = [](int id) {
    return "[(integer) " + std::to_string(id) +
           ", (integer) 100, (integer) 7, [\"GET\", \"a\"], \"ip:1\", \"me\"]";
  };
  CHECK(merged(harness, "SLOWLOG|GET", parts) == "[" + shown(4) + ", " + shown(3) + "]");
  CHECK(merged(harness, "SLOWLOG|LEN",
               {list_of({value_of(3), value_of(2)}), list_of({value_of(3), value_of(2)})}) ==
        "(integer) 3");
  harness.control.cores = 2;
  CHECK(harness("SLOWLOG GET -1") == "[(integer) 128]");
}

TEST_CASE("LATENCY tells the longest of each second, the latest, and the most") {
  Harness harness;
  harness.latency.threshold_ms = 10;
  using Event = Latency::Event;
  harness.latency.add(Event::command, 100, 20);
  harness.latency.add(Event::command, 100, 30);
  harness.latency.add(Event::command, 102, 15);
  harness.latency.add(Event::commit, 101, 99);
  CHECK(harness("LATENCY HISTORY command") ==
        "[[(integer) 100, (integer) 30], [(integer) 102, (integer) 15]]");
  CHECK(harness("LATENCY LATEST") ==
        "[[\"command\", (integer) 102, (integer) 15, (integer) 30], [\"aof-fsync-always\", "
        "(integer) 101, (integer) 99, (integer) 99]]");
  CHECK(harness("LATENCY HISTORY nothing") == "[]");
  CHECK(harness("LATENCY GRAPH command").starts_with("command - high 30 ms, low 15 ms"));
  CHECK(harness("LATENCY DOCTOR").find("command: 2 spikes, 22 ms on average") != std::string::npos);
  CHECK(harness("LATENCY RESET nothing command") == "(integer) 1");
  CHECK(harness("LATENCY RESET") == "(integer) 1");
  CHECK(harness("LATENCY LATEST") == "[]");
  CHECK(harness("LATENCY DOCTOR") == "Nothing took 10 ms or more since it is watched.\n");
}

TEST_CASE("LATENCY HISTOGRAM leaves out what nothing fell into") {
  Harness harness;
  CHECK(harness("LATENCY HISTOGRAM") == "{}");
  harness.facts.timed = "CONFIG|SET";
  harness.facts.times.calls = 12;
  harness.facts.times.is_known = true;
  for (std::size_t range = 1; range < CommandTimes::kRanges; ++range) {
    harness.facts.times.up_to[range] = range < 5 ? 10 : 12;
  }
  const std::string told =
      "{\"config|set\": {\"calls\": (integer) 12, \"histogram_usec\": {(integer) 2: (integer) 10, "
      "(integer) 33: (integer) 12}}}";
  CHECK(harness("LATENCY HISTOGRAM") == told);
  CHECK(harness("LATENCY HISTOGRAM get nothing config") == told);
  CHECK(harness("LATENCY HISTOGRAM Config|Set") == told);
  CHECK(harness("LATENCY HISTOGRAM get config|get") == "{}");
}

TEST_CASE("times fall into the ranges of Redis's histogram") {
  CHECK(CommandTimes::range_of(0) == 0);
  for (std::size_t range = 0; range + 1 < CommandTimes::kRanges; ++range) {
    CHECK(CommandTimes::range_of(CommandTimes::end_ns(range)) == range);
    CHECK(CommandTimes::range_of(CommandTimes::end_ns(range) + 1) == range + 1);
  }
  CHECK(CommandTimes::range_of(~std::uint64_t{0}) == CommandTimes::kRanges - 1);
  CHECK(CommandTimes::end_ns(0) / 1000 == 1);
  CHECK(CommandTimes::end_ns(5) / 1000 == 33);
  CHECK(CommandTimes::end_ns(16) / 1000 == 67'633);
}

TEST_CASE("an event has so many samples at most") {
  Latency latency;
  for (int i = 0; i < 500; ++i) latency.add(Latency::Event::command, i, i);
  CHECK(latency.history(0).samples.size() == 160);
  CHECK(latency.history(0).samples.back().at_s == 499);
  CHECK(latency.history(0).longest_ms == 499);
}

TEST_CASE("samples of several cores are joined by their second") {
  Harness harness;
  const Value none = list_of({value_of(0)});
  const auto part = [&](std::int64_t second, std::int64_t ms) {
    return list_of({value_of("command"), value_of(10),
                    list_of({value_of(ms), value_of(second), value_of(ms)}), none, none});
  };
  const std::vector<Value> parts{part(102, 20), part(100, 50), part(102, 40)};
  CHECK(merged(harness, "LATENCY|HISTORY", parts) ==
        "[[(integer) 100, (integer) 50], [(integer) 102, (integer) 40]]");
  CHECK(merged(harness, "LATENCY|LATEST", parts) ==
        "[[\"command\", (integer) 102, (integer) 40, (integer) 50]]");
  CHECK(merged(harness, "LATENCY|RESET", {value_of(1), value_of(5), value_of(1)}) == "(integer) 2");
}

}  // namespace
