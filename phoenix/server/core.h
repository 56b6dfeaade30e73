// One core: a thread's ring, its shard, its sessions, and the turn that drives them. Nothing here
// waits; a turn takes what has completed, does all the work that it brought, commits once, sends
// once per session, and gives the thread back to the ring.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/io/context.h"
#include "phoenix/io/host.h"
#include "phoenix/io/task.h"
#include "phoenix/log/log.h"
#include "phoenix/server/connections.h"
#include "phoenix/server/facts.h"
#include "phoenix/server/messaging.h"
#include "phoenix/server/router.h"
#include "phoenix/server/shard.h"
#include "phoenix/server/shared.h"

namespace phoenix::server {

/// What a core runs on: the real machine, or the simulated one.
struct CoreEnvironment {
  io::Ring& ring;
  const Clock& clock;
  io::Host& host;
  io::Failure& failure;
  Random& random;
};

/// The start, in phases that all cores finish before the next begins. See log::Store.
enum class Phase : std::uint8_t { open, replay, begin_epoch, start_log, retire, serve };
inline constexpr std::array<Phase, 6> kPhases{Phase::open,      Phase::replay, Phase::begin_epoch,
                                              Phase::start_log, Phase::retire, Phase::serve};

class Core final : private SessionActions {
 public:
  Core(unsigned index, Shared& shared, const CoreEnvironment& environment);
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;
  ~Core() override;

  io::Context& io() { return io_; }

  /// This core's part of a phase; nothing to do is done at once.
  io::Task<Result<void>> run_phase(Phase phase);

  /// One round, after the last phase.
  void turn();

  /// After Shared::stops: everything that was accepted is answered and durable.
  bool is_done() const { return closing_.done(); }
  /// And then: nothing is counted any more of what sessions held. A long job that nobody asks for
  /// any more, since its client has gone, holds its block for two more seconds.
  bool has_given_back() const {
    return buffers_.input == 0 && buffers_.output == chunks_.memory_bytes() &&
           buffers_.channels == messaging_->held_bytes() &&
           (buffers_.large->bytes() == shard_->keyspace().large_value_bytes() ||
            !shard_->long_jobs().empty());
  }

 private:
  io::Task<Result<void>> replay();
  io::Task<Result<void>> start_log();
  io::Task<Result<void>> rewrite();
  Result<void> listen(const io::Endpoint& endpoint);
  Result<void> listen_first();
  Result<void> listen_on_core_port();
  Result<void> serve();

  std::size_t wait();
  std::uint64_t deadline_ns() const;
  void dispatch(const io::Completion& completion);
  void serve_requests();
  void step_long_requests();
  bool serve_batch(bool takes_long);
  void decode_from(Session& session);
  void expire();
  void stop_when_asked();
  void publish_metrics();

  AuthResult authenticate(std::string_view password) override;
  void close_after_reply() override;
  void cut_off() override;
  void hello(commands::ReplySink& reply) override;
  commands::Client& client() override;
  bool is_authenticated() const override;
  Wire wire() const override;
  void set_wire(Wire wire) override;
  void reset() override;
  void describe(std::string& line) override;
  void monitor() override;
  void apply_settings() override;
  Subscribed subscribe(commands::ChannelKind kind, std::string_view name) override;
  void unsubscribe(commands::ChannelKind kind, std::string_view name) override;
  std::size_t subscriptions(commands::ChannelKind kind) const override;
  std::string_view first_subscription(commands::ChannelKind kind) const override;

  unsigned index_;
  Shared& shared_;
  CoreEnvironment environment_;
  io::Context io_;
  Metrics& metrics_;
  BufferBytes buffers_;
  ChunkPool chunks_;
  ServerFacts facts_;
  commands::SlowLog slow_log_;
  commands::Latency latency_;
  SlowWatch slow_watch_;
  commands::CoreControl control_;
  std::unique_ptr<Shard> shard_;
  std::unique_ptr<log::Log> log_;
  std::unique_ptr<Connections> connections_;
  std::unique_ptr<Messaging> messaging_;
  std::unique_ptr<Router> router_;
  std::vector<int> listeners_;
  RequestBatch batch_;
  std::vector<Session*> deferred_;  // Have more input than the batch may take now.
  std::vector<io::Completion> completions_;
  std::uint64_t now_ns_ = 0;
  std::uint64_t next_tick_ns_ = 0;
  std::uint64_t expire_at_ns_ = 0;  // 0: nothing will expire.
  bool stops_ = false;
  std::uint64_t stop_deadline_ns_ = 0;
  bool is_drained_ = false;
  io::Task<void> closing_;
  std::uint64_t settings_version_ = 0;
  std::string password_;  // As the settings of this version have it.
  log::Position committed_ = 0;
};

}  // namespace phoenix::server
