// A worker against a server in memory: what its tests have in common.
#pragma once

#include <fcntl.h>

#include <cstdint>
#include <utility>

#include <doctest/doctest.h>

#include "bench/load/worker.h"
#include "tests/unit/bench/fake_server.h"

namespace phoenix::bench {

/// Five connections, four requests each, a hundred keys; GETs with this share, else SETs.
inline Plan plan_of(double get_share, bool preload) {
  RunOptions options;
  options.connections = 5;
  options.pipeline = 4;
  options.workload.keys = 100;
  options.workload.mix = {.get = get_share, .set = 1 - get_share};
  options.preload = preload;
  options.seed = 3;
  RequestShape shape{*Keys::make(options.workload.keys, options.workload.key_size),
                     options.workload.value_size,
                     {},
                     protocol::kDoNotWait,
                     {}};
  return {options, std::move(shape), {.verify = true, .miss_is_error = preload}};
}

// A descriptor of its own for each connection; nobody reads or writes it.
inline Result<uring::UniqueFd> dummy() {
  return uring::UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
}

struct WorkerFixture {
  WorkerFixture(std::uint64_t seed, Plan the_plan)
      : plan(std::move(the_plan)), server(clock, seed) {
    REQUIRE(worker.connect(dummy));
  }

  /// Warms up for as long as it then measures.
  Result<void> measure(std::uint64_t window_ns) {
    window = {clock.now_ns + window_ns, clock.now_ns + 2 * window_ns};
    return worker.measure(window, [this] { ++edges; });
  }

  /// Of all verbs, and of what was never sent.
  Histogram latencies() const {
    Histogram all = worker.result().unsent_ns;
    for (const Histogram& each : worker.result().latency_ns) all.merge(each);
    return all;
  }

  Plan plan;
  ManualClock clock;
  FakeServer server;
  Shared shared{plan.options, server.stop};
  Window window;
  int edges = 0;
  Worker worker{plan, 0, server, clock, shared};
};

}  // namespace phoenix::bench
