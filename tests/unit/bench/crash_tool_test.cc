// The crash test's values, when it kills, its command line, and what it prints.
#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/crash/moments.h"
#include "bench/crash/report.h"
#include "bench/crash/target.h"
#include "bench/crash/values.h"
#include "bench/options.h"

using namespace phoenix;
using namespace phoenix::bench;
using namespace phoenix::bench::crash;

namespace {

Result<CommandLine> parse(std::vector<const char*> words) {
  words.insert(words.begin(), {"phoenix-bench", "--crash-test"});
  return parse_command_line(static_cast<int>(words.size()), words.data());
}

std::string refusal(std::vector<const char*> words) {
  const auto line = parse(std::move(words));
  REQUIRE_FALSE(line);
  return line.error().message;
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("a value tells its write, and any damage to it shows") {
  const history::Value value = history::make_value(3, 1204);
  for (const std::size_t size : {0U, 40U, 400U, 40'000U}) {
    const std::string bytes = encode_value("crash:3:7", value, size);
    CHECK(bytes.size() >= size);
    CHECK(decode_value(bytes) == value);
    CHECK(decode_value(bytes + "x") == history::kForeign);
    CHECK(decode_value(std::string_view(bytes).substr(0, bytes.size() - 1)) == history::kForeign);
    for (std::size_t at = 10; at < bytes.size(); at += 1 + bytes.size() / 50) {
      std::string damaged = bytes;
      damaged[at] ^= 1;
      CHECK(decode_value(damaged) != value);
    }
  }
  CHECK(encode_value("k", value, 400) != encode_value("k", value + 1, 400));
  for (const char* bytes : {"", "x", "k 0 4 ", "k 5", "k 5 99999999999999999999 ", "k -5 0 "}) {
    CHECK(decode_value(bytes) == history::kForeign);
  }
}

TEST_CASE("kill moments repeat by seed and spread over the orders of magnitude") {
  Moments one(17);
  Moments same(17);
  Moments other(18);
  int below_10_ms = 0;
  int above_100_ms = 0;
  int killed_starts = 0;
  bool differs = false;
  for (int i = 0; i < 3000; ++i) {
    const double ms = one.load_ms();
    CHECK(ms == same.load_ms());
    differs = differs || ms != other.load_ms();
    CHECK(ms >= 1);
    CHECK(ms <= 1000);
    below_10_ms += ms < 10 ? 1 : 0;
    above_100_ms += ms > 100 ? 1 : 0;
    const auto start_ms = one.killed_start_ms();
    CHECK(start_ms == same.killed_start_ms());
    killed_starts += start_ms ? 1 : 0;
  }
  CHECK(differs);
  CHECK(std::abs(below_10_ms - 1000) < 120);
  CHECK(std::abs(above_100_ms - 1000) < 120);
  CHECK(std::abs(killed_starts - 600) < 100);
}

TEST_CASE("the crash test has a command line of its own") {
  const auto line = parse({});
  REQUIRE(line);
  REQUIRE(line->crash_test);
  CHECK_FALSE(line->run);
  CHECK(line->crash_test->target == "phoenix");
  CHECK(line->crash_test->mode == "always");
  CHECK(line->crash_test->rounds == 20);
  const auto redis = parse({"--target", "redis", "--redis-fsync", "no", "--seconds", "3"});
  REQUIRE(redis);
  CHECK(redis->crash_test->mode == "no");
  CHECK(redis->crash_test->rounds == 0);
  CHECK(redis->crash_test->seconds == 3);
  CHECK(contains(*parse({"--help"})->help, "'acknowledged N, lost M, recovered in X ms'"));
}

TEST_CASE("redis is started in the mode that was asked for") {
  for (const char* mode : {"always", "everysec", "no", "off"}) {
    const auto line = parse({"--target", "redis", "--redis-fsync", mode});
    REQUIRE(line);
    const auto spec = find_target(*line->crash_test);
    if (!spec) {
      MESSAGE("SKIPPED: ", spec.error().message);
      return;
    }
    CHECK(spec->durability == mode);
    const auto& words = spec->words;
    const auto fsync = std::ranges::find(words, "--appendfsync");
    REQUIRE(fsync + 1 < words.end());
    const bool logs = *(std::ranges::find(words, "--appendonly") + 1) == "yes";
    CHECK(logs == (spec->durability != "off"));
    if (logs) CHECK(*(fsync + 1) == mode);
    CHECK(promise_text(*spec).size() > 20);
    // While a sync is under way it holds back what it has acknowledged.
    const bool survives_kill = spec->durability == "no";
    CHECK(contains(promise_text(*spec), "a kill takes nothing") == survives_kill);
  }
}

TEST_CASE("wrong arguments of the crash test are told in a sentence") {
  CHECK(contains(refusal({"--pipeline", "3"}), "--pipeline"));
  CHECK(contains(refusal({"--rounds", "0"}), "--rounds"));
  CHECK(contains(refusal({"--seconds", "nan"}), "nan is no number of seconds"));
  CHECK(contains(refusal({"--seconds", "inf"}), "--seconds"));
  CHECK(contains(refusal({"--rounds", "3", "--seconds", "3"}), "excludes"));
  CHECK(contains(refusal({"--durability", "sometimes"}), "--durability"));
  CHECK(contains(refusal({"--redis-fsync", "no"}), "is for --target redis"));
  CHECK(contains(refusal({"--target", "redis", "--durability", "off"}), "for --target phoenix"));
  const auto memcached = parse({"--target", "memcached"});
  REQUIRE(memcached);
  CHECK(contains(find_target(*memcached->crash_test).error().message, "others keep nothing"));
  const auto text = parse({"--target", "mine=memcached:/bin/true {port}"});
  CHECK(contains(find_target(*text->crash_test).error().message, "native or resp"));
}

TEST_CASE("the last line is the one that scripts read") {
  const CrashOptions options{.seed = 77};
  CrashResult result;
  result.acknowledged = 1234567;
  result.recovery_ns = {3'000'000, 12'400'000, 5'000'000};
  const std::string right = result_text(options, result);
  CHECK(right.ends_with("\nacknowledged 1234567, lost 0, recovered in 12 ms\n"));
  CHECK(contains(right, "median 5.0 ms, worst 12.4 ms"));
  CHECK(contains(right, "linearizable over all crashes"));
  result.lost = 3;
  result.crash_violations = 2;
  result.violations = {"key k: the crash took 2 acknowledged writes\n"};
  result.kept_directory = "/kept/here";
  const std::string wrong = result_text(options, result);
  CHECK(wrong.ends_with("\nacknowledged 1234567, lost 3, recovered in 12 ms\n"));
  CHECK_FALSE(contains(wrong, "linearizable over all crashes"));
  for (const char* part : {"key k: the crash took", "only the first", "/kept/here", "--seed 77"}) {
    CHECK(contains(wrong, part));
  }
}
