// Every operation of a life fails once, or from then on: the process may end or refuse to start,
// with a message, and nothing that was acknowledged may be lost by it.
#include <cerrno>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/log_crash/explorer.h"
#include "tests/unit/log_crash/level.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

struct Outcome {
  bool came = false;  // The fault.
  bool ended = false;
  std::string wrong;
};

std::string recover(const log::Options& options, const Oracle& oracle, const sim::Disk& disk) {
  sim::World world(77, {}, disk);
  Process process(world, options, 1);
  const auto started = process.start();
  if (!started) return "does not start again: " + started.error().message;
  return oracle.judge(process.map());
}

Outcome live_with(const log::Options& options, const sim::ChosenFault& fault) {
  sim::World world(11);
  Oracle oracle;
  SeededRandom random(5);
  Outcome outcome;
  for (unsigned life = 0; life < 2 && !world.down(); ++life) {
    Process process(world, options, 1);
    if (life == 1) world.fail_nth(fault);
    const auto started = process.start();
    if (started) {
      oracle.begin(process, 1);
      write_changes(process, oracle, random, 30);
      process.settle();
      oracle.note_acknowledged(process);
      process.close();
    } else if (started.error().message.empty()) {
      outcome.wrong = "no message";
    }
    outcome.ended = process.failed() || !started;
    if (process.failed() && process.failure().empty()) outcome.wrong = "no message";
  }
  outcome.came = world.counters().chosen_errors > 0;
  for (const bool power_cut : {true, false}) {
    if (!outcome.wrong.empty()) break;
    outcome.wrong = recover(options, oracle, world.disk_after(power_cut, fault.nth));
  }
  return outcome;
}

void fail_each(const log::Options& options, std::int32_t error, bool sticky) {
  unsigned ended = 0;
  unsigned tried = 0;
  const unsigned step = by_level(13, 1, 1);
  std::uint64_t nth = 1;
  for (; nth < 1000; nth += step) {
    sim::ChosenFault fault;
    fault.nth = nth;
    fault.error = error;
    fault.sticky = sticky;
    const Outcome outcome = live_with(options, fault);
    REQUIRE_MESSAGE(outcome.wrong.empty(),
                    "error " << -error << " of operation " << nth << ": " << outcome.wrong);
    if (!outcome.came) break;
    ++tried;
    if (outcome.ended) ++ended;
  }
  CHECK(nth > 50);
  CHECK(nth < 1000);
  CHECK(ended > tried / 4);
}

TEST_CASE("an error of any operation loses nothing that was acknowledged") {
  log::Options durable = small_options();
  log::Options linked = small_options();
  linked.scheme = log::CommitScheme::write_then_sync;
  log::Options interval = small_options();
  interval.durability = log::Durability::interval;
  for (const log::Options& options : {durable, linked, interval}) {
    for (const bool sticky : {false, true}) {
      fail_each(options, -EIO, sticky);
      fail_each(options, -ENOSPC, sticky);
    }
  }
}

TEST_CASE("a short commit write ends the process, and nothing was acknowledged by it") {
  for (const auto scheme : {log::CommitScheme::durable_write, log::CommitScheme::write_then_sync}) {
    sim::World world(3);
    log::Options options = small_options();
    options.scheme = scheme;
    Process process(world, options, 1);
    REQUIRE(process.start().has_value());
    REQUIRE(process.put("a", "1").has_value());
    REQUIRE(process.settle());
    const log::Position before = process.log(0).commit_position();
    world.plan().short_writes = 10'000;
    const auto written = process.put("b", std::string(9000, 'x'));
    REQUIRE(written.has_value());
    CHECK(!process.settle());
    CHECK(process.failed());
    CHECK(process.failure().find("only a part of it was written") != std::string::npos);
    CHECK(process.log(0).commit_position() == before);
    CHECK(process.log(0).reserve(10, 1, false) == log::Reservation::wait);
  }
}

}  // namespace
