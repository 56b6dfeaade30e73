// One seeded run: clients write and read through the simulated network, the machine crashes at
// chosen or random points, the server starts again (perhaps with another number of cores), and
// every reply is held against the oracle.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/log/options.h"
#include "phoenix/sim/world.h"
#include "tests/sim/process.h"
#include "tests/sim/user.h"

namespace phoenix::simtest {

struct ScenarioOptions {
  unsigned lives = 3;      // Starts of the server; each but the last ends in a crash.
  unsigned cores_max = 3;  // Drawn per life.
  std::uint64_t requests_per_life = 60;
  bool has_faults = true;         // sim::FaultPlan::random; else a quiet world.
  bool has_slow_commits = false;  // Slower than the network: what is read is often not durable yet.
  bool crashes_during_boot = true;
  bool changes_cores = true;
  // Between two lives a bit of a segment flips. A start may then refuse. Rot of the very last
  // batches looks like a torn tail until an idle second covers them (LOG_FORMAT.md, rule 5), so
  // this is for canaries that are held against a sound run of the same seed.
  bool rots = false;
  bool steps_clock_back = false;  // At each crash, by more than the next start takes.
  bool stops = false;             // Some lives end as by SIGTERM, and then in a crash.
  bool pauses = false;            // Now and then nobody asks for anything for a second.
  bool fills_disk = false;        // Another program takes all room, and gives it back.
  log::Durability durability = log::Durability::always;
  std::uint64_t memory_bytes_max = 0;  // 0: no limit.
  std::size_t descriptors_most = 0;    // 0: no limit.
  unsigned listers = 0;                // Beside the users.
  unsigned followers = 0;              // Likewise: of what is published, and of changes of keys.
  server::Bounds bounds{};
  Habits habits{};
  log::Mutations mutations{};  // Planted bugs, for canaries.
  server::Mutations server_mutations{};
};

struct ScenarioResult {
  std::string violation;  // Empty: everything held.
  std::uint64_t trace_hash = 0;
  std::uint64_t crashes = 0;
  std::uint64_t replies = 0;
  std::uint64_t refused_starts = 0;
  std::uint64_t flushes = 0;
  std::uint64_t messages = 0;
};

/// Deterministic in its arguments.
ScenarioResult run_scenario(std::uint64_t seed, const ScenarioOptions& options);

}  // namespace phoenix::simtest
