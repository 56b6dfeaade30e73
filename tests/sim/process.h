// The whole server as one process of a simulated world: cores, sessions, log. Booted and driven
// turn by turn, in the order that the world's seed chooses.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/commands/table.h"
#include "phoenix/io/host.h"
#include "phoenix/server/core.h"
#include "phoenix/sim/host.h"
#include "phoenix/sim/ring.h"
#include "phoenix/sim/world.h"

namespace phoenix::simtest {

inline constexpr std::uint16_t kPort = 6969;
/// Where clients find the server.
inline io::Endpoint endpoint() {
  io::Endpoint endpoint;
  endpoint.address = "127.0.0.1";
  endpoint.port = kPort;
  return endpoint;
}

/// Small segments, so that a short run rotates.
server::Config small_config(unsigned cores);

class Process final {
 public:
  Process(sim::World& world, server::Config config);
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  /// Before the boot: all changes of keys are published.
  void tell_changes_of_keys();
  /// Boots. False when the world went down meanwhile, or the server refused (see refusal()).
  bool boot();
  const std::string& refusal() const { return refusal_; }
  const std::string& failure() const { return failure_.message(); }

  /// Lets one thing happen: a turn of a core, or time passes up to `until_ns`. False when the world
  /// is down or nothing is left to happen before then.
  bool step(std::uint64_t until_ns);
  /// Steps until `done` or the world is down or `within_ns` have passed. True when done.
  bool run_until(const std::function<bool()>& done, std::uint64_t within_ns);

  /// As SIGTERM does. True when all cores ended as they should.
  bool stop();

  server::Shared& shared() { return shared_; }
  const server::Config& config() const { return config_; }
  /// The latest wall-clock time that the server can have seen: clocks step back, too.
  std::int64_t highest_wall_ms() const { return highest_wall_ms_; }

 private:
  bool run_phase(server::Phase phase);
  void note_time();

  sim::World& world_;
  server::Config config_;
  commands::Table table_;
  sim::Host host_;
  sim::Failure failure_;
  server::Shared shared_;
  std::vector<std::unique_ptr<sim::Ring>> rings_;
  std::vector<std::unique_ptr<server::Core>> cores_;
  bool is_serving_ = false;
  std::int64_t highest_wall_ms_ = 0;
  std::string refusal_;
};

}  // namespace phoenix::simtest
