// Check 2: was each key one register all along, crashes included? Every operation must have an
// instant between its invocation and its response at which it took effect, so that each read sees
// the latest write before it. Keys are judged one by one: a history is linearizable if each key's
// part is (Herlihy and Wing's locality).
//
// The check is exact, both ways, and takes O(n log n): no search, no bound on clients.
//
// - A value that was written once, its write and its reads form a cluster (Gibbons and Korach,
//   "Testing shared memories", 1997). With f its first response and s its last invocation: if f < s
//   the key certainly held the value from f to s (a forward zone), and no two such zones may
//   overlap; else the whole cluster fits into any one instant from s to f.
// - Absent is not unique: a read of it could stand behind any delete, or the beginning. So what is
//   left (instants of other values, deletes, reads of absent) is placed into the gaps between the
//   zones by one sweep over time, each as late as can be: a value at its last moment, unless the
//   key holds a value anyway (then placing it changes nothing, so it is done at once) or a delete
//   is placed (then just before it, where nobody can see it); a delete at its last moment, or when
//   a read of absent has come to its own, and then the one that must be placed first. Delaying
//   never takes away a choice, and any two deletes can change places, so if this fails nothing
//   succeeds.
// - What has no answer may have taken effect until Operation::responded_ns, or never: a write that
//   nobody read is left out, a delete is used if a read needs one. What was refused has no effect.
//
// Operations whose times touch count as concurrent.
#pragma once

#include <cstddef>
#include <vector>

#include "bench/history/operation.h"

namespace phoenix::bench::history {

/// Of each key that cannot have been one register, the first contradiction that was found, in the
/// order of the keys, up to `violations_max` of them; empty if the history is linearizable. Takes
/// 8 bytes for each operation, and some 100 for each of the largest key.
std::vector<Violation> check_linearizability(const History& history, std::size_t violations_max);

}  // namespace phoenix::bench::history
