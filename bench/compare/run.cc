#include "bench/compare/run.h"

#include <memory>
#include <utility>

#include <fmt/format.h>

#include "bench/compare/order.h"
#include "bench/compare/run_options.h"
#include "bench/measure/machine.h"
#include "bench/measure/usage.h"
#include "bench/peers/peer.h"
#include "bench/peers/scratch.h"

namespace phoenix::bench::compare {
namespace {

/// The servers of one pass and their directories, which go in this order: first the processes.
struct Field {
  ScratchDirectory scratch;
  std::vector<std::unique_ptr<Peer>> peers;  // Null: it could not be made ready.
};

class Comparing final {
 public:
  Comparing(const Options& options, const Surroundings& surroundings, Watcher& watcher)
      : options_(options), around_(surroundings), watcher_(watcher), cells_(cells_of(options)) {
    result_.versions.resize(options.servers.size());
  }

  Result<Comparison> go();

 private:
  Result<void> run_pass(std::size_t pass);
  Result<void> make_ready(std::size_t pass, std::size_t server, Field& field);
  Result<void> store_keys(std::size_t pass, std::size_t server, const Peer& peer);
  Run measure(const Run& place, Peer* peer);
  void stop_all(Field& field);
  void note_failure(std::size_t pass, const Error& error);

  const Options& options_;
  const Surroundings& around_;
  Watcher& watcher_;
  const std::vector<Cell> cells_;
  Comparison result_;
};

void Comparing::note_failure(std::size_t pass, const Error& error) {
  result_.failures.push_back(fmt::format("pass {}: {}", pass + 1, error.message));
}

// A null peer: the runs of this pass say so, each.
Result<void> Comparing::make_ready(std::size_t pass, std::size_t server, Field& field) {
  const PeerSpec& spec = options_.servers[server];
  watcher_.starting(pass, server);
  auto peer =
      Peer::make(spec, {field.scratch.path(), options_.server_cpu, options_.server_threads});
  if (!peer) return tl::unexpected<Error>(peer.error());
  if (auto launched = (*peer)->launch(); !launched) return launched;
  if (auto answered = (*peer)->await_answer(kStartPatienceMs, &around_.stop); !answered)
    return answered;
  if (spec.keeps_values) {
    if (auto stored = store_keys(pass, server, **peer); !stored) return stored;
  }
  field.peers[server] = std::move(*peer);
  return {};
}

Result<void> Comparing::store_keys(std::size_t pass, std::size_t server, const Peer& peer) {
  const int pid = peer.server_pid();
  const auto before = resident_bytes(pid);
  const auto loaded = run_load(preload_of(options_, peer), around_);
  const auto after = resident_bytes(pid);
  if (around_.stop) return {};  // Half of the keys tell nothing.
  if (!loaded) {
    return fail(loaded.error().code,
                fmt::format("{}: storing the keys: {}", peer.name(), loaded.error().message));
  }
  if (!loaded->correct()) {
    return fail(ErrorCode::io,
                fmt::format("{}: storing the keys: {}", peer.name(), faults_of(*loaded)));
  }
  result_.versions[server] = loaded->server.version;
  if (before && after) result_.memory.push_back({pass, server, *before, *after});
  return {};
}

Run Comparing::measure(const Run& place, Peer* peer) {
  Run run = place;
  if (peer == nullptr) {
    run.refusal = "the server was not ready";
    return run;
  }
  const bool is_ceiling = !peer->spec().keeps_values;
  const RunRules rules{options_.seconds, is_ceiling ? 1 : options_.server_threads, !is_ceiling};
  const auto result = run_load(load_of(options_, cells_[run.cell], *peer), around_);
  const auto sample = result ? judge(*result, rules) : tl::unexpected<Error>(result.error());
  if (sample && !around_.stop) {
    run.sample = *sample;
  } else {
    run.refusal = around_.stop ? "it was interrupted" : sample.error().message;
    if (!peer->running()) run.refusal += "; the server has ended: " + peer->output_tail();
  }
  return run;
}

void Comparing::stop_all(Field& field) {
  for (const auto& peer : field.peers) {
    if (peer == nullptr) continue;
    // All figures have been taken: that it ended badly does not change them, but must be known.
    if (auto stopped = peer->stop(); !stopped) result_.failures.push_back(stopped.error().message);
  }
}

Result<void> Comparing::run_pass(std::size_t pass) {
  auto scratch = ScratchDirectory::make(options_.directory);
  if (!scratch) return tl::unexpected<Error>(scratch.error());
  result_.in_memory = scratch->in_memory();
  Field field{std::move(*scratch), {}};
  field.peers.resize(options_.servers.size());
  const auto order = order_of_pass(pass, options_.servers.size());
  for (const std::size_t server : order) {
    if (around_.stop) return {};
    if (auto ready = make_ready(pass, server, field); !ready) note_failure(pass, ready.error());
  }
  for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
    for (const std::size_t server : order) {
      if (around_.stop) return {};
      const Run place{pass, server, cell, {}, {}};
      watcher_.measuring(place);
      Run run = measure(place, field.peers[server].get());
      watcher_.measured(run);
      result_.runs.push_back(std::move(run));
    }
  }
  stop_all(field);
  return {};
}

Result<Comparison> Comparing::go() {
  result_.began_at_unix_s = around_.clock.wall_ms() / 1000;
  result_.machine = read_machine_facts();
  const SessionFirst first;
  for (std::size_t pass = 0; pass < options_.passes && !around_.stop; ++pass) {
    if (auto done = run_pass(pass); !done) return tl::unexpected<Error>(done.error());
  }
  result_.interrupted = around_.stop;
  return std::move(result_);
}

}  // namespace

Result<Comparison> compare_servers(const Options& options, const Surroundings& surroundings,
                                   Watcher& watcher) {
  return Comparing(options, surroundings, watcher).go();
}

}  // namespace phoenix::bench::compare
