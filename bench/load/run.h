// A whole run: the threads, their common window, and what the server's process spent in it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/result.h"
#include "bench/load/worker.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/result.h"
#include "phoenix/io/ring.h"

namespace phoenix::bench {

/// Called on the thread that will use the ring.
using MakeRing = std::function<Result<std::unique_ptr<io::Ring>>()>;

/// Runs it all. Prints the progress of a preload to standard error.
Result<RunResult> run_load(RunOptions options, const MakeRing& make_ring, const Clock& clock);

}  // namespace phoenix::bench
