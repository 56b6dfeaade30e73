// A whole run: the threads, their common window, and what the server's process spent in it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/control.h"
#include "bench/worker.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/result.h"
#include "phoenix/io/ring.h"

namespace phoenix::bench {

struct RunResult {
  ServerFacts server;
  Counts window;
  Counts all;
  Histogram latency_ns;
  double seconds = 0;  // Of the window.
  double operations_per_s = 0;
  std::optional<std::uint64_t> server_cpu_ns;  // In the window; none when its process is not known.
  std::uint64_t client_cpu_ns = 0;
  std::vector<std::string> complaints;

  /// CPU time of all its threads over the wall time of all its cores, 0 to 1 and a little more.
  double server_busy() const;
  double client_busy(std::uint32_t threads) const;
  double server_cpu_us_per_operation() const;
  double client_cpu_us_per_operation() const;
  bool correct() const { return all.errors == 0 && all.mismatches == 0; }
};

/// Called on the thread that will use the ring.
using MakeRing = std::function<Result<std::unique_ptr<io::Ring>>()>;

/// Runs it all. Prints the progress of a preload to standard error.
Result<RunResult> run_load(RunOptions options, const MakeRing& make_ring, const Clock& clock);

}  // namespace phoenix::bench
