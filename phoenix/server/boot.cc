// The phases of a core's start. What must be told about them is in log/store.h.
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "phoenix/base/check.h"
#include "phoenix/server/core.h"

namespace phoenix::server {
namespace {

// Puts what it visits into another keyspace, with nothing told to anybody.
class EntryMover final : public engine::EntryVisitor {
 public:
  explicit EntryMover(engine::Keyspace& target) : target_(target) {}

  void visit(const engine::EntryView& entry) override {
    engine::Effect effect{.key = entry.key, .hash = target_.hash_of(entry.key), .value = {}};
    effect.value = entry.large != nullptr ? engine::NewValue::adopt(*entry.large)
                                          : engine::NewValue::copy_of(entry.value);
    effect.expires_at_ms = entry.expires_at_ms;
    target_.apply(effect, entry.position);
  }

 private:
  engine::Keyspace& target_;
};

// Feeds what replay finds to the keyspace, with the look-ups of a batch prefetched. When the number
// of cores has changed, the logs of several former cores come one after the other; each but the
// first is replayed into a keyspace of its own, so that a CLEAR takes nothing from the others.
class KeyspaceReplay final : public log::ReplaySink {
 public:
  KeyspaceReplay(engine::Keyspace& keyspace, const HashKey& hash_key, engine::EffectSink& sink,
                 engine::LargeMeterRef meter)
      : keyspace_(keyspace), hash_key_(hash_key), sink_(sink), meter_(std::move(meter)) {}

  void begin_log() override {
    end();
    if (keyspace_.size() == 0) return;
    own_ = std::make_unique<engine::Keyspace>(hash_key_, sink_, meter_);
  }

  void replay(std::span<const log::ReplayRecord> records) override {
    engine::Keyspace& keyspace = own_ ? *own_ : keyspace_;
    hashes_.clear();
    for (const auto& record : records) {
      hashes_.push_back(keyspace.hash_of(record.effect.key));
      keyspace.prefetch_index(hashes_.back());
    }
    for (const auto hash : hashes_) keyspace.prefetch_entry(hash);
    for (std::size_t i = 0; i < records.size(); ++i) {
      engine::Effect effect = records[i].effect;
      effect.hash = hashes_[i];
      keyspace.apply(effect, records[i].position);
    }
    keyspace.free_some(kFreeWorkPerTurn);
  }

  /// All is where it belongs, and nothing is left of what was cleared.
  void end() {
    if (own_) {
      EntryMover mover(keyspace_);
      engine::ScanCursor cursor = 0;
      constexpr std::int64_t kBeforeAnyExpiry = 0;
      do {
        cursor = own_->scan(cursor, kRewriteSliceEntries, kBeforeAnyExpiry, mover);
      } while (cursor != 0);
      own_.reset();
    }
    while (keyspace_.free_some(kFreeWorkPerTurn)) {
    }
  }

 private:
  engine::Keyspace& keyspace_;
  const HashKey& hash_key_;
  engine::EffectSink& sink_;
  engine::LargeMeterRef meter_;
  std::unique_ptr<engine::Keyspace> own_;
  std::vector<std::uint64_t> hashes_;
};

// The entries of a slice of the keyspace, copied, so that they can be put while it changes.
class EntryCollector final : public engine::EntryVisitor {
 public:
  struct Entry {
    std::string key;
    std::string value;
    engine::LargeValueRef large;
    engine::ExpiryMs expires_at_ms = engine::kNoExpiry;
  };

  void visit(const engine::EntryView& view) override {
    Entry& entry = entries.emplace_back();
    entry.key = view.key;
    entry.expires_at_ms = view.expires_at_ms;
    if (view.large != nullptr) {
      entry.large = *view.large;
    } else {
      entry.value = view.value;
    }
  }
  std::vector<Entry> entries;
};

// Room in the new log for an entry that goes into it again.
log::Reservation reserve_for(const EntryCollector::Entry& entry, log::Log& log) {
  const std::uint64_t value_bytes = entry.large ? entry.large->size_bytes() : entry.value.size();
  return log.reserve(entry.key.size() + value_bytes, 1, false);
}

// Names this run of the server: 40 hexadecimal digits, as Redis has them.
std::string draw_run_id(Random& random) {
  std::string id;
  while (id.size() < 40) id += fmt::format("{:08x}", static_cast<std::uint32_t>(random.next()));
  return id;
}

}  // namespace

io::Task<Result<void>> Core::run_phase(Phase phase) {
  const bool is_first = index_ == 0;
  switch (phase) {
    case Phase::open: {
      auto listening = listen_on_core_port();
      if (!listening || !is_first) co_return listening;
      listening = listen_first();
      if (!listening) co_return listening;
      auto store = co_await log::Store::open(io_, environment_.host, environment_.random,
                                             shared_.config.log, shared_.cores());
      if (!store) co_return tl::unexpected<Error>(std::move(store.error()));
      shared_.store = std::move(*store);
      co_return Result<void>();
    }
    case Phase::replay: {
      auto result = co_await replay();
      co_return result;
    }
    case Phase::begin_epoch: {
      if (!is_first) co_return Result<void>();
      auto result = co_await shared_.store->begin_epoch(io_);
      co_return result;
    }
    case Phase::start_log: {
      auto result = co_await start_log();
      co_return result;
    }
    case Phase::retire: {
      if (!is_first) co_return Result<void>();
      auto result = co_await shared_.store->retire(io_);
      co_return result;
    }
    case Phase::serve:
      co_return serve();
  }
  PHX_CHECK(false);
}

Result<void> Core::listen(const io::Endpoint& endpoint) {
  auto listener = environment_.host.listen(endpoint);
  if (!listener) return tl::unexpected<Error>(std::move(listener.error()));
  listeners_.push_back(*listener);
  return {};
}

// Before the data directory is touched: a port in use ends the start at once.
Result<void> Core::listen_first() {
  for (const auto& address : shared_.config.bind) {
    const std::uint16_t known_port = shared_.port.load();
    io::Endpoint endpoint;
    endpoint.address = address;
    endpoint.port = known_port != 0 ? known_port : shared_.config.port;
    auto listening = listen(endpoint);
    if (!listening) return listening;
    const std::uint16_t port = environment_.host.bound_port(listeners_.back());
    shared_.port = port != 0 ? port : endpoint.port;
  }
  tell_port(shared_.port.load(), shared_.settings);
  if (shared_.config.unix_path.empty()) return {};
  io::Endpoint endpoint;
  endpoint.unix_path = shared_.config.unix_path;
  return listen(endpoint);
}

Result<void> Core::listen_on_core_port() {
  if (shared_.config.core_port_base == 0) return {};
  for (const auto& address : shared_.config.bind) {
    io::Endpoint endpoint;
    endpoint.address = address;
    endpoint.port = static_cast<std::uint16_t>(shared_.config.core_port_base + index_);
    auto listening = listen(endpoint);
    if (listening) continue;
    listening.error().message += fmt::format("; this is --core-port-base for core {}", index_);
    return listening;
  }
  return {};
}

io::Task<Result<void>> Core::replay() {
  const MemoryShare share = share_of(shared_.config.memory_bytes_max, index_, shared_.cores());
  shard_ = std::make_unique<Shard>(shared_.table, shared_.store->hash_key(), buffers_, share);
  shard_->set_control(control_);
  facts_.watch(*shard_);
  KeyspaceReplay sink(shard_->keyspace(), shared_.store->hash_key(), *shard_, buffers_.large);
  auto result = co_await shared_.store->replay(io_, index_, sink);
  sink.end();
  shared_.store->note_live_bytes(index_, shard_->keyspace().used_bytes());
  co_return result;
}

io::Task<Result<void>> Core::start_log() {
  log_ = std::make_unique<log::Log>(io_, *shared_.store, environment_.host, environment_.failure,
                                    index_);
  auto started = co_await log_->start();
  if (!started) co_return started;
  shard_->attach(*log_, shared_.config);
  shard_->advance_time(shared_.store->stamp_high_water_ms());
  shard_->advance_time(environment_.clock.wall_ms());
  if (!shared_.store->rewrites()) co_return Result<void>();
  auto rewritten = co_await rewrite();
  co_return rewritten;
}

// Every live key goes into the new log, which must be durable before the old ones may go.
io::Task<Result<void>> Core::rewrite() {
  engine::ScanCursor cursor = 0;
  do {
    EntryCollector slice;
    cursor = shard_->keyspace().scan(cursor, kRewriteSliceEntries, shard_->now_ms(), slice);
    for (const auto& entry : slice.entries) {
      auto reservation = reserve_for(entry, *log_);
      while (reservation == log::Reservation::wait) {
        log_->seal(shard_->now_ms());
        const std::uint64_t soon_ns = environment_.clock.monotonic_ns() + kNanosPerMs;
        co_await io_.sleep_until(soon_ns);
        reservation = reserve_for(entry, *log_);
      }
      if (reservation == log::Reservation::disk_full) {
        co_return shared_.store->rewrite_has_no_room();
      }
      const engine::Key key{entry.key, shard_->keyspace().hash_of(entry.key)};
      const engine::NewValue value = entry.large ? engine::NewValue::adopt(entry.large)
                                                 : engine::NewValue::copy_of(entry.value);
      const bool drops_expiry = shared_.config.mutations.rewrite_drops_expiries;
      shard_->keyspace().put(key, value, drops_expiry ? engine::kNoExpiry : entry.expires_at_ms);
    }
    log_->seal(shard_->now_ms());
  } while (cursor != 0);
  while (!log_->idle()) {
    log_->seal(shard_->now_ms());
    log_->sync_soon();
    const std::uint64_t soon_ns = environment_.clock.monotonic_ns() + kNanosPerMs;
    co_await io_.sleep_until(soon_ns);
  }
  co_return Result<void>();
}

Result<void> Core::serve() {
  if (index_ == 0) {
    shared_.started_ms = environment_.clock.wall_ms();
    shared_.run_id = draw_run_id(environment_.random);
  } else {
    for (const auto& address : shared_.config.bind) {
      io::Endpoint endpoint;
      endpoint.address = address;
      endpoint.port = shared_.port.load();
      auto listening = listen(endpoint);
      if (!listening) return listening;
    }
  }
  connections_ = std::make_unique<Connections>(io_, shared_, metrics_, chunks_, shard_->budget());
  messaging_ = std::make_unique<Messaging>(
      Messaging::Parts{index_, shared_, *shard_, *connections_, chunks_, environment_.host,
                       environment_.clock, metrics_, control_});
  messaging_->clients().watch_batch(batch_);
  SessionActions& actions = *this;
  router_ = std::make_unique<Router>(index_, shared_, *shard_, *connections_, *messaging_, chunks_,
                                     actions, environment_.ring, metrics_, slow_watch_);
  for (const int listener : listeners_) connections_->serve(listener);
  return {};
}

}  // namespace phoenix::server
