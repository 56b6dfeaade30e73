#include "phoenix/server/pusher.h"

namespace phoenix::server {

using commands::Setting;

bool Pusher::send(Session& session, Push& push) {
  if (session.ignores_input || session.is_broken) return false;
  if (has_too_much(session, push.size_bytes_min())) {
    metrics_.closed_unread.add(1);
    connections_.cut_off(session);
    return false;
  }
  push.append_to(session.output, session.wire, session.is_stalled);
  connections_.touch(session);
  return true;
}

// Too much unread at any time, or a good deal of it for long; while memory is full much less.
bool Pusher::has_too_much(Session& session, std::size_t more_bytes) {
  const std::uint64_t bytes = session.output.queued_bytes() + more_bytes;
  if (bytes <= kSessionOutputBytesWhenFullMax) [[likely]] {
    session.unread_since_ns = 0;
    return false;
  }
  if (budget_.is_full(more_bytes)) return true;
  const auto most = static_cast<std::uint64_t>(settings_.get(Setting::pubsub_output_bytes));
  if (most != 0 && bytes > most) return true;
  const auto soft = static_cast<std::uint64_t>(settings_.get(Setting::pubsub_soft_bytes));
  if (soft == 0 || bytes <= soft) {
    session.unread_since_ns = 0;
    return false;
  }
  const std::uint64_t now_ns = clock_.monotonic_ns();
  if (session.unread_since_ns == 0) session.unread_since_ns = now_ns;
  const auto soft_s = static_cast<std::uint64_t>(settings_.get(Setting::pubsub_soft_s));
  return now_ns - session.unread_since_ns > soft_s * kNanosPerSecond;
}

}  // namespace phoenix::server
