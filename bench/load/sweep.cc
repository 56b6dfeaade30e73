#include "bench/load/sweep.h"

#include <array>
#include <utility>

namespace phoenix::bench {
namespace {

// Of the closed loop's throughput. The last one is more than there is.
constexpr std::array kShares{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1};

double power(const RunResult& step) {
  const double mean_ns = step.latency_ns.mean();
  return mean_ns > 0 ? step.operations_per_s / mean_ns : 0;
}

}  // namespace

std::size_t find_knee(const std::vector<RunResult>& steps) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    if (power(steps[i]) > power(steps[best])) best = i;
  }
  return best;
}

Result<SweepSteps> run_sweep(const RunOptions& options, const Surroundings& surroundings) {
  auto closed_loop = run_load(options, surroundings);
  if (!closed_loop) return tl::unexpected<Error>(closed_loop.error());
  SweepSteps sweep;
  sweep.closed_loop = std::move(*closed_loop);
  for (const double share : kShares) {
    if (surroundings.stop) break;
    RunOptions step = options;
    step.preload = false;
    step.rate_per_s = share * sweep.closed_loop.operations_per_s;
    if (step.rate_per_s < 1) continue;
    auto result = run_load(step, surroundings);
    if (!result && surroundings.stop) break;  // The steps before it are what was measured.
    if (!result) return tl::unexpected<Error>(result.error());
    sweep.options.push_back(std::move(step));
    sweep.steps.push_back(std::move(*result));
  }
  sweep.knee = find_knee(sweep.steps);
  return sweep;
}

}  // namespace phoenix::bench
