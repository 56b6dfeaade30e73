// Phase 1: takes the directory, finds out whose it is, and refuses what this build cannot serve.
#pragma once

#include "phoenix/base/random.h"
#include "phoenix/log/store_parts.h"

namespace phoenix::log {

/// Fills in everything of `parts` that is known before the logs are read.
io::Task<Result<void>> open_database(io::Context& io, Store::Parts& parts, Random& random);

}  // namespace phoenix::log
