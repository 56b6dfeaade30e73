// What is noted of requests that have run: how many of each command, and those that took long. See
// router.h.
#include "phoenix/server/router.h"

namespace phoenix::server {

commands::SlowLog::Client Router::client_of(Session& session) {
  messaging_.clients().find_addresses(session);
  return {session.peer_address, session.client.name};
}

// `work` is that of its reply.
void Router::note_run(const PendingRequest& pending, std::size_t work) {
  if (pending.fault != Fault::none) return;
  const auto& args = pending.request.args;
  metrics_.calls[shared_.table.index_of(*pending.command)].add(1);
  const bool is_away =
      shared_.cores() > 1 && pending.command->keys.first > 0 && pending.core != core_;
  if (is_away) return;  // Its owner looks at the time.
  const auto took_ns = watch_.lap(work + shard_.steps_of_last() + args.size() * kWorkPerWord);
  if (took_ns == 0) return;
  watch_.keep(*pending.command, args, took_ns, shard_.now_ms(), client_of(*pending.session));
}

// On the home core: it knows the client, and tells for all of a command that every core runs.
void Router::keep_slow(const HopBatch& batch, const HopPart& part) {
  const bool is_slice = part.run == nullptr && part.gathering == nullptr;  // Of a listing.
  if (is_slice || has(part.command->flags, commands::Flags::every_core)) return;
  watch_.keep(*part.command, batch.words_of(part), part.took_ns, shard_.now_ms(),
              client_of(*part.session));
}

}  // namespace phoenix::server
