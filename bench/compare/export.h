// A comparison for programs: every run and every figure of the tables, in one schema.
#pragma once

#include <string>

#include "bench/compare/summary.h"

namespace phoenix::bench::compare {

/// One object: options, servers, runs, cells with medians and spreads, memory. Null where nothing
/// is known.
std::string comparison_json(const Options& options, const Comparison& measured,
                            const Summary& summary);

/// A line per run; empty fields where nothing is known.
std::string comparison_csv(const Options& options, const Comparison& measured);

}  // namespace phoenix::bench::compare
