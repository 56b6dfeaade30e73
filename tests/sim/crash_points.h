// Crashes at every point: a quiet run is stopped nowhere, but at each change of its disk a copy of
// the disk as a crash would leave it is taken, a second server recovers from it, and the oracle of
// that moment judges.
#pragma once

#include <cstdint>

namespace phoenix::simtest {

/// Runs seeds from `from` until `count` points were checked. Prints the result; false on a
/// violation. With long parts users change parts of long values, so that most points lie within
/// what is streamed, and what has recovered may crash again, in its start and later.
bool run_crash_points(std::uint64_t from, std::uint64_t count, bool has_long_parts);

}  // namespace phoenix::simtest
