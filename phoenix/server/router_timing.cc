// How long requests took, and what is kept of those that took long. See router.h.
#include "phoenix/server/router.h"

namespace phoenix::server {

commands::SlowLog::Client Router::client_of(Session& session) {
  messaging_.clients().find_addresses(session);
  return {session.peer_address, session.client.name};
}

bool Router::is_queued(const PendingRequest& pending) {
  const Session& session = *pending.session;
  const bool is_in_transaction = session.transaction && session.transaction->is_open();
  return is_in_transaction && !has(pending.command->flags, commands::Flags::at_once);
}

// A listing goes on after this (Listings::take_slice).
void Router::keep_time(const PendingRequest& pending, std::uint64_t work, std::size_t place) {
  const std::uint64_t took_ns = watch_.lap(work, place);
  if (is_queued(pending)) return;  // EXEC runs it.
  const commands::Command& command = *pending.command;
  if (!has(command.flags, commands::Flags::scan)) meter_.of(command).record(took_ns);
  if (watch_.is_slow(work, took_ns)) keep_slow(pending, took_ns);
}

// Of what all cores do, the home core's part stands for all. What is done in slices is one call, of
// the home core.
void Router::keep_time(HopPart& part, std::uint64_t work, std::size_t place) {
  const std::uint64_t took_ns = watch_.lap(work, place);
  const commands::Flags flags = part.command->flags;
  // With a threshold of 0 also what was faster than the clock can tell is slow.
  const bool is_slice = part.is_slice() || part.is_of_keys_slice;
  if (is_slice || watch_.is_slow(work, took_ns)) {
    part.took_ns = std::max<std::uint64_t>(took_ns, 1);
  }
  if (is_slice || has(flags, commands::Flags::every_core)) return;
  meter_.of(*part.command).record(took_ns);
}

void Router::keep_slow(const PendingRequest& pending, std::uint64_t took_ns) {
  watch_.keep(*pending.command, pending.request.args, took_ns, shard_.now_ms(),
              client_of(*pending.session));
}

// On the home core: it knows the client, and tells for all of a command that every core runs.
void Router::keep_slow(const HopBatch& batch, const HopPart& part) {
  if (part.is_slice()) {
    if (part.session->listing) part.session->listing->took_ns += part.took_ns;
    return;
  }
  if (part.is_of_keys_slice) {
    part.gathering->sliced->took_ns += part.took_ns;
    return;
  }
  if (has(part.command->flags, commands::Flags::every_core)) return;
  if (part.job) keep_slow(*part.job, *part.session);
  watch_.keep(*part.command, batch.words_of(part), part.took_ns, shard_.now_ms(),
              client_of(*part.session));
}

void Router::keep_slow(const TransactionJob& job, Session& session) {
  if (!job.has_slow) return;
  for (const auto& queued : job.requests) {
    if (queued.took_ns != 0) keep_slow(queued, session);
  }
}

void Router::keep_slow(const QueuedRequest& queued, Session& session) {
  const commands::Request request = queued.request();
  watch_.keep(queued.command(), request.args, queued.took_ns, shard_.now_ms(), client_of(session));
}

}  // namespace phoenix::server
