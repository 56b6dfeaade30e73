// Finds where a server's latency begins to rise faster than its throughput: what it can do at most,
// and then open loops at rising rates, which tell what each of them costs in latency.
#pragma once

#include <cstddef>
#include <vector>

#include "bench/load/run.h"

namespace phoenix::bench {

struct SweepSteps {
  double most_per_s = 0;            // What the rates are shares of.
  std::vector<RunOptions> options;  // Of each step ...
  std::vector<RunResult> steps;     // ... and what it came to, by rising rate.
  std::size_t knee = 0;             // The step of the greatest power.
};

/// `options` without a rate. Fewer steps when it is stopped; an error when nothing was measured.
Result<SweepSteps> run_sweep(const RunOptions& options, const Surroundings& surroundings);

/// The step with the greatest power: throughput over mean latency (L. Kleinrock, "Power and
/// deterministic rules of thumb for probabilistic problems in computer communications", ICC 1979).
/// Steps that could not keep their rate count with what they did and how long it took. One that was
/// interrupted is only the knee when it is alone: it may be too short to tell anything.
std::size_t find_knee(const std::vector<RunResult>& steps);

}  // namespace phoenix::bench
