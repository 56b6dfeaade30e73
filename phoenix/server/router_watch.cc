// What is kept of requests that took long. See router.h.
#include "phoenix/server/router.h"

namespace phoenix::server {

commands::SlowLog::Client Router::client_of(Session& session) {
  messaging_.clients().find_addresses(session);
  return {session.peer_address, session.client.name};
}

void Router::keep_slow(const PendingRequest& pending, std::uint64_t took_ns) {
  watch_.keep(*pending.command, pending.request.args, took_ns, shard_.now_ms(),
              client_of(*pending.session));
}

// On the home core: it knows the client, and tells for all of a command that every core runs.
void Router::keep_slow(const HopBatch& batch, const HopPart& part) {
  const bool is_slice = part.run == nullptr && part.gathering == nullptr;  // Of a listing.
  if (is_slice || has(part.command->flags, commands::Flags::every_core)) return;
  watch_.keep(*part.command, batch.words_of(part), part.took_ns, shard_.now_ms(),
              client_of(*part.session));
}

}  // namespace phoenix::server
