// `phoenix-bench compare` as a program: progress on standard error, the table on standard output,
// the files that were asked for, and whether all went well.
#pragma once

#include <atomic>

#include "bench/compare/options.h"
#include "bench/load/run.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/result.h"

namespace phoenix::bench::compare {

/// True when all runs counted and everything was told. When `stop` becomes true, it ends with what
/// was measured so far. `invalid` when a file cannot be opened.
Result<bool> run_command(const Options& options, const MakeRing& make_ring, const Clock& clock,
                         const std::atomic<bool>& stop);

}  // namespace phoenix::bench::compare
