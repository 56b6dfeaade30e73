#include "phoenix/server/core.h"

#include <algorithm>
#include <atomic>

#include "phoenix/base/check.h"

namespace phoenix::server {

Core::Core(unsigned index, Shared& shared, const CoreEnvironment& environment)
    : index_(index),
      shared_(shared),
      environment_(environment),
      io_(environment.ring, environment.clock),
      metrics_(shared.metrics[index]),
      chunks_(buffers_),
      facts_(shared, metrics_, environment.ring, environment.host, environment.clock),
      slow_log_(shared.slow_log_ids),
      slow_watch_(environment.clock, slow_log_, latency_),
      completions_(kCompletionsPerTurn) {
  buffers_.receive = environment.ring.buffer_bytes();
  shared.doors[index].wake_handle = environment.ring.wake_handle();
  control_.settings = &shared.settings;
  control_.facts = &facts_;
  control_.slow_log = &slow_log_;
  control_.latency = &latency_;
  control_.cores = shared.cores();
}

// The log and the sessions hold coroutines that wait in io_.
Core::~Core() {
  closing_ = {};
  router_.reset();
  messaging_.reset();
  connections_.reset();
  log_.reset();
}

void Core::turn() {
  const std::size_t count = wait();
  now_ns_ = environment_.clock.monotonic_ns();
  apply_settings();
  shard_->advance_time(environment_.clock.wall_ms());
  for (std::size_t i = 0; i < count; ++i) dispatch(completions_[i]);
  io_.timers().run_due(now_ns_);
  const bool ticks = now_ns_ >= next_tick_ns_;
  const bool can_go_on = shard_->long_jobs().begin_turn();
  if (ticks) {
    shard_->long_jobs().tick();
    connections_->tick();
    facts_.tick(now_ns_, index_ == 0);
    next_tick_ns_ = now_ns_ + kTickNs;
  }
  TurnWork& work = router_->work();
  work.begin();
  const bool has_others = shared_.cores() > 1;
  if (has_others) messaging_->receive();
  work.grant(kHopWorkPerTurn);
  const bool has_mail = has_others && router_->receive_hops();
  messaging_->clients().end_pause_when_due(now_ns_);
  if (count > 0 || ticks || has_mail || can_go_on) {
    connections_->retry_waiting();
    router_->retry_slices();
  }
  serve_requests();
  stop_when_asked();
  step_long_requests();
  if (shard_->keyspace().has_more_to_free()) shard_->keyspace().free_some(kFreeWorkPerTurn);
  if (!closing_.valid()) {
    expire();
    log_->seal(shard_->now_ms());
  }
  const log::Position committed = log_->commit_position();
  if (committed != committed_) {
    committed_ = committed;
    slow_watch_.keep_commit(log_->commit_ns_last(), shard_->now_ms());
  }
  messaging_->deliver(committed, work);
  if (has_others) messaging_->post([this](unsigned core) { router_->hops().note_posted(core); });
  facts_.publish_counts();
  router_->gatherings().end_waits(now_ns_, committed);
  if (has_others) router_->hops().post(committed);
  connections_->end_turn(committed);
  publish_metrics();
}

std::size_t Core::wait() {
  std::uint64_t deadline = deadline_ns();
  CoreDoor& door = shared_.doors[index_];
  if (shared_.cores() > 1 && deadline > 0) {
    door.is_asleep.store(true, std::memory_order_relaxed);
    // Ordered against HopTransport::post: who pushed before this sees the flag, or is seen here.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    if (router_->hops().has_mail() || messaging_->has_mail()) deadline = 0;
  }
  const std::size_t count = environment_.ring.run_once(completions_, deadline);
  // Without completions it may be about to wait again: a wake too many is harmless.
  if (shared_.cores() > 1 && count > 0) door.is_asleep.store(false, std::memory_order_relaxed);
  return count;
}

std::uint64_t Core::deadline_ns() const {
  const bool goes_on = shard_->keyspace().has_more_to_free() || shard_->long_jobs().goes_on();
  if (goes_on || connections_->has_ready() || router_->has_work_left()) return 0;
  if (messaging_->has_work_left(log_->commit_position())) return 0;
  std::uint64_t deadline = std::min(next_tick_ns_, io_.next_deadline_ns());
  const std::uint64_t paused_until_ns = messaging_->clients().paused_until_ns();
  if (paused_until_ns != 0) deadline = std::min(deadline, paused_until_ns);
  deadline = std::min(deadline, router_->gatherings().next_wait_ns());
  if (expire_at_ns_ != 0) deadline = std::min(deadline, expire_at_ns_);
  return deadline;
}

void Core::dispatch(const io::Completion& completion) {
  switch (io::token_kind(completion.token)) {
    case io::TokenKind::ignored:
      break;
    case io::TokenKind::waiter:
      io_.complete(completion);
      break;
    case io::TokenKind::accept:
      connections_->on_accept(completion);
      break;
    case io::TokenKind::receive:
      connections_->on_receive(completion);
      break;
    case io::TokenKind::send:
      connections_->on_send(completion);
      break;
  }
}

// Those that take long come last, so that nobody waits for more than one of them; but one of them
// is served in every turn.
void Core::serve_requests() {
  TurnWork& work = router_->work();
  work.grant(kSessionWorkPerTurn);
  while (!work.is_spent() && serve_batch(false)) {
  }
  work.grant(1);
  while (!work.is_spent() && serve_batch(true)) {
  }
}

// What goes on over several turns.
void Core::step_long_requests() {
  TurnWork& work = router_->work();
  const std::size_t work_max = shared_.config.bounds.list_work_per_turn_max;
  if (router_->has_slices()) {
    work.grant(kListWorkPerTurn);
    work.limit(work_max);
    router_->step_slices();
  }
  work.grant(kListWorkPerTurn);
  work.limit(work_max);
  router_->listings().step(now_ns_);
}

// False when no session is left that is ready.
bool Core::serve_batch(bool takes_long) {
  TurnWork& work = router_->work();
  batch_.work_max = work.left();
  batch_.takes_long = takes_long;
  while (batch_.has_room()) {
    Session* const session = connections_->take_ready(takes_long);
    if (session == nullptr) break;
    decode_from(*session);
  }
  if (!batch_.requests.empty()) router_->run(batch_);
  chunks_.set_memory_full(shard_->budget().is_full());  // Before the next ones answer more.
  for (auto* session : deferred_) connections_->make_ready(*session);
  const bool has_more = !batch_.requests.empty() || !deferred_.empty();
  deferred_.clear();
  work.take(std::max(batch_.work(), kWorkPerWord));
  batch_.clear();
  return has_more;
}

void Core::decode_from(Session& session) {
  connections_->touch(session);
  while (true) {
    if (session.ignores_input || session.listing) return;
    if (session.is_waiting_for_room || session.is_paused || session.awaits_core) return;
    if (session.output.full()) return;  // Ready again when something was sent.
    const Session::Decoded decoded = session.decode(shared_.table, batch_);
    // What ends the input must not overtake the requests before it.
    const bool must_wait = session.requests_in_batch > 0;
    if (decoded == Session::Decoded::request) {
      session.partial_since_ns = 0;
    } else if (decoded == Session::Decoded::no_room) {
      deferred_.push_back(&session);
      return;
    } else if (decoded == Session::Decoded::takes_long) {
      session.takes_long = true;
      deferred_.push_back(&session);
      return;
    } else if (decoded == Session::Decoded::in_slices) {
      router_->begin_in_slices(session.request_in_slices(shared_.table));
    } else if (decoded == Session::Decoded::broken) {
      if (must_wait) {
        deferred_.push_back(&session);
      } else {
        const auto& broken = session.broken();
        connections_->refuse(session, broken.id, broken.status, broken.text);
      }
      return;
    } else {
      if (session.peer_has_ended) {
        if (must_wait) {
          deferred_.push_back(&session);
        } else {
          connections_->end_input(session);
        }
      } else if (!session.has_partial_input()) {
        session.partial_since_ns = 0;
      } else if (session.partial_since_ns == 0) {
        session.partial_since_ns = now_ns_;
      }
      return;
    }
  }
}

void Core::expire() {
  // While clients are paused the data stays as it is: what has expired is hidden, and goes later.
  if (messaging_->clients().paused_until_ns() != 0) {
    expire_at_ns_ = 0;
    return;
  }
  if (expire_at_ns_ != 0 && expire_at_ns_ > now_ns_) {
    // Keys may have been given a nearer expiry since: look again at each tick at the latest.
    expire_at_ns_ = std::min(expire_at_ns_, next_tick_ns_);
    if (expire_at_ns_ > now_ns_) return;
  }
  // With DEBUG SET-ACTIVE-EXPIRE 0 only what somebody has found to be expired goes.
  const bool is_off = shared_.settings.get(commands::Setting::active_expiry) == 0;
  const std::int64_t due_ms = is_off ? shard_->expiry_seen_ms() : shard_->now_ms();
  if (!shard_->keyspace().has_expiry_nodes() || due_ms == 0) {
    expire_at_ns_ = 0;
    return;
  }
  const std::size_t before = shard_->keyspace().size();
  const std::int64_t next_ms = shard_->remove_expired(kExpiryNodesPerTurn, due_ms);
  metrics_.expired.add(before - shard_->keyspace().size());
  expire_at_ns_ = is_off ? 0 : next_tick_ns_;
  if (next_ms == 0 || is_off) return;
  const auto in_ms =
      static_cast<std::uint64_t>(std::max<std::int64_t>(next_ms - shard_->now_ms(), 0));
  constexpr std::uint64_t kFarMs = 1000;
  expire_at_ns_ = std::min(expire_at_ns_, now_ns_ + std::min(in_ms, kFarMs) * kNanosPerMs);
}

void Core::stop_when_asked() {
  if (shared_.stops.load(std::memory_order_relaxed) && !stops_) {
    stops_ = true;
    stop_deadline_ns_ = now_ns_ + kShutdownNs + kShutdownDiskNs;
    connections_->stop(now_ns_ + kShutdownNs);
  }
  if (!stops_) return;
  messaging_->clients().unpause();  // Also what was received before the stop, and only now run.
  // Once it is being closed only the disk can hold it up: the segments in the making, too.
  const bool waits_for_disk = closing_.valid() ? !closing_.done() : !log_->idle();
  if (now_ns_ > stop_deadline_ns_ && waits_for_disk) {
    environment_.failure.raise(
        "the disk has not completed within 15 s what was accepted before the stop: what was not "
        "acknowledged may or may not be there after a restart");
  }
  if (!is_drained_ && connections_->empty()) {
    is_drained_ = true;
    shared_.cores_drained.fetch_add(1);
  }
  // The others may still need this shard until the last of them is drained.
  const bool all_drained = shared_.cores_drained.load() == shared_.cores();
  if (all_drained && !router_->hops().has_hops() && !closing_.valid()) {
    stop_deadline_ns_ = std::max(stop_deadline_ns_, now_ns_ + kShutdownDiskNs);
    closing_ = log_->close(shard_->now_ms());
    closing_.start();
  }
}

// What CONFIG has changed since the last turn.
void Core::apply_settings() {
  const commands::Settings& settings = shared_.settings;
  const std::uint64_t version = settings.version();
  if (version == settings_version_) [[likely]]
    return;
  settings_version_ = version;
  password_ = settings.password();
  if (password_.empty()) connections_->authenticate_all();
  slow_watch_.apply(settings);
  const auto memory = static_cast<std::uint64_t>(settings.get(commands::Setting::memory_bytes_max));
  shard_->set_memory_share(share_of(memory, index_, shared_.cores()));
  shard_->set_lacks_replicas(settings.lacks_replicas());
  messaging_->apply(settings);
  expire_at_ns_ = 0;  // What removes expired keys may be another thing now.
}

void Core::publish_metrics() {
  const MemoryBudget& budget = shard_->budget();
  buffers_.log = log_->buffer_bytes();
  chunks_.set_memory_full(budget.is_full());
  metrics_.turns.add(1);
  metrics_.memory_bytes.set(budget.memory_bytes());
  metrics_.buffer_bytes.set(budget.buffer_bytes());
  metrics_.commit_position.set(log_->commit_position());
  constexpr std::uint64_t kRarely = 64;  // What costs more is told less often.
  if (metrics_.turns.get() % kRarely != 0 && next_tick_ns_ != now_ns_ + kTickNs) return;
  const log::LogStatistics log = log_->statistics();
  metrics_.expiry_lag_ms.set(
      static_cast<std::uint64_t>(shard_->keyspace().expiry_lag_ms(shard_->now_ms())));
  metrics_.log_batches.set(log.batches);
  metrics_.log_records.set(log.records);
  metrics_.log_written_bytes.set(log.written_bytes);
  metrics_.log_bytes.set(log.log_bytes);
  metrics_.log_segments.set(log.segments);
  metrics_.commit_ns_last.set(log.commit_ns_last);
  metrics_.commit_ns_max.set(log.commit_ns_max);
}

}  // namespace phoenix::server
