// What the commands did on one core: how often they ran, how long they took, and how often they
// failed. The core alone writes them, any core reads them (metrics.h).
#pragma once

#include <array>
#include <cstdint>

#include "phoenix/commands/command_times.h"
#include "phoenix/server/gauge.h"

namespace phoenix::server {

class Shared;

/// Of one command, beside how often it was called (Metrics::calls).
struct CommandFigures {
  Gauge not_run;   // Of the calls: what was queued for EXEC, or refused by the shard.
  Gauge rejected;  // Refused before it ran.
  Gauge failed;    // Ran, and answered an error.
  // Of those that were timed, on the core that ran them.
  Gauge timed;
  Gauge timed_ns;
  std::array<Gauge, commands::CommandTimes::kRanges> timed_by_range;

  /// So many of a core's calls of a command are timed without exception: few tell little, and those
  /// are exact.
  static constexpr std::uint64_t kFirst = 64;
  /// Whether a call with so many before it is one of those, or of the first `most`.
  static constexpr bool is_first(std::uint64_t calls_before, std::uint64_t most = kFirst) {
    return calls_before < most;
  }
  /// The same for what comes from other cores, where calls are counted by how many were timed. No
  /// limit where what is timed is only a part of a call (a slice of a listing).
  std::uint64_t timed_each = kFirst;

  void record(std::uint64_t took_ns) {
    timed.add(1);
    timed_ns.add(took_ns);
    timed_by_range[commands::CommandTimes::range_of(took_ns)].add(1);
  }
  void reset();
};

/// Sums of all cores.
struct CommandTotals {
  std::uint64_t calls = 0;
  std::uint64_t rejected = 0;
  std::uint64_t failed = 0;
};
CommandTotals totals_of(const Shared& shared, std::size_t row);
commands::CommandTimes times_of(const Shared& shared, std::size_t row);

}  // namespace phoenix::server
