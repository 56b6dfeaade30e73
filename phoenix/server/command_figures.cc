#include "phoenix/server/command_figures.h"

#include <cmath>

#include "phoenix/server/shared.h"

namespace phoenix::server {

using commands::CommandTimes;

void CommandFigures::reset() {
  for (auto* gauge : {&not_run, &rejected, &failed, &timed, &timed_ns}) gauge->set(0);
  for (auto& gauge : timed_by_range) gauge.set(0);
}

CommandTotals totals_of(const Shared& shared, std::size_t row) {
  CommandTotals totals;
  std::uint64_t not_run = 0;
  for (unsigned core = 0; core < shared.cores(); ++core) {
    const Metrics& metrics = shared.metrics[core];
    const CommandFigures& figures = metrics.commands[row];
    not_run += figures.not_run.get();
    totals.calls += metrics.calls[row].get();
    totals.rejected += figures.rejected.get();
    totals.failed += figures.failed.get();
  }
  // Other cores count on meanwhile.
  totals.calls -= std::min(totals.calls, not_run);
  return totals;
}

CommandTimes times_of(const Shared& shared, std::size_t row) {
  CommandTimes times;
  times.calls = totals_of(shared, row).calls;
  std::uint64_t timed = 0;
  std::uint64_t timed_ns = 0;
  for (unsigned core = 0; core < shared.cores(); ++core) {
    const CommandFigures& figures = shared.metrics[core].commands[row];
    timed_ns += figures.timed_ns.get();
    for (std::size_t range = 0; range < CommandTimes::kRanges; ++range) {
      const std::uint64_t count = figures.timed_by_range[range].get();
      timed += count;
      times.up_to[range] += count;
    }
  }
  times.is_known = timed > 0;
  if (!times.is_known) return times;
  const double scale = static_cast<double>(times.calls) / static_cast<double>(timed);
  const auto scaled = [scale](std::uint64_t value) {
    return static_cast<std::uint64_t>(std::llround(static_cast<double>(value) * scale));
  };
  times.total_us = scaled(timed_ns) / 1000;
  std::uint64_t sum = 0;
  for (auto& count : times.up_to) {
    sum += count;
    count = scaled(sum);
  }
  return times;
}

}  // namespace phoenix::server
