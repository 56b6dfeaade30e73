// The ceiling: a server that keeps nothing and answers every native frame at once, with the least
// work that a server on this machine can do for it. What Phoenix costs above it is Phoenix's own.
#pragma once

#include <cstddef>
#include <cstdint>

#include "phoenix/base/result.h"

namespace phoenix::bench {

struct CeilingOptions {
  std::uint16_t port = 0;        // 0: any free one.
  int cpu = -1;                  // To be pinned to; -1: wherever the kernel likes.
  std::size_t value_bytes = 64;  // Of what every GET is answered with.
};

/// Listens on 127.0.0.1, prints "pid N", "port N" and "ready" on a line each, and serves until a
/// signal ends the process.
Result<void> run_ceiling(const CeilingOptions& options);

}  // namespace phoenix::bench
