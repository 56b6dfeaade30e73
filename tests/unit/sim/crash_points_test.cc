// The simulator at work: a small log is crashed at every point of its run. As it stands it keeps
// its promise everywhere; with any precaution left out it is caught.
#include <cerrno>
#include <memory>
#include <optional>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "tests/unit/sim/mini_log.h"

using namespace phoenix;
using namespace phoenix::sim_test;

namespace {

constexpr std::uint64_t kBlocks = 24;

struct Sweep {
  std::uint64_t crash_points = 0;
  std::uint64_t violations = 0;
};

void end_life(sim::World& world, std::unique_ptr<MiniLog>& log, bool power_cut) {
  world.crash_now();
  log.reset();
  if (power_cut) {
    world.power_cut();
  } else {
    world.kill();
  }
}

// Lives that crash wherever the seed says, until one is whole.
void recover_through_crashes(sim::World& world, const LogOptions& options, Promise& promise,
                             SeededRandom& random) {
  for (int life = 0; life < 3; ++life) {
    world.crash_after(random.below(20));
    auto log = std::make_unique<MiniLog>(world, options, promise);
    log->run(promise.floor + 3);
    end_life(world, log, random.below(3) != 0);
  }
  for (int life = 0; life < 10; ++life) {
    auto log = std::make_unique<MiniLog>(world, options, promise);
    log->run(promise.floor + 3);
    const bool whole = log->done() && !world.down();
    end_life(world, log, true);
    if (whole) break;
  }
  auto log = std::make_unique<MiniLog>(world, options, promise);
  log->run(promise.floor);
  world.crash_now();
}

// Runs the log anew for each point and crashes it there; then crashes recovery too.
Sweep crash_everywhere(std::uint64_t seed, const LogOptions& options, const sim::FaultPlan& plan) {
  Sweep sweep;
  for (std::uint64_t point = 0;; ++point) {
    sim::World world(seed, plan);
    SeededRandom random(seed * 1'000 + point);
    Promise promise;
    world.crash_after(point);
    auto log = std::make_unique<MiniLog>(world, options, promise);
    log->run(kBlocks);
    const bool passed_all = log->done() && !world.down();
    end_life(world, log, random.below(3) != 0);
    recover_through_crashes(world, options, promise, random);
    sweep.violations += promise.broken ? 1 : 0;
    if (passed_all) return sweep;
    ++sweep.crash_points;
  }
}

// Runs the log once, and recovers from a copy of the disk at each point.
Sweep crash_copies(std::uint64_t seed, const LogOptions& options) {
  Sweep sweep;
  sim::World world(seed);
  Promise promise;
  auto log = std::make_unique<MiniLog>(world, options, promise);
  world.on_point([&] {
    const std::uint64_t point = world.points();
    Promise copy = promise;
    sim::World other(seed + point, sim::FaultPlan(), world.disk_after(point % 4 != 0, point));
    MiniLog next(other, options, copy);
    next.run(copy.floor);
    REQUIRE(next.done());
    sweep.violations += copy.broken ? 1 : 0;
    ++sweep.crash_points;
    other.crash_now();
  });
  log->run(kBlocks);
  REQUIRE(log->done());
  return sweep;
}

Sweep sum_of_sweeps(std::uint64_t seeds, const LogOptions& options) {
  Sweep sum;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
    const Sweep sweep = crash_everywhere(seed, options, sim::FaultPlan());
    sum.crash_points += sweep.crash_points;
    sum.violations += sweep.violations;
  }
  return sum;
}

}  // namespace

TEST_CASE("a sound log keeps its promise at every crash point, and in crashes of its recovery") {
  for (const bool direct : {false, true}) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      CAPTURE(direct);
      CAPTURE(seed);
      LogOptions options;
      options.direct = direct;
      const Sweep sweep = crash_everywhere(seed, options, sim::FaultPlan());
      REQUIRE(sweep.violations == 0);
      REQUIRE(sweep.crash_points > 30);
      const Sweep copies = crash_copies(seed, options);
      REQUIRE(copies.violations == 0);
      REQUIRE(copies.crash_points == sweep.crash_points);
    }
  }
}

TEST_CASE("a sound log keeps its promise under random faults") {
  std::uint64_t starts = 0;
  std::uint64_t refused = 0;
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    sim::FaultPlan plan = sim::FaultPlan::random(seed);
    LogOptions options;
    options.direct = plan.write_alignment != 0;
    sim::World world(seed, plan);
    SeededRandom random(seed);
    Promise promise;
    for (int life = 0; life < 12; ++life) {
      if (life % 3 != 2) world.crash_after(random.below(40));
      auto log = std::make_unique<MiniLog>(world, options, promise);
      log->run(promise.floor + kBlocks);
      end_life(world, log, random.below(2) != 0);
      REQUIRE_FALSE(promise.broken);
    }
    starts += promise.ends.size();
    refused += promise.refused_starts;
  }
  CHECK(starts > 300);
  CHECK(refused > 0);
}

TEST_CASE("precautions left out are caught: no sync") {
  LogOptions options;
  options.sync_data = false;
  CHECK(sum_of_sweeps(5, options).violations > 20);
  CHECK(crash_copies(1, options).violations > 5);
  options.direct = true;
  CHECK(sum_of_sweeps(5, options).violations > 20);
}

TEST_CASE("precautions left out are caught: no sync of the directory") {
  LogOptions options;
  options.sync_directory = false;
  CHECK(sum_of_sweeps(5, options).violations > 20);
  CHECK(crash_copies(1, options).violations > 5);
}

TEST_CASE("precautions left out are caught: acknowledged before it is durable") {
  LogOptions options;
  options.acknowledge_late = false;
  CHECK(sum_of_sweeps(5, options).violations > 20);
}

TEST_CASE("precautions left out are caught: recovered blocks are shown before they are synced") {
  LogOptions options;
  options.sync_recovered = false;
  CHECK(sum_of_sweeps(20, options).violations > 3);
}

TEST_CASE("precautions left out are caught: a failed sync is tried again") {
  for (const bool stop_at_error : {true, false}) {
    std::uint64_t violations = 0;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      sim::World world(seed);
      Promise promise;
      LogOptions options;
      options.stop_at_error = stop_at_error;
      auto log = std::make_unique<MiniLog>(world, options, promise);
      world.fail_nth(sim::ChosenFault{1 + seed % 8, -EIO, false, io::Operation::Kind::sync});
      log->run(kBlocks);
      end_life(world, log, true);
      auto next = std::make_unique<MiniLog>(world, options, promise);
      next->run(promise.floor);
      world.crash_now();
      violations += promise.broken ? 1 : 0;
    }
    if (stop_at_error) CHECK(violations == 0);
    if (!stop_at_error) CHECK(violations > 10);
  }
}

TEST_CASE(
    "precautions left out are caught: a torn tail comes back behind what was written over it") {
  LogOptions options;
  options.new_segment = false;
  CHECK(sum_of_sweeps(20, options).violations > 3);
}
