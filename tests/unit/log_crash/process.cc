#include "tests/unit/log_crash/process.h"

#include <algorithm>
#include <set>

#include "phoenix/base/check.h"

namespace phoenix::log_test {

log::Options small_options() {
  log::Options options;
  options.directory = kDirectory;
  options.segment_bytes_min = std::uint64_t{32} << 10U;
  options.segment_bytes_max = std::uint64_t{128} << 10U;
  options.disk_reserve_bytes = 0;
  return options;
}

void write_part(std::string& value, std::size_t offset, std::string_view part) {
  if (value.size() < offset + part.size()) value.resize(offset + part.size());
  value.replace(offset, part.size(), part);
}

/// Applies effects as the engine does: what replay must arrive at.
class Process::Sink final : public log::ReplaySink {
 public:
  Sink(Process& process, unsigned core) : process_(process), core_(core) {}

  void begin_log() override { of_log_.clear(); }

  void replay(std::span<const log::ReplayRecord> records) override {
    Map& map = process_.map_;
    for (const auto& record : records) {
      const engine::Effect& effect = record.effect;
      PHX_CHECK(record.position.bits != 0);
      const std::string key(effect.key);
      if (effect.kind == engine::Effect::Kind::clear) {
        for (const auto& cleared : of_log_) map.erase(cleared);
        continue;
      }
      of_log_.insert(key);
      if (process_.core_of(key) != core_) ++process_.misplaced_records_;
      switch (effect.kind) {
        case engine::Effect::Kind::put:
          map[key] = {std::string(effect.value.bytes), effect.expires_at_ms};
          break;
        case engine::Effect::Kind::expiry:
          if (map.contains(key)) map[key].expires_at_ms = effect.expires_at_ms;
          break;
        case engine::Effect::Kind::patch:
          if (map.contains(key)) {
            write_part(map[key].bytes, effect.patch_offset, effect.value.bytes);
          }
          break;
        default:
          map.erase(key);
          break;
      }
    }
  }

 private:
  Process& process_;
  unsigned core_;
  std::set<std::string> of_log_;  // Keys that the log being replayed has named.
};

Process::Process(sim::World& world, const log::Options& options, unsigned cores)
    : world_(world),
      options_(options),
      cores_(cores),
      ring_(world),
      host_(world),
      failure_(world),
      io_(ring_, world.clock()) {
  ring_.set_blocking(true);
}

Process::~Process() {
  logs_.clear();
  store_.reset();
}

Result<void> Process::run(io::Task<Result<void>> task) {
  if (!finish(task)) return fail(ErrorCode::io, "the world went down");
  return task.result();
}

Result<void> Process::open() {
  auto task = log::Store::open(io_, host_, world_.random(), options_, cores_);
  if (!finish(task)) return fail(ErrorCode::io, "the world went down");
  auto store = task.result();
  if (!store) return tl::unexpected<Error>(store.error());
  store_ = std::move(*store);
  return {};
}

Result<void> Process::replay() {
  for (unsigned core = 0; core < cores_; ++core) {
    Sink sink(*this, core);
    const Result<void> result = run(store_->replay(io_, core, sink));
    if (!result) return result;
  }
  std::uint64_t live_bytes = 0;
  for (const auto& [key, value] : map_) live_bytes += key.size() + value.bytes.size();
  store_->note_live_bytes(0, live_bytes);
  return {};
}

Result<void> Process::begin_epoch() {
  return run(store_->begin_epoch(io_));
}

Result<void> Process::start_logs() {
  for (unsigned core = 0; core < cores_; ++core) {
    logs_.push_back(std::make_unique<log::Log>(io_, *store_, host_, failure_, core));
    const Result<void> result = run(logs_.back()->start());
    if (!result) return result;
  }
  return {};
}

Result<void> Process::rewrite() {
  if (!store_->rewrites()) return {};
  for (const auto& [key, value] : Map(map_)) {
    if (!put(key, value.bytes, value.expires_at_ms)) return store_->rewrite_has_no_room();
  }
  if (!settle()) return fail(ErrorCode::io, "the world went down");
  return {};
}

Result<void> Process::retire() {
  return run(store_->retire(io_));
}

Result<void> Process::start() {
  Result<void> result = open();
  if (result) result = replay();
  if (result) result = begin_epoch();
  if (result) result = start_logs();
  if (result) result = rewrite();
  if (result) result = retire();
  return result;
}

unsigned Process::core_of(const std::string& key) const {
  return store_->slots()[protocol::slot_of(key)];
}

bool Process::reserve(unsigned core, std::uint64_t payload_bytes, bool is_delete) {
  while (!world_.down()) {
    const auto answer = logs_[core]->reserve(payload_bytes, 1, is_delete);
    if (answer == log::Reservation::granted) return true;
    if (answer == log::Reservation::disk_full) return false;
    seal();
    turn();
  }
  return false;
}

Process::Written Process::emit(unsigned core, const engine::Effect& effect) {
  logs_[core]->emit(effect);
  return {core, logs_[core]->emitted_position()};
}

namespace {

engine::NewValue to_store(const std::string& bytes) {
  if (bytes.size() <= engine::kSmallValueBytesMax) return engine::NewValue::copy_of(bytes);
  auto large = std::make_shared<engine::LargeValue>();
  PHX_CHECK(large->append(bytes));
  return engine::NewValue::adopt(std::move(large));
}

}  // namespace

std::optional<Process::Written> Process::put(const std::string& key, const std::string& value,
                                             engine::ExpiryMs expires_at_ms) {
  const unsigned core = core_of(key);
  if (!reserve(core, key.size() + value.size(), false)) return std::nullopt;
  engine::Effect effect;
  effect.kind = engine::Effect::Kind::put;
  effect.key = key;
  effect.expires_at_ms = expires_at_ms;
  effect.value = to_store(value);
  map_[key] = {value, expires_at_ms};
  return emit(core, effect);
}

std::optional<Process::Written> Process::erase(const std::string& key) {
  const unsigned core = core_of(key);
  if (!reserve(core, key.size(), true)) return std::nullopt;
  engine::Effect effect;
  effect.kind = engine::Effect::Kind::erase;
  effect.key = key;
  map_.erase(key);
  return emit(core, effect);
}

std::optional<Process::Written> Process::clear(unsigned core) {
  if (!reserve(core, 0, true)) return std::nullopt;
  std::erase_if(map_, [&](const auto& item) { return core_of(item.first) == core; });
  engine::Effect effect;
  effect.kind = engine::Effect::Kind::clear;
  return emit(core, effect);
}

std::optional<Process::Written> Process::patch(const std::string& key, std::size_t offset,
                                               const std::string& part) {
  const unsigned core = core_of(key);
  if (!map_.contains(key) || !reserve(core, key.size() + part.size(), false)) return std::nullopt;
  engine::Effect effect;
  effect.kind = engine::Effect::Kind::patch;
  effect.key = key;
  effect.value = to_store(part);
  effect.patch_offset = offset;
  write_part(map_[key].bytes, offset, part);
  return emit(core, effect);
}

std::optional<Process::Written> Process::set_expiry(const std::string& key,
                                                    engine::ExpiryMs expires_at_ms) {
  const unsigned core = core_of(key);
  if (!map_.contains(key) || !reserve(core, key.size(), false)) return std::nullopt;
  engine::Effect effect;
  effect.kind = engine::Effect::Kind::expiry;
  effect.key = key;
  effect.expires_at_ms = expires_at_ms;
  map_[key].expires_at_ms = expires_at_ms;
  return emit(core, effect);
}

void Process::seal() {
  for (auto& log : logs_) log->seal(world_.clock().wall_ms());
}

bool Process::turn() {
  if (world_.down()) return false;
  io_.run_one_turn();
  return !world_.down();
}

io::Task<void> Process::sleep(std::uint64_t until_ns) {
  co_await io_.sleep_until(until_ns);
}

void Process::pass(std::uint64_t duration_ns) {
  io::Task<void> task = sleep(world_.now_ns() + duration_ns);
  task.start();
  while (!task.done() && turn()) seal();
}

bool Process::settle() {
  const auto all_idle = [&] {
    return std::all_of(logs_.begin(), logs_.end(), [](const auto& log) { return log->idle(); });
  };
  while (!all_idle()) {
    for (auto& log : logs_) log->sync_soon();
    seal();
    if (!turn()) return false;
  }
  return true;
}

bool Process::is_durable(const Written& written) const {
  return logs_[written.core]->commit_position() >= written.position;
}

void Process::close() {
  for (auto& log : logs_) {
    io::Task<void> task = log->close(world_.clock().wall_ms());
    if (!finish(task)) return;
  }
}

}  // namespace phoenix::log_test
