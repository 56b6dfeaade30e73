// What a store does when nothing goes wrong: start, write, stop, start again.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/log_crash/process.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

void write_some(Process& process, unsigned from, unsigned to) {
  for (unsigned i = from; i < to; ++i) {
    const std::string key = "key" + std::to_string(i % 97);
    if (i % 7 == 3) {
      REQUIRE(process.erase(key).has_value());
    } else if (i % 11 == 5 && process.map().contains(key)) {
      REQUIRE(process.set_expiry(key, 1'800'000'000'000 + i).has_value());
    } else {
      REQUIRE(process.put(key, std::string(i % 300, 'v') + std::to_string(i)).has_value());
    }
    if (i % 5 == 0) process.seal();
    if (i % 3 == 0) process.turn();
  }
}

TEST_CASE("what was written is there after a clean stop, through many starts and segments") {
  sim::World world(1);
  Map expected;
  for (unsigned life = 0; life < 6; ++life) {
    Process process(world, small_options(), 2);
    REQUIRE(process.start().has_value());
    CHECK(process.map() == expected);
    write_some(process, life * 1000, life * 1000 + 1500);
    process.close();
    CHECK(process.log(0).idle());
    expected = process.map();
  }
}

TEST_CASE("progress is told in the size of the log, however often that is read") {
  log::Progress progress;
  CHECK(describe(progress) == "0 % of 0.0 MB");
  progress.log_bytes = 1'200'000'000;
  progress.bytes_total = 2'400'000'000;
  progress.bytes_done = 823'000'000;
  CHECK(describe(progress) == "34 % of 1.2 GB");
  progress.bytes_done = 2'500'000'000;
  CHECK(describe(progress) == "100 % of 1.2 GB");
  progress.log_bytes = 34'500'000;
  CHECK(describe(progress) == "100 % of 34.5 MB");
}

TEST_CASE("a replay has read what it said it would, at most") {
  sim::World world(1);
  {
    Process process(world, small_options(), 2);
    REQUIRE(process.start().has_value());
    write_some(process, 0, 1500);
    process.close();
  }
  for (const unsigned cores : {2U, 3U}) {
    Process process(world, small_options(), cores);
    REQUIRE(process.open().has_value());
    const log::Progress& progress = process.store().progress();
    CHECK(progress.bytes_done == 0);
    CHECK(progress.bytes_total == 2 * progress.log_bytes * (cores == 2 ? 1 : cores));
    REQUIRE(process.replay().has_value());
    CHECK(progress.bytes_done > progress.bytes_total / 2);
    CHECK(progress.bytes_done <= progress.bytes_total);
  }
}

}  // namespace
