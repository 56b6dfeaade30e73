// Transactions on the core that has their keys. All effects are granted by one reservation, and so
// are one batch of the log: a crash keeps all of them or none.
#include <algorithm>

#include <fmt/format.h>

#include "phoenix/server/encoder.h"
#include "phoenix/server/shard.h"
#include "phoenix/server/transaction.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

using commands::Command;
using commands::Flags;
using commands::Request;
using protocol::Status;

Watch Shard::watch(const engine::Key& key) {
  Watch watch;
  watch.key = key.bytes;
  watch.stamp = changes_[key.hash % kPlaces];
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
  if (changes_[key.hash % kPlaces] == watch.stamp) return false;
  const bool is_same = exists && watch.position.bits != 0 && entry.position == watch.position;
  return !is_same;
}

// What one command needs may follow from what those before it did: a COPY of a value that was just
// stored. No value can become longer than the longest that there is, or that a command makes, with
// all words of the transaction behind it.
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

Shard::Verdict Shard::admit(const TransactionJob& job, commands::ReplySink& reply) {
  LogNeed need;
  std::size_t copying = 0;  // Commands that write more than their words.
  bool frees = true;
  for (const auto& queued : job.requests) {
    const Command& command = queued.command();
    const Request request = queued.request();
    if (!has(command.flags, Flags::write)) continue;
    if (const auto refusal = this->refusal(command, request)) {
      reply.error(Status::exec_aborted,
                  fmt::format("Transaction discarded because of: {} {}",
                              protocol::error_prefix(refusal->status), refusal->text));
      return Verdict::refused;
    }
    frees = frees && has(command.flags, Flags::frees);
    need.add(command, request);
    if (command.extra_bytes != nullptr) ++copying;
  }
  if (need.effects == 0) return Verdict::execute;
  if (copying > 0) need.payload_bytes += copying * value_bytes_max(job, reply);
  if (need.payload_bytes > kTransactionLogBytesMax) {
    reply.error(Status::exec_aborted,
                "Transaction discarded because of: what it writes may be over 513 MiB");
    return Verdict::refused;
  }
  return reserve(need, frees, reply);
}

log::Position Shard::run(const TransactionJob& job, Encoder& reply,
                         commands::SessionControl* session) {
  log::Position position = 0;
  for (const auto& watch : job.watches) {
    if (!has_changed(watch)) continue;
    reply.nil_list();
    position = last_batch_[keyspace_.hash_of(watch.key) % kPlaces];
    return by_policy(position, 0);
  }
  std::uint64_t steps = 0;
  reply.begin_list(static_cast<std::uint32_t>(job.requests.size()));
  for (const auto& queued : job.requests) {
    if (!queued.reply.empty()) {
      reply.encoded_item(queued.reply);
      continue;
    }
    position = std::max(position, execute(queued.command(), queued.request(), reply, session));
    steps += steps_of_last_ + kWorkPerWord;
  }
  reply.end("the transaction was executed, but its replies are over 16 MiB");
  steps_of_last_ = steps;
  return position;
}

}  // namespace phoenix::server
