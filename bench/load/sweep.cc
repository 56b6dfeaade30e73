#include "bench/load/sweep.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace phoenix::bench {
namespace {

// Of the most that there is. The last one is more.
constexpr std::array kShares{0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0, 1.1};

double power(const RunResult& step) {
  const double mean_ns = step.latency_ns.mean();
  return mean_ns > 0 ? step.operations_per_s / mean_ns : 0;
}

}  // namespace

std::size_t find_knee(const std::vector<RunResult>& steps) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < steps.size(); ++i) {
    const bool is_whole = !steps[i].interrupted && steps[i].failure.empty();
    if (is_whole && power(steps[i]) > power(steps[best])) best = i;
  }
  return best;
}

namespace {

Result<double> throughput(const RunOptions& options, const Surroundings& surroundings) {
  const auto result = run_load(options, surroundings);
  if (!result) return tl::unexpected<Error>(result.error());
  if (result->correct()) return result->operations_per_s;
  const std::string& why = result->failure.empty() ? result->complaints.front() : result->failure;
  return fail(ErrorCode::io, "the run before the sweep's first step: " + why);
}

/// A closed loop sends whole batches, which cost less than requests that come one by one: what it
/// did is offered to an open loop, and what that did is the most.
Result<double> find_most(const RunOptions& options, const Surroundings& surroundings) {
  auto closed = throughput(options, surroundings);
  if (!closed) return closed;
  RunOptions flood = options;
  flood.are_keys_stored = true;
  flood.rate_per_s = std::max(1.0, *closed);
  return throughput(flood, surroundings);
}

}  // namespace

Result<SweepSteps> run_sweep(const RunOptions& options, const Surroundings& surroundings) {
  SweepSteps sweep;
  auto most = find_most(options, surroundings);
  if (!most) return tl::unexpected<Error>(most.error());
  sweep.most_per_s = *most;
  if (*most < 1 && !surroundings.stop) {
    return fail(ErrorCode::io,
                "the run before the sweep's first step had no reply in its time: nothing is "
                "measured. Give it more --seconds.");
  }
  for (const double share : kShares) {
    if (surroundings.stop) break;
    RunOptions step = options;
    step.are_keys_stored = true;
    step.rate_per_s = share * sweep.most_per_s;
    if (step.rate_per_s < 1) continue;
    auto result = run_load(step, surroundings);
    // The steps before it are what was measured.
    if (!result && (surroundings.stop || !sweep.steps.empty())) {
      if (!surroundings.stop)
        sweep.steps.back().failure = "the next step: " + result.error().message;
      break;
    }
    if (!result) return tl::unexpected<Error>(result.error());
    sweep.options.push_back(std::move(step));
    sweep.steps.push_back(std::move(*result));
    if (!sweep.steps.back().failure.empty()) break;
  }
  sweep.knee = find_knee(sweep.steps);
  return sweep;
}

}  // namespace phoenix::bench
