// Crashes at every point: a quiet run is stopped nowhere, but at each change of its disk a copy of
// the disk as a crash would leave it is taken, a second server recovers from it, and the oracle of
// that moment judges.
#pragma once

#include <cstdint>

namespace phoenix::simtest {

/// Runs seeds from `from` until `count` points were checked. Prints the result; false on a
/// violation.
bool run_crash_points(std::uint64_t from, std::uint64_t count);

}  // namespace phoenix::simtest
