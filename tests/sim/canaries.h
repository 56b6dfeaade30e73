// Planted bugs, one at a time: each must be caught by some seed, or the simulator proves nothing.
#pragma once

namespace phoenix::simtest {

/// Prints a line per canary. False when one was not caught within its bound of seeds.
bool run_canaries();

}  // namespace phoenix::simtest
