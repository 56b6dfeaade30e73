// From runs to the figures of a comparison: medians with their spread, and ratios within a pass,
// where the machine was the same for both. No terminal, no files, no servers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/compare/options.h"
#include "bench/compare/sample.h"
#include "bench/measure/machine.h"

namespace phoenix::bench::compare {

/// Below this share the server was waiting for the client (or the disk): its CPU time per operation
/// holds sleeping and waking, and its throughput is not its own limit.
inline constexpr double kServerBusyEnough = 0.9;

struct Spread {
  double median = 0;
  double low = 0;
  double high = 0;
};

/// None of no values.
std::optional<Spread> spread_of(std::vector<double> values);

struct Cell {
  std::string workload;
  std::uint32_t pipeline = 1;

  /// "GET, pipeline 16"
  std::string text() const;
};

/// All workloads at all pipelines, in the order in which they are run.
std::vector<Cell> cells_of(const Options& options);

/// What the same keys and values cost one server in one pass.
struct MemoryRun {
  std::size_t pass = 0;
  std::size_t server = 0;
  std::uint64_t before_bytes = 0;  // Resident, before they were stored.
  std::uint64_t after_bytes = 0;
};

/// All that was measured.
struct Comparison {
  std::int64_t began_at_unix_s = 0;
  MachineFacts machine;
  std::vector<Run> runs;
  std::vector<MemoryRun> memory;
  std::vector<std::string> versions;  // By server; empty where it does not tell.
  std::vector<std::string> failures;  // Of servers, not of runs: did not start, were not loaded.
  bool interrupted = false;
  bool in_memory = false;  // The servers' directories: no disk is behind them.
};

/// One server in one cell, over the passes.
struct CellSummary {
  std::size_t runs = 0;
  std::size_t counted = 0;
  std::size_t idle = 0;  // Of the counted ones: the server was less busy than is enough.
  // None when no run counted.
  std::optional<Spread> cpu_us;
  std::optional<Spread> operations_per_s;
  std::optional<Spread> p50_us;
  std::optional<Spread> p99_us;
  std::optional<Spread> p999_us;
  std::optional<Spread> busy;
  std::optional<Spread> rss_bytes;
  // Of CPU time per operation to that of another server in the same pass and cell, over the passes
  // in which both count; none of itself.
  std::optional<Spread> cpu_to_ceiling;
  std::optional<Spread> cpu_to_first;
  std::optional<Spread> rate_to_first;  // Of throughput.
};

struct MemorySummary {
  std::optional<Spread> before_bytes;
  std::optional<Spread> after_bytes;
  std::optional<Spread> bytes_per_key;  // Key and value included.
};

struct Summary {
  std::vector<Cell> cells;
  std::vector<std::vector<CellSummary>> by_cell;  // [cell][server]
  std::vector<MemorySummary> memory;              // [server]; the ceiling has none.
  std::vector<std::string> refusals;              // Why runs do not count, a line each.
  std::size_t runs = 0;
  std::size_t counted = 0;
};

Summary summarize(const Options& options, const Comparison& measured);

}  // namespace phoenix::bench::compare
