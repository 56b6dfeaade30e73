// The check after a start: every key is read once before anything is written, and the oracle is
// told what was recovered; then all keys are listed.
#pragma once

#include "phoenix/base/random.h"
#include "phoenix/sim/world.h"
#include "tests/sim/process.h"
#include "tests/sim/user.h"

namespace phoenix::simtest {

/// Violations go into `truth`. Returns early when the world goes down.
void verify_recovery(sim::World& world, Process& process, Truth& truth, SeededRandom& random);

}  // namespace phoenix::simtest
