// From results to plots: what is drawn for a run, for its seconds, and for several runs.
#pragma once

#include <vector>

#include "bench/report/plots.h"
#include "bench/report/report.h"

namespace phoenix::bench {

/// Latency by percentile. Of one run: all its requests, and each kind if there are several. Of
/// several runs: a curve each.
LinePlot percentile_plot(const std::vector<LabelledRun>& runs);

/// Throughput, latencies, and of the server what is known, second by second. Of a long run each
/// step stands for several seconds: the mean throughput, but the latencies of the worst second.
/// Empty when there are no seconds.
std::vector<LinePlot> timeline_plots(const RunResult& result);

/// Latency against offered throughput, with the knee marked.
LinePlot knee_plot(const Report& report);

/// Throughput, 99th percentile and, where it is known, CPU time per operation of each run.
std::vector<BarPlot> run_bars(const std::vector<LabelledRun>& runs);

}  // namespace phoenix::bench
