#include "phoenix/server/connections.h"

#include <algorithm>
#include <cerrno>

#include "phoenix/base/check.h"
#include "protocol/detect.h"

namespace phoenix::server {

Connections::Connections(io::Context& io, Shared& shared, Metrics& metrics, ChunkPool& pool,
                         const MemoryBudget& budget)
    : io_(io), shared_(shared), metrics_(metrics), pool_(pool), budget_(budget) {}

Connections::~Connections() = default;

io::Operation Connections::socket_operation(io::Operation::Kind kind, int fd, io::Token token) {
  io::Operation operation;
  operation.kind = kind;
  operation.fd = fd;
  operation.token = token;
  return operation;
}

// Moves a session through its life when what it waits for has come.
void Connections::settle(Session& session) {
  if (session.ignores_input) session.input_ended.set();
  if (!session.input_ended.is_set()) return;
  const bool owes_nothing = session.output.empty() && !session.listing;
  const bool is_quiet = !session.is_sending && session.hops == 0;
  if (is_quiet && (owes_nothing || session.is_broken)) session.output_drained.set();
  if (session.output_drained.is_set() && is_quiet && !session.is_receiving) {
    session.operations_ended.set();
  }
}

Session* Connections::find(io::Token token) {
  const std::uint32_t index = index_of(token);
  PHX_CHECK(index < sessions_.size());
  Session* const session = sessions_[index].get();
  // Sessions are reaped only when the kernel holds nothing of theirs: no completion comes late.
  PHX_CHECK(session != nullptr && session->token(io::token_kind(token)) == token);
  return session;
}

void Connections::on_receive(const io::Completion& completion) {
  Session& session = *find(completion.token);
  if (completion.buffer != io::kNoBuffer) buffers_.push_back(completion.buffer);
  if (!completion.more) {
    session.is_receiving = false;
    session.is_cancelling = false;
  }
  touch(session);
  if (completion.result > 0) {
    if (session.ignores_input) return;
    metrics_.receives.add(1);
    metrics_.received_bytes.add(completion.bytes.size());
    session.memory_is_full = budget_.is_full();
    session.active_ns = std::max(session.active_ns, ticked_ns_);
    const std::string_view bytes(reinterpret_cast<const char*>(completion.bytes.data()),
                                 completion.bytes.size());
    session.feed(bytes);
    if (session.partial_since_ns != 0) {
      const std::uint64_t credit = bytes.size() * kNanosPerSecond / kPartialBytesPerSecond;
      session.partial_since_ns =
          std::min(session.partial_since_ns + credit, io_.clock().monotonic_ns());
    }
    if (!session.is_detected) detect_protocol(session);
    if (session.is_detected) make_ready(session);
    return;
  }
  if (completion.result == 0) {
    // The peer has ended its side; complete requests that are still unparsed get their replies.
    session.peer_has_ended = true;
    make_ready(session);
  } else if (completion.result != -ENOBUFS && completion.result != -ECANCELED) {
    session.is_broken = true;
    session.ignores_input = true;
  }
}

void Connections::detect_protocol(Session& session) {
  switch (protocol::detect(session.first_bytes())) {
    case protocol::Detected::need_more:
      return;
    case protocol::Detected::native:
      session.is_detected = true;
      return;
    case protocol::Detected::native_other_version:
      return refuse(session, 0, protocol::Status::bad_frame,
                    "this server speaks version 1 of the native protocol (magic 0xF1)");
    case protocol::Detected::resp:
      session.is_detected = true;
      session.wire = Wire::resp2;
      return;
    case protocol::Detected::http:
      return refuse_text(session,
                         "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n"
                         "Content-Type: text/plain\r\n\r\n"
                         "This port speaks the Phoenix DB protocol, not HTTP.\n");
    case protocol::Detected::tls:
      return refuse_text(session, "-ERR this port speaks plain text, not TLS\r\n");
    case protocol::Detected::garbage:
      return refuse_text(session,
                         "-ERR Protocol error: the first byte is neither RESP's nor 0xF1, that of "
                         "the native protocol\r\n");
  }
}

void Connections::on_send(const io::Completion& completion) {
  Session& session = *find(completion.token);
  session.is_sending = false;
  touch(session);
  const std::int32_t result = completion.result;
  if (result < 0 && result != -EAGAIN && result != -ECANCELED && result != -EINTR) {
    session.is_broken = true;
    session.ignores_input = true;
    return;
  }
  const auto sent = static_cast<std::size_t>(std::max(result, 0));
  if (sent > 0) {
    metrics_.sends.add(1);
    metrics_.sent_bytes.add(sent);
    session.output.consume(sent);
    session.stalled_since_ns = 0;
  }
  session.is_stalled = sent < session.sending_bytes;
  // What could not go on while the output was full may now, the peer's end included.
  const bool has_input = session.has_partial_input() || session.peer_has_ended;
  if (has_input && !session.output.full()) make_ready(session);
}

Session* Connections::take_ready(bool takes_long) {
  auto& queue = takes_long ? ready_long_ : ready_;
  if (queue.empty()) return nullptr;
  Session* const session = queue.front();
  queue.pop_front();
  session->is_ready = false;
  session->takes_long = false;
  return session;
}

void Connections::authenticate_all() {
  for (const auto& session : sessions_) {
    if (session) session->is_authenticated = true;
  }
}

void Connections::make_ready(Session& session) {
  if (session.is_ready || session.ignores_input) return;
  session.is_ready = true;
  (session.takes_long ? ready_long_ : ready_).push_back(&session);
}

void Connections::wait_for_room(Session& session) {
  if (session.is_waiting_for_room) return;
  session.is_waiting_for_room = true;
  waiting_for_room_.push_back(&session);
}

void Connections::hold(Session& session) {
  if (session.is_paused) return;
  session.is_paused = true;
  paused_.push_back(&session);
  metrics_.held_clients.set(paused_.size());
}

void Connections::release_held() {
  for (auto* session : paused_) {
    session->is_paused = false;
    touch(*session);
    make_ready(*session);
  }
  paused_.clear();
  metrics_.held_clients.set(0);
}

void Connections::touch(Session& session) {
  if (session.is_dirty) return;
  session.is_dirty = true;
  touched_.push_back(&session);
}

void Connections::end_turn(log::Position committed) {
  if (!to_cut_off_.empty()) [[unlikely]]
    cut_off_some();
  if (committed != committed_) {
    committed_ = committed;
    for (auto* session : held_) {
      session->is_held = false;
      touch(*session);
    }
    held_.clear();
  }
  // Receives are armed only once the buffers are back: one that ended for want of them would at
  // once end again.
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    Session& session = *touched_[i];
    flush(session, committed);
    const std::uint64_t before = session.counted_memory_bytes;
    session.end_turn();
    session.counted_memory_bytes = session.memory_bytes();
    pool_.buffers().input += session.counted_memory_bytes - before;
  }
  for (const auto buffer : buffers_) io_.ring().release(buffer);
  buffers_.clear();
  for (std::size_t i = 0; i < touched_.size(); ++i) {
    Session& session = *touched_[i];
    session.is_dirty = false;
    settle(session);
    update_receiving(session);
  }
  touched_.clear();
  reap();
}

void Connections::retry_waiting() {
  for (auto* session : waiting_for_room_) {
    session->is_waiting_for_room = false;
    touch(*session);
    make_ready(*session);
  }
  waiting_for_room_.clear();
}

void Connections::flush(Session& session, log::Position committed) {
  if (session.is_sending || session.is_broken) return;
  if (session.is_stalled) session.output.leave_chunks();
  const std::size_t size_max = session.is_stalled ? kStalledSendBytesMax : kSendBytesMax;
  const std::string_view bytes = session.output.sendable(committed, size_max);
  if (!bytes.empty()) return send(session, bytes);
  if (session.output.waits_for_commit(committed) && !session.is_held) {
    session.is_held = true;
    held_.push_back(&session);
  }
}

void Connections::send(Session& session, std::string_view bytes) {
  io::Operation operation =
      socket_operation(io::Operation::Kind::send, session.fd(), session.token(io::TokenKind::send));
  operation.source = std::as_bytes(std::span(bytes));
  operation.wait = session.is_stalled;
  session.is_sending = true;
  session.sending_bytes = bytes.size();
  if (session.is_stalled && session.stalled_since_ns == 0) {
    session.stalled_since_ns = io_.clock().monotonic_ns();
  }
  io_.ring().submit(operation);
}

void Connections::update_receiving(Session& session) {
  if (session.is_finished || session.operations_ended.is_set()) return;
  if (session.output_drained.is_set()) return;  // Closing: live() and tick() see to it.
  // Whatever holds up its requests, a full output or one that sends faster than its turns come:
  // what it sends would pile up here.
  const bool has_enough =
      session.has_unparsed_requests() && session.unparsed_bytes() > kUnparsedRequestsBytesMax;
  const bool wants_input = !session.peer_has_ended && !session.is_broken &&
                           (session.ignores_input || (!session.output.full() && !has_enough));
  if (wants_input && !session.is_receiving) {
    session.is_receiving = true;
    io_.ring().submit(socket_operation(io::Operation::Kind::receive, session.fd(),
                                       session.token(io::TokenKind::receive)));
  } else if (!wants_input) {
    cancel_receive(session);
  }
}

}  // namespace phoenix::server
