// One life of a process that keeps a map in the log: what a server does with Store and Log, without
// anything else. All its cores share one ring and one context of the simulated world.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "phoenix/io/context.h"
#include "phoenix/log/log.h"
#include "phoenix/log/store.h"
#include "phoenix/sim/host.h"
#include "phoenix/sim/ring.h"
#include "phoenix/sim/world.h"

namespace phoenix::log_test {

inline constexpr const char* kDirectory = "/data";

/// Small segments, so that a short run rotates often.
log::Options small_options();

struct Value {
  std::string bytes;
  engine::ExpiryMs expires_at_ms = engine::kNoExpiry;
  bool operator==(const Value&) const = default;
};
using Map = std::map<std::string, Value>;

/// As the engine does it: a gap becomes zeros.
void write_part(std::string& value, std::size_t offset, std::string_view part);

class Process final {
 public:
  Process(sim::World& world, const log::Options& options, unsigned cores);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  /// All phases, up to serving. An error when a phase fails; also when the world went down.
  Result<void> start();
  /// The phases one by one.
  Result<void> open();
  Result<void> replay();
  Result<void> begin_epoch();
  Result<void> start_logs();
  Result<void> rewrite();
  Result<void> retire();

  struct Written {
    unsigned core = 0;
    log::Position position = 0;
  };
  /// Applies a change in memory and in the open batch. Waits for room if it must; nullopt when the
  /// disk is full or the world went down.
  std::optional<Written> put(const std::string& key, const std::string& value,
                             engine::ExpiryMs expires_at_ms = engine::kNoExpiry);
  std::optional<Written> erase(const std::string& key);
  /// Writes over a part of a value that is there, which may grow.
  std::optional<Written> patch(const std::string& key, std::size_t offset, const std::string& part);
  /// Removes all keys of a core.
  std::optional<Written> clear(unsigned core);
  std::optional<Written> set_expiry(const std::string& key, engine::ExpiryMs expires_at_ms);

  /// The end of a turn of every core.
  void seal();
  /// One turn of the ring; false when the world is down.
  bool turn();
  /// Seals and turns until everything is durable.
  bool settle();
  bool is_durable(const Written& written) const;
  /// Lets time pass, sealing at the end of each turn as a server does.
  void pass(std::uint64_t duration_ns);
  void close();

  bool down() const { return world_.down(); }
  log::Log& log(unsigned core) { return *logs_[core]; }
  log::Store& store() { return *store_; }
  io::Context& io() { return io_; }
  sim::World& world() { return world_; }
  const Map& map() const { return map_; }
  const log::SlotMap& slots() const { return store_->slots(); }
  const std::string& failure() const { return failure_.message(); }
  /// Records that came from the log of another core than their key's.
  std::uint64_t misplaced_records() const { return misplaced_records_; }
  bool failed() const { return failure_.process_failed(); }

  unsigned core_of(const std::string& key) const;

  /// Runs a task of this process to its end; false when the world went down before.
  template <typename T>
  bool finish(io::Task<T>& task) {
    task.start();
    while (!task.done() && !world_.down()) io_.run_one_turn();
    return task.done();
  }

 private:
  class Sink;

  bool reserve(unsigned core, std::uint64_t payload_bytes, bool is_delete);
  Written emit(unsigned core, const engine::Effect& effect);
  Result<void> run(io::Task<Result<void>> task);
  io::Task<void> sleep(std::uint64_t until_ns);

  sim::World& world_;
  log::Options options_;
  unsigned cores_;
  sim::Ring ring_;
  sim::Host host_;
  sim::Failure failure_;
  io::Context io_;
  std::unique_ptr<log::Store> store_;
  std::vector<std::unique_ptr<log::Log>> logs_;
  Map map_;
  std::uint64_t misplaced_records_ = 0;
};

}  // namespace phoenix::log_test
