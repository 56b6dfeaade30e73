// How connections end: by their peers, by a refusal, by a deadline, by a stop. See connections.h.
#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/server/connections.h"
#include "phoenix/server/sink.h"

namespace phoenix::server {
namespace {

// An error has no large value.
std::string refusal(ReplyHead head, protocol::Status status, std::string_view text) {
  std::string reply;
  NativeEncoder native;
  RespEncoder resp;
  Encoder& encoder = is_resp(head.wire) ? static_cast<Encoder&>(resp) : native;
  encoder.begin(head, reply);
  encoder.error(status, text);
  (void)encoder.finish();
  return reply;
}

}  // namespace

// From the first byte to the last: what may wait is waited for here, in the order in which it must
// happen.
io::Task<void> Connections::live(Session& session) {
  touch(session);
  co_await session.input_ended;
  if (observer_ != nullptr) observer_->closing(session);
  co_await session.output_drained;
  session.output.clear();
  if (session.is_receiving && !session.is_broken) {
    // A close with unread input would reset the connection, and the peer might lose the last reply:
    // end our side, and let the peer read and close. tick() bounds the wait.
    session.stalled_since_ns = io_.clock().monotonic_ns();
    // The kernel does it on a thread of its own, which looks the descriptor up when it comes to it:
    // were it closed by then, it could be another connection's.
    const auto shutdown = socket_operation(io::Operation::Kind::shutdown, session.fd(), 0);
    co_await io::PendingOperation(io_, shutdown);
  } else {
    cancel_receive(session);
  }
  settle(session);
  co_await session.operations_ended;
  co_await io_.close(session.fd());
  session.is_finished = true;
  finished_.push_back(&session);
}

void Connections::end_input(Session& session) {
  session.ignores_input = true;
  touch(session);
}

void Connections::refuse(Session& session, std::uint32_t id, protocol::Status status,
                         std::string_view text) {
  metrics_.errors[static_cast<std::size_t>(status)].add(1);
  session.output.append_owned(refusal({session.wire, id}, status, text), {}, 0);
  end_input(session);
}

void Connections::refuse_text(Session& session, std::string_view text) {
  session.output.append_owned(std::string(text), {}, 0);
  end_input(session);
}

void Connections::cancel_receive(Session& session) {
  if (!session.is_receiving || session.is_cancelling) return;
  session.is_cancelling = true;
  cancel(session, io::TokenKind::receive);
}

void Connections::cancel(const Session& session, io::TokenKind kind) {
  io::Operation operation = socket_operation(io::Operation::Kind::cancel, session.fd(), 0);
  operation.cancelled = session.token(kind);
  io_.ring().submit(operation);
}

// Nothing more is sent: what the kernel still holds ends by the shutdown of the socket.
void Connections::cut_off(Session& session) {
  session.is_broken = true;
  session.ignores_input = true;
  session.listing.reset();
  cancel_receive(session);
  if (session.is_sending) cancel(session, io::TokenKind::send);
  touch(session);
}

void Connections::cut_off_soon(Session& session) {
  session.is_broken = true;
  session.ignores_input = true;
  if (observer_ != nullptr) observer_->closing(session);  // Nobody counts it any more.
  to_cut_off_.push_back(session.token(io::TokenKind::receive));
}

// To close one costs the kernel some microseconds.
void Connections::cut_off_some() {
  constexpr std::size_t kPerTurn = 64;
  for (std::size_t i = 0; i < kPerTurn && !to_cut_off_.empty(); ++i) {
    const io::Token token = to_cut_off_.front();
    to_cut_off_.pop_front();
    Session* const session = sessions_[index_of(token)].get();
    const bool is_there = session != nullptr && session->token(io::TokenKind::receive) == token;
    if (is_there && !session->output_drained.is_set()) cut_off(*session);
  }
}

void Connections::stop(std::uint64_t deadline_ns) {
  stops_ = true;
  stop_deadline_ns_ = deadline_ns;
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (!listeners_[i].is_armed) continue;
    io::Operation cancel = socket_operation(io::Operation::Kind::cancel, listeners_[i].fd, 0);
    cancel.cancelled = io::make_token(io::TokenKind::accept, i);
    io_.ring().submit(cancel);
  }
  // As if every peer had ended its side: what was received is answered, and nothing more is taken.
  for (const auto& session : sessions_) {
    if (!session) continue;
    session->peer_has_ended = true;
    touch(*session);
    make_ready(*session);
  }
}

void Connections::reap() {
  for (auto* session : finished_) {
    const std::uint32_t index = session->index();
    PHX_CHECK(!session->is_listed);
    pool_.buffers().input -= session->counted_memory_bytes;
    const auto forget = [session](auto& list) {
      list.erase(std::remove(list.begin(), list.end(), session), list.end());
    };
    if (session->is_held) forget(held_);
    if (session->is_ready) {
      forget(ready_);
      forget(ready_long_);
    }
    if (session->is_waiting_for_room) forget(waiting_for_room_);
    if (session->is_paused) {
      forget(paused_);
      metrics_.held_clients.set(paused_.size());
    }
    sessions_[index].reset();
    free_.push_back(index);
    --open_;
    shared_.connections.fetch_sub(1);
  }
  finished_.clear();
}

void Connections::tick() {
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].is_paused && !stops_) arm_accept(i);
  }
  const std::uint64_t now_ns = io_.clock().monotonic_ns();
  ticked_ns_ = now_ns;
  const std::size_t count = std::min(kSessionsPerTick, sessions_.size());
  for (std::size_t i = 0; i < count; ++i) {
    next_to_check_ = (next_to_check_ + 1) % sessions_.size();
    if (auto* const session = sessions_[next_to_check_].get()) check_deadlines(*session, now_ns);
  }
}

// Also where no message comes any more (Pusher looks with each).
bool Connections::is_unread_for_long(const Session& session, std::uint64_t now_ns) const {
  const auto setting = [this](commands::Setting name) {
    return static_cast<std::uint64_t>(shared_.settings.get(name));
  };
  const std::uint64_t soft = setting(commands::Setting::pubsub_soft_bytes);
  if (soft == 0 || session.output.queued_bytes() <= soft) return false;
  const std::uint64_t limit_ns = setting(commands::Setting::pubsub_soft_s) * kNanosPerSecond;
  return now_ns - session.unread_since_ns > limit_ns;
}

void Connections::check_deadlines(Session& session, std::uint64_t now_ns) {
  const auto is_over = [now_ns](std::uint64_t since_ns, std::uint64_t limit_ns) {
    return since_ns != 0 && now_ns - since_ns > limit_ns;
  };
  if (session.output_drained.is_set()) {  // Lingering.
    if (is_over(session.stalled_since_ns, stops_ ? kTickNs : kLingerNs)) cancel_receive(session);
    return;
  }
  if (stops_ && now_ns > stop_deadline_ns_) return cut_off(session);
  if (is_over(session.stalled_since_ns, kStalledReaderNs)) {
    metrics_.closed_by_deadline.add(1);
    return cut_off(session);
  }
  if (session.ignores_input) return;
  if (session.unread_since_ns != 0 && is_unread_for_long(session, now_ns)) {
    metrics_.closed_unread.add(1);
    return cut_off(session);
  }
  // The time in which we do not read, or do not look at what came, is not the peer's.
  const bool is_read = session.is_receiving && !session.listing && !session.is_waiting_for_room &&
                       !session.is_paused && !session.awaits_core;
  if (session.partial_since_ns != 0 && !is_read) session.partial_since_ns = now_ns;
  if (is_over(session.partial_since_ns, kPartialFrameNs)) {
    metrics_.closed_by_deadline.add(1);
    return refuse(session, 0, protocol::Status::bad_frame,
                  "the request was not complete within 60 s");
  }
  if (!session.is_authenticated && is_over(session.stranger_since_ns, kUnauthenticatedNs)) {
    metrics_.closed_by_deadline.add(1);
    if (!session.is_detected) session.wire = Wire::resp2;  // As in reject().
    return refuse(session, 0, protocol::Status::not_authenticated, "no AUTH within 10 s");
  }
  const auto timeout_s =
      static_cast<std::uint64_t>(shared_.settings.get(commands::Setting::client_timeout_s));
  // Who waits for messages is silent by right.
  const bool waits = session.is_subscribed() || session.client.is_monitor || session.hops > 0 ||
                     session.listing || session.is_waiting_for_room || session.is_paused;
  if (waits || !session.output.empty()) session.active_ns = now_ns;
  if (timeout_s != 0 && is_over(session.active_ns, timeout_s * kNanosPerSecond)) {
    metrics_.closed_by_deadline.add(1);
    end_input(session);
  }
}

}  // namespace phoenix::server
