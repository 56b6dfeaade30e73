// The loads of a comparison: the one place that makes RunOptions of a comparison's options, so that
// all servers get the same.
#pragma once

#include "bench/compare/summary.h"
#include "bench/load/run_options.h"
#include "bench/peers/peer.h"

namespace phoenix::bench::compare {

/// Stores all keys and checks that they are there; measures next to nothing.
RunOptions preload_of(const Options& options, const Peer& peer);

/// One run of a cell, on keys that have been stored.
RunOptions load_of(const Options& options, const Cell& cell, const Peer& peer);

}  // namespace phoenix::bench::compare
