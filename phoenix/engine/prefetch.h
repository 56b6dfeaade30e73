// A prefetch that stays. g++ (12.2 at least) does not count __builtin_prefetch as an effect: it
// takes a function that only prefetches for a pure one, and drops calls to it.
#pragma once

namespace phoenix::engine {

/// Asks for the cache line at `address`, which need not be valid.
inline void prefetch(const void* address) {
  __builtin_prefetch(address);
  asm("");  // An effect of no instruction.
}

}  // namespace phoenix::engine
