#include "phoenix/server/connections.h"

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "phoenix/base/check.h"
#include "phoenix/server/sink.h"
#include "protocol/detect.h"

namespace phoenix::server {
namespace {

io::Operation socket_operation(io::Operation::Kind kind, int fd, io::Token token) {
  io::Operation operation;
  operation.kind = kind;
  operation.fd = fd;
  operation.token = token;
  return operation;
}

bool ran_out_of_descriptors(std::int32_t result) {
  return result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM;
}

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

Connections::Connections(io::Context& io, Shared& shared, Metrics& metrics, ChunkPool& pool,
                         const MemoryBudget& budget)
    : io_(io), shared_(shared), metrics_(metrics), pool_(pool), budget_(budget) {}

Connections::~Connections() = default;

void Connections::serve(int listener) {
  listeners_.push_back(Listener{listener, false, false});
  arm_accept(listeners_.size() - 1);
}

void Connections::arm_accept(std::size_t index) {
  listeners_[index].is_armed = true;
  listeners_[index].is_paused = false;
  ++accepting_;
  io_.ring().submit(socket_operation(io::Operation::Kind::accept, listeners_[index].fd,
                                     io::make_token(io::TokenKind::accept, index)));
}

void Connections::on_accept(const io::Completion& completion) {
  const auto index = static_cast<std::size_t>(io::token_id(completion.token));
  Listener& listener = listeners_[index];
  if (completion.result >= 0) {
    const auto most = shared_.settings.get(commands::Setting::clients_max);
    const bool is_full = shared_.connections.load() >= static_cast<std::uint64_t>(most);
    if (is_full || stops_) {
      reject(completion.result);
    } else {
      open(completion.result);
    }
  }
  if (completion.more) return;
  listener.is_armed = false;
  --accepting_;
  if (stops_) return;
  if (ran_out_of_descriptors(completion.result)) {
    listener.is_paused = true;
  } else {
    arm_accept(index);
  }
}

void Connections::open(int fd) {
  if (free_.empty()) {
    free_.push_back(static_cast<std::uint32_t>(sessions_.size()));
    sessions_.emplace_back();
  }
  const std::uint32_t index = free_.back();
  free_.pop_back();
  sessions_[index] = std::make_unique<Session>(index, ++generation_, fd, pool_);
  Session& session = *sessions_[index];
  session.is_authenticated = shared_.config.password.empty();
  session.opened_ns = io_.clock().monotonic_ns();
  session.active_ns = session.stranger_since_ns = session.opened_ns;
  session.client.id = shared_.clients.fetch_add(1) + 1;
  ++open_;
  shared_.connections.fetch_add(1);
  metrics_.accepted.add(1);
  session.life = live(session);
  session.life.start();
}

// A last word for a connection that cannot be served; if it cannot be sent at once, so be it. What
// it speaks is not known: a line of RESP, which clients of the native protocol understand, too.
void Connections::reject(int fd) {
  static constexpr std::string_view kFull = "-ERR max number of clients reached\r\n";
  static constexpr std::string_view kStops =
      "-SHUTDOWN the server is stopping: connect again later\r\n";
  metrics_.rejected.add(1);
  io::Operation operation = socket_operation(io::Operation::Kind::send, fd, 0);
  operation.source = std::as_bytes(std::span(stops_ ? kStops : kFull));
  operation.wait = false;
  io_.ring().submit(operation);
  io_.ring().submit(socket_operation(io::Operation::Kind::close, fd, 0));
}

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
    io_.ring().submit(socket_operation(io::Operation::Kind::shutdown, session.fd(), 0));
    session.stalled_since_ns = io_.clock().monotonic_ns();
  } else {
    cancel_receive(session);
  }
  settle(session);
  co_await session.operations_ended;
  co_await io_.close(session.fd());
  session.is_finished = true;
  finished_.push_back(&session);
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
  const std::uint64_t id = io::token_id(token);
  const auto index = static_cast<std::uint32_t>(id);
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
      return refuse(session, 0, protocol::Status::bad_frame,
                    "bad magic: a request starts with 0xF1");
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
}

void Connections::release_held() {
  for (auto* session : paused_) {
    session->is_paused = false;
    touch(*session);
    make_ready(*session);
  }
  paused_.clear();
}

void Connections::touch(Session& session) {
  if (session.is_dirty) return;
  session.is_dirty = true;
  touched_.push_back(&session);
}

void Connections::end_input(Session& session) {
  session.ignores_input = true;
  touch(session);
}

void Connections::refuse(Session& session, std::uint32_t id, protocol::Status status,
                         std::string_view text) {
  session.output.append_owned(refusal({session.wire, id}, status, text), {}, 0);
  end_input(session);
}

void Connections::refuse_text(Session& session, std::string_view text) {
  session.output.append_owned(std::string(text), {}, 0);
  end_input(session);
}

void Connections::end_turn(log::Position committed) {
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

void Connections::cancel_receive(Session& session) {
  if (!session.is_receiving || session.is_cancelling) return;
  session.is_cancelling = true;
  io_.ring().submit(socket_operation(io::Operation::Kind::cancel, session.fd(), 0));
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
  // The time in which we do not read, or do not look at what came, is not the peer's.
  const bool is_read = session.is_receiving && !session.listing && !session.is_waiting_for_room &&
                       !session.is_paused;
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

// Nothing more is sent: what the kernel still holds ends by the shutdown of the socket.
void Connections::cut_off(Session& session) {
  session.is_broken = true;
  session.ignores_input = true;
  session.listing.reset();
  io_.ring().submit(socket_operation(io::Operation::Kind::cancel, session.fd(), 0));
  session.is_cancelling = session.is_receiving;
  touch(session);
}

void Connections::stop(std::uint64_t deadline_ns) {
  stops_ = true;
  stop_deadline_ns_ = deadline_ns;
  for (const auto& listener : listeners_) {
    if (!listener.is_armed) continue;
    io_.ring().submit(socket_operation(io::Operation::Kind::cancel, listener.fd, 0));
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
    if (session->is_paused) forget(paused_);
    sessions_[index].reset();
    free_.push_back(index);
    --open_;
    shared_.connections.fetch_sub(1);
  }
  finished_.clear();
}

}  // namespace phoenix::server
