// A shard with a real log on a simulated disk, and requests given as text.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <string_view>

#include "phoenix/io/context.h"
#include "phoenix/log/log.h"
#include "phoenix/log/store.h"
#include "phoenix/server/command_meter.h"
#include "phoenix/server/shard.h"
#include "phoenix/sim/host.h"
#include "phoenix/sim/ring.h"
#include "phoenix/sim/world.h"
#include "tests/unit/commands/harness.h"

namespace phoenix::server::test {

struct Answer {
  Shard::Verdict verdict = Shard::Verdict::execute;
  std::string text;  // Empty when it has to wait.
  log::Position position = 0;
};

class ShardWorld final {
 public:
  explicit ShardWorld(log::Durability durability = log::Durability::always,
                      const Mutations& mutations = {}, const sim::FaultPlan& plan = {});
  ShardWorld(const ShardWorld&) = delete;
  ShardWorld& operator=(const ShardWorld&) = delete;
  ~ShardWorld();

  /// Admits and executes one request, as the router does.
  Answer run(const std::vector<std::string_view>& words, std::uint16_t flags = 0);
  Answer operator()(std::string_view line, std::uint16_t flags = 0) {
    return run(commands::test::words_of(line), flags);
  }
  /// As operator(), where only what the reply waits for matters.
  log::Position position_of(std::string_view line, std::uint16_t flags = 0) {
    return operator()(line, flags).position;
  }

  /// The end of a turn: what was emitted is on its way.
  void seal() { log_->seal(shard_->now_ms()); }
  /// One turn of the ring.
  void turn() {
    shard_->long_jobs().begin_turn();
    io_.run_one_turn();
  }
  /// Until everything is durable.
  void settle();
  void pass_ms(std::int64_t ms) { shard_->advance_time(shard_->now_ms() + ms); }

  Shard& shard() { return *shard_; }
  CommandMeter& meter() { return meter_; }
  const commands::Table& table() const { return table_; }
  BufferBytes& buffers() { return buffers_; }
  log::Log& log() { return *log_; }
  /// A key that is told apart from `key` where positions of reads are kept.
  std::string key_apart_from(std::string_view key) const;

 private:
  template <typename T>
  void finish(io::Task<T>& task) {
    task.start();
    io_.run_until([&task] { return task.done(); });
  }
  void start();

  sim::World world_;
  sim::Ring ring_;
  sim::Host host_;
  sim::Failure failure_;
  io::Context io_;
  Config config_;
  commands::Table table_;
  commands::test::TextSink reply_;
  commands::test::FakeSession session_;
  Metrics metrics_;
  std::atomic<std::int64_t> slow_log_ids_{0};
  commands::SlowLog slow_log_{slow_log_ids_};
  commands::Latency latency_;
  SlowWatch slow_watch_{world_.clock(), slow_log_, latency_};
  CommandMeter meter_{metrics_, nullptr, slow_watch_};
  BufferBytes buffers_;
  commands::test::FakeFacts facts_;
  commands::Settings settings_;
  commands::CoreControl control_;
  std::unique_ptr<log::Store> store_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<log::Log> log_;
};

/// A command's row, which must be there.
const commands::Command& row_of(const commands::Table& table, std::string_view name);

}  // namespace phoenix::server::test
