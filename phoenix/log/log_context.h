// What the parts of one core's log share.
#pragma once

#include <string>

#include "phoenix/io/context.h"
#include "phoenix/io/host.h"
#include "phoenix/log/event.h"
#include "phoenix/log/log.h"
#include "phoenix/log/store_parts.h"

namespace phoenix::log {

struct LogContext {
  LogContext(io::Context& the_io, io::Host& the_host, io::Failure& the_failure,
             Store::Parts& the_store, unsigned the_core)
      : io(the_io),
        host(the_host),
        failure(the_failure),
        store(the_store),
        options(the_store.options),
        core(the_core) {}
  LogContext(const LogContext&) = delete;
  LogContext& operator=(const LogContext&) = delete;

  /// Rule 2. Once this was called nothing is written or acknowledged any more, also if it returns.
  void fail(const std::string& message) {
    if (dead) return;
    dead = true;
    failure.raise("log of core " + std::to_string(core) + ": " + message);
  }

  std::uint32_t alignment() const { return store.write_alignment(); }
  std::uint64_t now_ns() const { return io.clock().monotonic_ns(); }

  io::Context& io;
  io::Host& host;
  io::Failure& failure;
  Store::Parts& store;
  const Options& options;
  const unsigned core;
  bool dead = false;
  /// Something was committed, prepared, activated or stopped: whoever waits looks again.
  Event changed;
  LogStatistics statistics;
};

}  // namespace phoenix::log
