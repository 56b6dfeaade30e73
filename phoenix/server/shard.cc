#include "phoenix/server/shard.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/commands/channels.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/server/limits.h"

namespace phoenix::server {

using commands::Command;
using commands::Flags;
using commands::Request;
using protocol::Status;

Shard::Shard(const commands::Table& table, const HashKey& hash_key, const BufferBytes& buffers,
             const MemoryShare& share)
    : table_(table),
      keyspace_(hash_key, *this, buffers.large),
      budget_(keyspace_, buffers, share),
      large_meter_(buffers.large) {}

void Shard::attach(log::Log& log, const Config& config) {
  log_ = &log;
  durability_ = config.log.durability;
  mutations_ = config.mutations;
  if (mutations_.held_values_are_patched) keyspace_.patch_held_values();
  long_jobs_.set_slice(config.bounds.long_slice_bytes);
  note_what_may_refuse();
}

void Shard::set_memory_share(const MemoryShare& share) {
  budget_.set_share(share);
  note_what_may_refuse();
}

void Shard::set_lacks_replicas(bool lacks) {
  lacks_replicas_ = lacks;
  note_what_may_refuse();
}

void Shard::note_what_may_refuse() {
  may_refuse_ = budget_.bytes_max() != kNoLimit || lacks_replicas_;
  refused_flags_ = durability_ == log::Durability::off ? protocol::kWaitDurable : 0;
}

bool Shard::only_frees(const Command& command, const Request& request) {
  return has(command.flags, Flags::frees) ||
         (command.only_frees != nullptr && command.only_frees(request));
}

// An integer that INCR writes, or a record of an expiry, is longer than its words.
void Shard::LogNeed::add(const Command& command, const Request& request) {
  constexpr std::uint64_t kGrowthPerKey = 64;
  const auto keys = key_range(command, request.args.size()).count();
  const auto count = static_cast<std::uint32_t>(std::max<std::size_t>(keys, 1));
  for (const auto word : request.args) payload_bytes += word.size();
  payload_bytes += count * kGrowthPerKey;
  effects += count;
}

// Handlers do not see the budget: what it has no room for must not begin.
std::uint64_t Shard::memory_need(const Command& command, const Request& request,
                                 commands::ReplySink& reply) {
  if (budget_.bytes_max() == kNoLimit || command.extra_bytes == nullptr) return 0;
  if (command.grows_to == nullptr) return command.extra_bytes(context(reply), request);
  engine::EntryView entry;
  const engine::Key key{request.args[1], request.first_key_hash};
  const bool exists = keyspace_.find(key, now_ms_, entry);
  const std::uint64_t size_bytes = exists ? entry.value.size() : 0;
  // Who sends or logs a block keeps it: the entry gets another one then.
  const bool is_copied = exists && entry.large != nullptr && entry.large->use_count() > 1;
  return std::max(command.grows_to(request), size_bytes) - (is_copied ? 0 : size_bytes);
}

std::optional<Shard::Refusal> Shard::refusal(const Command& command, const Request& request,
                                             commands::ReplySink& reply) {
  if ((request.flags & refused_flags_) != 0) {
    return Refusal{
        Status::error,
        "bad flags: wait-durable on a server that keeps nothing on disk (--durability off)"};
  }
  const bool takes_memory =
      has(command.flags, Flags::denied_when_full) && !only_frees(command, request);
  const std::uint64_t more_bytes = takes_memory ? memory_need(command, request, reply) : 0;
  if (takes_memory && budget_.is_full(more_bytes)) {
    return Refusal{Status::out_of_memory, budget_.refusal(more_bytes)};
  }
  if (lacks_replicas_) return Refusal{Status::no_replicas, std::string(commands::kNoReplicas)};
  return std::nullopt;
}

bool Shard::is_under_way(const Command& command, const Request& request,
                         commands::ReplySink& reply) {
  return command.long_job != nullptr && !long_jobs_.empty() &&
         long_jobs_.has(command.long_job(context(reply), request));
}

bool Shard::has_done_ahead(const Command& command, const Request& request,
                           commands::ReplySink& reply) {
  return command.long_job == nullptr ||
         long_jobs_.advance(command.long_job(context(reply), request));
}

// Also of what publishes.
Shard::Verdict Shard::admit_read(const Command& command, const Request& request,
                                 commands::ReplySink& reply) {
  if (has(command.flags, Flags::paused_as_write)) {
    return control_->channels->has_room() ? Verdict::execute : Verdict::wait;
  }
  const commands::LongJob job = command.long_job(context(reply), request);
  // What it has taken counts already.
  if (job.reply_bytes > 0 && !long_jobs_.has(job) && budget_.is_full(job.reply_bytes)) {
    reply.error(Status::out_of_memory, budget_.refusal(job.reply_bytes));
    return Verdict::refused;
  }
  return long_jobs_.advance(job) ? Verdict::execute : Verdict::wait;
}

Shard::Verdict Shard::admit(const Command& command, const Request& request,
                            commands::ReplySink& reply) {
  constexpr Flags kMayWait = Flags::write | Flags::paused_as_write | Flags::has_long_job;
  if (!has(command.flags, kMayWait)) return Verdict::execute;
  if (!has(command.flags, Flags::write)) [[unlikely]]
    return admit_read(command, request, reply);
  // What its job has taken counts already.
  const bool may_refuse = may_refuse_ || (request.flags & refused_flags_) != 0;
  if (may_refuse && !is_under_way(command, request, reply)) {
    if (const auto refusal = this->refusal(command, request, reply)) {
      reply.error(refusal->status, refusal->text);
      return Verdict::refused;
    }
  }
  LogNeed need;
  need.add(command, request);
  if (command.extra_bytes != nullptr) {
    if (!has_done_ahead(command, request, reply)) return Verdict::wait;
    need.payload_bytes += command.extra_bytes(context(reply), request);
  }
  return reserve(need, only_frees(command, request), reply);
}

Shard::Verdict Shard::reserve(const LogNeed& need, bool frees, commands::ReplySink& reply) {
  switch (log_->reserve(need.payload_bytes, need.effects, frees)) {
    case log::Reservation::granted:
      return Verdict::execute;
    case log::Reservation::wait:
      return Verdict::wait;
    case log::Reservation::disk_full:
      break;
  }
  reply.error(Status::disk_full,
              "the disk has no room for the log: nothing was changed; free disk space, and writes "
              "go on by themselves");
  return Verdict::refused;
}

commands::Context Shard::context(commands::ReplySink& reply) {
  commands::Context context{keyspace_, now_ms_, reply, table_, nullptr};
  context.events = events_;
  context.core = control_;
  return context;
}

log::Position Shard::execute(const Command& command, const Request& request,
                             commands::ReplySink& reply, commands::SessionControl* session) {
  emitted_ = false;
  std::uint16_t flags = request.flags;
  if (has(command.flags, Flags::durable)) [[unlikely]]
    flags = protocol::kWaitDurable;
  commands::Context context = this->context(reply);
  context.session = session;
  const engine::Lookups before = keyspace_.lookups();
  command.run(context, request);
  if (has(command.flags, Flags::readonly)) lookups_.add(before, keyspace_.lookups());
  steps_of_last_ = context.steps;
  const engine::ExpiryMs expiry_ms = std::max(keyspace_.take_expiry_seen(), removed_until_ms_);
  log::Position position = 0;
  if (emitted_) {
    position = log_->emitted_position();
  } else if (!log_->idle()) {
    position = position_of_read(command, request);
  }
  if (expiry_ms != engine::kNoExpiry) {
    position = std::max(position, position_of_expiry(expiry_ms, flags));
  }
  return by_policy(position, flags);
}

log::Position Shard::position_of_read(const Command& command, const Request& request) {
  constexpr Flags kRestsOnData = Flags::readonly | Flags::write | Flags::durable | Flags::watches;
  if (!has(command.flags, kRestsOnData)) return 0;
  const bool sees_everything =
      has(command.flags, Flags::every_core) || has(command.flags, Flags::scan);
  if (sees_everything) return mutations_.listings_do_not_wait ? 0 : log_->emitted_position();
  if (mutations_.failed_writes_do_not_wait && has(command.flags, Flags::write)) return 0;
  const KeyRange keys = key_range(command, request.args.size());
  if ((mutations_.hits_do_not_wait || mutations_.misses_do_not_wait) && keys.count() == 1) {
    engine::EntryView entry;
    const engine::Key key{request.args[keys.first], request.first_key_hash};
    const bool is_hit = keyspace_.find(key, now_ms_, entry);
    if (is_hit ? mutations_.hits_do_not_wait : mutations_.misses_do_not_wait) return 0;
  }
  if (keys.count() == 1) return std::max(cleared_, place_of(request.first_key_hash).batch);
  log::Position position = cleared_;
  for (std::size_t i = keys.first; i < keys.end; i += keys.step) {
    position = std::max(position, place_of(keyspace_.hash_of(request.args[i])).batch);
  }
  return position;
}

// The wall clock may step back in a crash: an answer "it has expired" stands only once a durable
// stamp is at or past that expiry. Without a wait for what is durable nothing of that is promised.
log::Position Shard::position_of_expiry(engine::ExpiryMs expiry_ms, std::uint16_t flags) {
  expiry_seen_ms_ = std::max(expiry_seen_ms_, expiry_ms);
  const bool waits = durability_ == log::Durability::always ? (flags & protocol::kDoNotWait) == 0
                                                            : (flags & protocol::kWaitDurable) != 0;
  if (!waits || expiry_ms <= log_->durable_stamp_ms()) return 0;
  log_->require_seal(now_ms_);
  return log_->open_position();
}

log::Position Shard::by_policy(log::Position position, std::uint16_t flags) {
  if (position == 0 || (flags & protocol::kDoNotWait) != 0) return 0;
  if (durability_ == log::Durability::always) return position;
  if ((flags & protocol::kWaitDurable) == 0) return 0;
  log_->sync_soon();
  return position;
}

// Chance comes from the secret hash, of a number that is another one each time.
std::uint64_t Shard::draw() {
  const std::uint64_t words[] = {++draws_, static_cast<std::uint64_t>(now_ms_)};
  return keyspace_.hash_of({reinterpret_cast<const char*>(words), sizeof words});
}

std::int64_t Shard::remove_expired(std::size_t nodes_max, std::int64_t due_ms) {
  // Where no entry has an expiry any more, only what the heap kept of others is dropped.
  const bool stamps_matter =
      durability_ == log::Durability::always && keyspace_.size_with_expiry() > 0;
  const std::int64_t until_ms = stamps_matter ? std::min(due_ms, log_->durable_stamp_ms()) : due_ms;
  const engine::ExpirySlice slice = keyspace_.remove_expired(until_ms, nodes_max);
  // Where stamps are late nobody can tell any more which miss rests on an expiry.
  if (durability_ == log::Durability::interval && slice.removed > 0) removed_until_ms_ = until_ms;
  if (slice.more_due) return now_ms_;
  if (slice.next_due_ms == engine::kNoExpiry) return 0;
  if (stamps_matter && slice.next_due_ms <= due_ms) {
    // Due, but the clock that says so is not durable yet. The batches of others will say it; where
    // there are none an empty one does, for all that came due meanwhile.
    const std::int64_t seal_at_ms = slice.next_due_ms + kExpiryBatchMs;
    if (now_ms_ < seal_at_ms) return seal_at_ms;
    log_->require_seal(now_ms_);
  }
  return std::max(slice.next_due_ms, now_ms_ + 1);
}

engine::LogPosition Shard::emit(const engine::Effect& effect) {
  PHX_CHECK(log_ != nullptr);
  const engine::LogPosition position = log_->emit(effect);
  emitted_ = true;
  const auto change = static_cast<std::uint32_t>(++change_count_);
  place_of(effect.hash) = {log_->emitted_position(), change};
  const bool is_clear = effect.kind == engine::Effect::Kind::clear;
  if (is_clear && !mutations_.clears_do_not_wait) [[unlikely]]
    cleared_ = log_->emitted_position();
  return position;
}

}  // namespace phoenix::server
