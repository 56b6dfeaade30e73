// How connections begin: listening sockets, and who is let in. See connections.h.
#include <cerrno>

#include "phoenix/server/connections.h"

namespace phoenix::server {
namespace {

bool ran_out_of_descriptors(std::int32_t result) {
  return result == -EMFILE || result == -ENFILE || result == -ENOBUFS || result == -ENOMEM;
}

}  // namespace

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
  session.is_authenticated = !shared_.settings.has_password();
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

}  // namespace phoenix::server
