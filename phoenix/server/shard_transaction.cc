// Transactions on the core that has their keys. All effects are granted by one reservation, and so
// are one batch of the log: a crash keeps all of them or none.
#include <algorithm>
#include <numeric>
#include <unordered_map>

#include <fmt/format.h>

#include "phoenix/base/check.h"
#include "phoenix/server/command_meter.h"
#include "phoenix/server/encoder.h"
#include "phoenix/server/limits.h"
#include "phoenix/server/listing.h"
#include "phoenix/server/shard.h"
#include "phoenix/server/transaction.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

using commands::Command;
using commands::Flags;
using commands::Request;
using protocol::Status;

namespace {

// As Keyspace::patch has them: a smaller value is logged as a whole, and one that a longer part is
// written into.
constexpr std::uint64_t kSmallInPlaceBytes = 512;
constexpr std::uint64_t kInPlaceBytesMax = std::uint64_t{4} << 20U;

// For a canary: so short ones are split. Their worst case is taken twice, and a block.
constexpr std::uint64_t kSplitBytesMax = 4096;

Shard::LogNeed twice(Shard::LogNeed need) {
  need.payload_bytes += need.payload_bytes + 2 * kSplitBytesMax;
  need.effects *= 2;
  return need;
}

}  // namespace

Watch Shard::watch(const engine::Key& key) {
  Watch watch;
  watch.key = key.bytes;
  watch.stamp = place_of(key.hash).change;
  engine::EntryView entry;
  watch.exists = keyspace_.find(key, now_ms_, entry);
  if (watch.exists) watch.position = entry.position;
  return watch;
}

// Places are shared by keys: where a record's position can tell that it was another key, it does.
// For a key that was missing, and without a log, a change of its neighbour counts as its own.
bool Shard::has_changed(const Watch& watch) {
  const engine::Key key{watch.key, keyspace_.hash_of(watch.key)};
  engine::EntryView entry;
  const bool exists = keyspace_.find(key, now_ms_, entry);
  if (exists != watch.exists) return true;
  if (place_of(key.hash).change == watch.stamp) return false;
  const bool is_same = exists && watch.position.bits != 0 && entry.position == watch.position;
  return !is_same;
}

// No value can become longer than the longest that there is, or that a command makes, with all
// words of the transaction behind it.
std::uint64_t Shard::value_bytes_max(const TransactionJob& job, commands::ReplySink& reply) {
  std::uint64_t longest = 0;
  std::uint64_t words = 0;
  for (const auto& queued : job.requests) {
    const Command& command = queued.command();
    const Request request = queued.request();
    for (const auto word : request.args) words += word.size();
    if (command.grows_to != nullptr) longest = std::max(longest, command.grows_to(request));
    if (command.extra_bytes != nullptr) {
      longest = std::max(longest, command.extra_bytes(context(reply), request));
    }
    const KeyRange keys = key_range(command, request.args.size());
    for (std::size_t i = keys.first; i < keys.end; i += keys.step) {
      engine::EntryView entry;
      const engine::Key key{request.args[i], keyspace_.hash_of(request.args[i])};
      if (keyspace_.find(key, now_ms_, entry)) longest = std::max(longest, entry.value.size());
    }
  }
  return longest + words;
}

// What a command writes beyond its words may follow from what those before it did: a COPY of a
// value that was just stored. Of keys that none of them touched it is known.
std::uint64_t Shard::copied_bytes(const TransactionJob& job, commands::ReplySink& reply) {
  const std::uint64_t longest = value_bytes_max(job, reply);
  TouchedKeys touched;
  std::uint64_t bytes = 0;
  for (const auto& queued : job.requests) {
    const Command& command = queued.command();
    const Request request = queued.request();
    if (!has(command.flags, Flags::write)) continue;
    const Touch touch = touch_of(touched, command, request);
    if (command.extra_bytes == nullptr) continue;
    const std::uint64_t now = command.extra_bytes(context(reply), request);
    const bool stays = touch == Touch::in_place && is_changed_in_place(command, request, now);
    bytes += touch == Touch::none ? now : now + (stays ? now + kSmallInPlaceBytes : longest);
  }
  return bytes;
}

// Its value is there, and stays: it is told as the part that changes, or is small, or less than
// twice as long as the part, which `extra_bytes` has at least.
bool Shard::is_changed_in_place(const Command& command, const Request& request,
                                std::uint64_t extra_bytes) {
  if (command.grows_to == nullptr || extra_bytes > kInPlaceBytesMax) return false;
  engine::EntryView entry;
  const std::string_view key = request.args[static_cast<std::size_t>(command.keys.first)];
  return keyspace_.find({key, keyspace_.hash_of(key)}, now_ms_, entry);
}

// What those before `request` did to its keys; from now on it is among them.
Shard::Touch Shard::touch_of(TouchedKeys& touched, const Command& command, const Request& request) {
  const KeyRange keys = key_range(command, request.args.size());
  const Touch its_own = command.grows_to != nullptr ? Touch::in_place : Touch::anew;
  if (keys.count() == 0) touched.all = its_own;  // FLUSHALL.
  Touch before = touched.all;
  for (std::size_t i = keys.first; i < keys.end; i += keys.step) {
    Touch& touch = touched.by_hash[keyspace_.hash_of(request.args[i])];
    before = std::max(before, touch);
    touch = std::max(touch, its_own);
  }
  return before;
}

Shard::LogNeed Shard::need_of(const TransactionJob& job, commands::ReplySink& reply) {
  LogNeed need;
  bool copies = false;  // A command writes more than its words.
  for (const auto& queued : job.requests) {
    const Command& command = queued.command();
    if (!has(command.flags, Flags::write)) continue;
    need.add(command, queued.request());
    copies = copies || command.extra_bytes != nullptr;
  }
  if (copies) need.payload_bytes += copied_bytes(job, reply);
  return need;
}

// Of all together, where one finds room for itself. A value that several write into grows by what
// takes it furthest; what copies one may find it as long as any.
std::uint64_t Shard::memory_need(const TransactionJob& job, commands::ReplySink& reply) {
  if (budget_.bytes_max() == kNoLimit) return 0;
  const std::uint64_t longest = value_bytes_max(job, reply);
  std::unordered_map<std::uint64_t, std::uint64_t> growth;
  std::uint64_t copies = 0;
  for (const auto& queued : job.requests) {
    const Command& command = queued.command();
    if (!has(command.flags, Flags::denied_when_full) || command.extra_bytes == nullptr) continue;
    const Request request = queued.request();
    if (command.gather == commands::Gather::same_core) {
      copies += longest;
    } else {
      std::uint64_t& grown = growth[request.first_key_hash];
      grown = std::max(grown, memory_need(command, request, reply));
    }
  }
  return std::accumulate(growth.begin(), growth.end(), copies,
                         [](std::uint64_t sum, const auto& one) { return sum + one.second; });
}

Shard::Verdict Shard::refuse_all(const Refusal& refusal, commands::ReplySink& reply) {
  reply.error(Status::exec_aborted,
              fmt::format("Transaction discarded because of: {} {}",
                          protocol::error_prefix(refusal.status), refusal.text));
  return Verdict::refused;
}

Shard::Verdict Shard::admit(const TransactionJob& job, commands::ReplySink& reply) {
  bool frees = true;
  for (const auto& queued : job.requests) {
    const Command& command = queued.command();
    Request request = queued.request();
    if (!has(command.flags, Flags::write)) continue;
    request.flags |= job.flags;
    if (const auto refusal = this->refusal(command, request, reply)) {
      return refuse_all(*refusal, reply);
    }
    frees = frees && only_frees(command, request);
  }
  LogNeed need = need_of(job, reply);
  if (need.effects == 0) return Verdict::execute;
  if (need.payload_bytes > kTransactionLogBytesMax) {
    reply.error(Status::exec_aborted,
                "Transaction discarded because of: what it writes may be over 513 MiB");
    return Verdict::refused;
  }
  const std::uint64_t more_bytes = memory_need(job, reply);
  if (more_bytes > 0 && budget_.is_full(more_bytes)) {
    return refuse_all({Status::out_of_memory, budget_.refusal(more_bytes)}, reply);
  }
  if (mutations_.transactions_are_split && need.payload_bytes <= kSplitBytesMax) need = twice(need);
  return reserve(need, frees, reply);
}

// For a canary: what follows is another batch. There is room for it.
void Shard::split_batch(const LogNeed& rest) {
  if (rest.effects == 0 || rest.payload_bytes > kSplitBytesMax) return;
  log_->seal(now_ms_);
  const auto reserved = log_->reserve(rest.payload_bytes, rest.effects, true);
  PHX_CHECK(reserved == log::Reservation::granted);
}

// All slices of it at once: the keys of a transaction are those of one moment.
log::Position Shard::run_listing(const Command& command, const Request& request, Encoder& reply) {
  steps_of_last_ = 0;
  const bool is_whole = command.listing == commands::ListingKind::keys;
  if (is_whole && keyspace_.size() > kTransactionKeysMax) {
    reply.error(Status::error, fmt::format("there are over {} keys, which is all that KEYS walks "
                                           "over in a transaction: use SCAN, or KEYS outside of it",
                                           kTransactionKeysMax));
    return 0;
  }
  ListingSetup setup;
  setup.head.wire = reply.wire();
  setup.flags = request.flags;
  setup.meter = large_meter_;
  setup.chance = draw();
  setup.is_item = true;
  const auto listing = Listing::begin(command, request.args, setup);
  if (!listing) {
    reply.error(Status::error, listing.error().message);
    return 0;
  }
  Listing& walk = **listing;
  log::Position position = 0;
  std::uint64_t steps = 0;
  while (!walk.is_complete()) {
    Request slice;
    slice.args = walk.next_slice();
    slice.flags = request.flags;
    std::string frame;
    NativeEncoder encoder;
    encoder.begin({}, frame);
    position = std::max(position, execute(command, slice, encoder, nullptr));
    (void)encoder.finish();  // Keys are never large values.
    steps += steps_of_last_ + frame.size();
    walk.take_slice(frame, budget_.is_full());
    if (steps > kTransactionWalkMax && !walk.is_complete()) walk.cut_short();
  }
  walk.write_end(reply);
  steps_of_last_ = steps;
  return position;
}

// The position of the answer that says so; nothing when no watched key has changed.
std::optional<log::Position> Shard::abort_if_changed(const TransactionJob& job, Encoder& reply) {
  for (const auto& watch : job.watches) {
    if (!has_changed(watch) || mutations_.watches_are_ignored) continue;
    reply.nil_list();
    log::Position position = std::max(cleared_, place_of(keyspace_.hash_of(watch.key)).batch);
    const engine::ExpiryMs expiry_ms = std::max(keyspace_.take_expiry_seen(), removed_until_ms_);
    if (expiry_ms != engine::kNoExpiry) {
      position = std::max(position, position_of_expiry(expiry_ms, job.flags));
    }
    steps_of_last_ = job.watches.size() * kWorkPerWord;
    return by_policy(position, job.flags);
  }
  return std::nullopt;
}

Shard::Ran Shard::run(TransactionJob& job, Encoder& reply, commands::SessionControl* session,
                      CommandMeter& meter) {
  if (const auto position = abort_if_changed(job, reply)) return {*position, false};
  log::Position position = 0;
  TransactionWork work;
  reply.begin_list(static_cast<std::uint32_t>(job.requests.size()));
  job.replies_begin = reply.size_bytes();
  const auto* const middle = job.requests.data() + job.requests.size() / 2;
  const LogNeed need = mutations_.transactions_are_split ? need_of(job, reply) : LogNeed();
  for (auto& queued : job.requests) {
    if (&queued == middle) split_batch(need);
    queued.reply_at = reply.size_bytes();
    if (queued.is_at_home) continue;
    if (work.leaves_out(queued.command())) {
      reply.error(Status::error, TransactionWork::kLeftOut);
      continue;
    }
    Request request = queued.request();
    request.flags |= job.flags;
    const bool is_listing = has(queued.command().flags, Flags::scan);
    meter.begin_queued(queued.command());
    const log::Position its_own = is_listing ? run_listing(queued.command(), request, reply)
                                             : execute(queued.command(), request, reply, session);
    queued.took_ns = meter.end_queued(work.take(queued, steps_of_last_, reply, queued.reply_at));
    job.has_slow = job.has_slow || queued.took_ns != 0;
    position = std::max(position, its_own);
  }
  reply.end(kRepliesTooLarge);
  job.is_done = true;
  job.has_replies = !reply.is_refused();
  steps_of_last_ = work.sum();
  return {position, true};
}

}  // namespace phoenix::server
