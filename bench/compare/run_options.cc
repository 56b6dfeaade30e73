#include "bench/compare/run_options.h"

#include "bench/workload/options.h"
#include "phoenix/base/check.h"

namespace phoenix::bench::compare {
namespace {

constexpr std::uint32_t kPreloadPipeline = 64;
/// Time enough for the first replies to be checked.
constexpr double kPreloadSeconds = 0.05;

RunOptions common(const Options& options, const Peer& peer) {
  RunOptions run;
  run.target.protocol = peer.spec().protocol;
  run.target.port = peer.port();
  run.server_pid = peer.server_pid();
  run.connections = options.connections;
  run.threads = options.client_threads;
  run.cpu = options.client_cpu;
  run.workload.keys = options.keys;
  run.workload.key_size = Sizes(options.key_bytes);
  run.workload.value_size = Sizes(options.value_bytes);
  run.seed = options.seed;
  return run;
}

}  // namespace

RunOptions preload_of(const Options& options, const Peer& peer) {
  RunOptions run = common(options, peer);
  run.preload = true;
  PHX_CHECK(set_workload("get", run.workload));
  run.pipeline = kPreloadPipeline;
  run.seconds = kPreloadSeconds;
  run.warmup_seconds = 0;
  return run;
}

RunOptions load_of(const Options& options, const Cell& cell, const Peer& peer) {
  RunOptions run = common(options, peer);
  run.preload = false;
  PHX_CHECK(set_workload(cell.workload, run.workload));  // As the command line was.
  run.pipeline = cell.pipeline;
  run.seconds = options.seconds;
  run.warmup_seconds = options.warmup_seconds;
  return run;
}

}  // namespace phoenix::bench::compare
