// Crashes at every point of a run: while segments are prepared and changed, while batches are in
// flight, in each phase of a start and in the starts after those. What was acknowledged must be
// there, nothing that was lost once may return, and no ordinary crash may be taken for damage.
#include <span>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/log_crash/explorer.h"
#include "tests/unit/log_crash/level.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

void explore(Setting setting, unsigned normal_runs) {
  const unsigned runs = by_level(1, normal_runs, 2 * normal_runs);
  setting.changes = by_level(setting.changes / 3, setting.changes, setting.changes);
  std::uint64_t crashes = 0;
  for (unsigned run = 0; run < runs; ++run) {
    Explorer explorer(setting, 1000 + run);
    const std::string failure = explorer.run();
    crashes += explorer.crashes();
    REQUIRE_MESSAGE(failure.empty(), failure);
  }
  CHECK_MESSAGE(crashes > 50 * runs, setting.name << ": only " << crashes << " crashes");
}

TEST_CASE("crash at every point: durable writes") {
  explore(setting("durable writes"), 8);
}

TEST_CASE("crash at every point: write and linked sync, eight in flight") {
  Setting linked = setting("linked syncs");
  linked.options.scheme = log::CommitScheme::write_then_sync;
  linked.options.commits_in_flight_max = 8;
  explore(linked, 6);
}

TEST_CASE("crash at every point: buffered where direct IO is refused") {
  Setting buffered = setting("buffered");
  buffered.plan.write_alignment = 0;
  explore(buffered, 6);
}

TEST_CASE("crash at every point: a sync per interval") {
  Setting interval = setting("interval");
  interval.options.durability = log::Durability::interval;
  interval.options.interval_ms = 1;
  explore(interval, 6);
}

TEST_CASE("crash at every point: a nasty disk") {
  Setting nasty = setting("nasty disk");
  nasty.plan.write_alignment = 512;
  nasty.plan.stale_blocks = true;
  nasty.plan.write_back = 3000;
  nasty.plan.cut_garbage = 1000;
  nasty.plan.slow_operations = 500;
  nasty.plan.short_reads = 1000;
  explore(nasty, 6);
}

TEST_CASE("crash at every point: the number of cores changes at the next start") {
  const unsigned counts[][2] = {{1, 2}, {2, 1}, {2, 3}, {4, 3}};
  for (const auto& [cores, after] : std::span(counts).first(by_level(2, 4, 4))) {
    Setting changed = setting("cores " + std::to_string(cores) + " to " + std::to_string(after));
    changed.cores = cores;
    changed.cores_after = after;
    changed.lives = 2;
    changed.changes = 12;
    explore(changed, 2);
  }
}

}  // namespace
