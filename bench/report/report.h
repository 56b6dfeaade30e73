// What a run came to, for people and for programs.
#pragma once

#include <string>

#include "bench/load/run.h"
#include "bench/load/run_options.h"

namespace phoenix::bench {

/// Below this share the server was waiting for the client: its CPU time per operation holds
/// sleeping and waking, and its throughput is the client's.
inline constexpr double kBusyEnough = 0.9;

/// Above this share of misses GETs measure the look-up of nothing, which is seldom what was meant.
inline constexpr double kMissesSuspicious = 0.9;

/// Lines for a terminal, the warnings about an idle server and missing keys among them.
std::string text_report(const RunOptions& options, const RunResult& result);

/// One object; times in microseconds; null where nothing is known.
std::string json_report(const RunOptions& options, const RunResult& result);

}  // namespace phoenix::bench
