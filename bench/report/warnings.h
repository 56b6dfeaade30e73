// What a reader must know before believing the figures of a run.
#pragma once

#include <string>
#include <vector>

#include "bench/report/report.h"

namespace phoenix::bench {

/// Below this share the server was waiting for the client: its CPU time per operation holds
/// sleeping and waking, and its throughput is the client's.
inline constexpr double kBusyEnough = 0.9;

/// Above this share of misses GETs measure the look-up of nothing, which is seldom what was meant.
inline constexpr double kMissesSuspicious = 0.9;

/// Sentences without capital and full stop: "the server was only 75 % busy: ...".
/// `is_step` of a sweep: some of what a single run has to warn of is meant there.
std::vector<std::string> warnings_of(const LabelledRun& run, bool is_step);

/// Wrong answers of the server, the first few in words and then their number; none if correct.
std::vector<std::string> wrongs_of(const RunResult& result);

}  // namespace phoenix::bench
