#include "phoenix/sim/network.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/sim/ring.h"

namespace phoenix::sim {
namespace {

constexpr Latency kAtOnce{0, 3'000};

}  // namespace

std::string endpoint_name(const io::Endpoint& endpoint) {
  if (!endpoint.unix_path.empty()) return "unix socket " + endpoint.unix_path;
  return endpoint.address + " port " + std::to_string(endpoint.port);
}

Result<ListenerId> Network::listen(const io::Endpoint& endpoint, std::uint32_t host) {
  const std::string name = endpoint_name(endpoint);
  for (const Listener& other : listeners_) {
    const bool shared = endpoint.unix_path.empty() && other.host == host;
    if (other.open && other.endpoint == name && !shared) {
      return fail(ErrorCode::in_use,
                  "cannot listen on " + name + ": another process does; stop it or choose another");
    }
  }
  ListenerId id = 0;
  while (id < listeners_.size() && listeners_[id].open) ++id;
  if (id == listeners_.size()) listeners_.emplace_back();
  Listener& listener = listeners_[id];
  const std::uint32_t generation = listener.generation + 1;
  listener = Listener();
  listener.open = true;
  listener.holders = 1;
  listener.generation = generation;
  listener.host = host;
  listener.endpoint = name;
  return id;
}

void Network::close_listener(ListenerId id) {
  Listener& listener = listeners_[id];
  listener.open = false;
  for (const ConnectionId waiting : std::exchange(listener.backlog, {})) {
    connections_[waiting].holders = 0;
    break_connection(waiting);
    free_if_unused(waiting);
  }
}

void Network::hold(const Descriptor& target) {
  if (target.kind == Descriptor::Kind::listener) ++listeners_[target.index].holders;
  if (target.kind == Descriptor::Kind::socket) ++connections_[target.index].holders;
}

void Network::drop(const Descriptor& target) {
  if (target.kind == Descriptor::Kind::listener) {
    PHX_CHECK(listeners_[target.index].holders > 0);
    if (--listeners_[target.index].holders == 0) close_listener(target.index);
  } else if (target.kind == Descriptor::Kind::socket) {
    PHX_CHECK(connections_[target.index].holders > 0);
    if (--connections_[target.index].holders == 0) close_socket(target.index);
  }
}

// The last holder is gone: close(2) as TCP does it.
void Network::close_socket(ConnectionId id) {
  Connection& connection = connections_[id];
  if (!connection.received.empty()) {
    break_connection(id);
  } else {
    connection.server_ends = true;
    wake_to_client(id);
  }
  free_if_unused(id);
}

void Network::accept(ListenerId id, OperationId operation) {
  PHX_CHECK(listeners_[id].accept == kNoOperation);
  listeners_[id].accept = operation;
  wake_accept(id);
}

void Network::receive(ConnectionId id, OperationId operation) {
  // Two receives of one stream would get its bytes in an order that nobody knows.
  PHX_CHECK(connections_[id].receive == kNoOperation);
  connections_[id].receive = operation;
  wake_receive(id);
}

void Network::send(ConnectionId id, OperationId operation) {
  Connection& connection = connections_[id];
  // Two sends of one stream may overtake each other.
  PHX_CHECK(connection.send == kNoOperation);
  connection.send = operation;
  fill_send_buffer(id);
}

std::int32_t Network::shutdown(ConnectionId id) {
  if (connections_[id].error != 0) return -ENOTCONN;
  connections_[id].server_ends = true;
  wake_to_client(id);
  return 0;
}

std::int32_t Network::cancel(const Descriptor& target, io::Token token) {
  const auto take_if_meant = [this, token](OperationId& place) {
    const bool is_meant = place != kNoOperation && operations_[place].operation.token == token;
    return is_meant ? std::exchange(place, kNoOperation) : kNoOperation;
  };
  OperationId receiving = kNoOperation;
  OperationId sending = kNoOperation;
  if (target.kind == Descriptor::Kind::listener) {
    receiving = take_if_meant(listeners_[target.index].accept);
  } else {
    Connection& connection = connections_[target.index];
    receiving = take_if_meant(connection.receive);
    sending = take_if_meant(connection.send);
  }
  std::int32_t count = 0;
  if (receiving != kNoOperation) {
    operations_.finish(receiving, -ECANCELED);
    ++count;
  }
  if (sending != kNoOperation) {
    const std::size_t sent = operations_[sending].progress;
    operations_.finish(sending, sent > 0 ? static_cast<std::int32_t>(sent) : -ECANCELED);
    ++count;
  }
  return count;
}

void Network::forget(const Descriptor& target, OperationId operation) {
  if (target.kind == Descriptor::Kind::listener) {
    Listener& listener = listeners_[target.index];
    if (listener.accept == operation) listener.accept = kNoOperation;
  } else if (target.kind == Descriptor::Kind::socket) {
    Connection& connection = connections_[target.index];
    if (connection.receive == operation) connection.receive = kNoOperation;
    if (connection.send == operation) connection.send = kNoOperation;
  }
}

void Network::handle(const Event& event) {
  if (event.kind == EventKind::accept) {
    if (listeners_[event.index].generation == event.generation) on_accept(event.index);
    return;
  }
  if (connections_[event.index].generation != event.generation) return;
  if (event.kind == EventKind::connect) on_connect(event.index);
  if (event.kind == EventKind::receive) on_receive(event.index);
  if (event.kind == EventKind::to_server) on_to_server(event.index);
  if (event.kind == EventKind::to_client) on_to_client(event.index);
  free_if_unused(event.index);
}

void Network::on_connect(ConnectionId id) {
  Connection& connection = connections_[id];
  if (connection.state != ClientState::connecting) return;
  std::vector<ListenerId> candidates;
  for (ListenerId l = 0; l < listeners_.size(); ++l) {
    const bool fits = listeners_[l].open && listeners_[l].endpoint == connection.endpoint;
    if (fits) candidates.push_back(l);
  }
  environment_.trace("connect", id, candidates.size());
  if (candidates.empty()) {
    connection.state = ClientState::refused;
    return;
  }
  const ListenerId chosen = candidates[environment_.random.below(candidates.size())];
  connection.state = ClientState::open;
  connection.holders = 1;  // The backlog's, then the descriptor's.
  listeners_[chosen].backlog.push_back(id);
  wake_accept(chosen);
  wake_to_server(id);
}

void Network::on_accept(ListenerId id) {
  Listener& listener = listeners_[id];
  listener.due = false;
  if (!listener.open || listener.accept == kNoOperation || listener.backlog.empty()) return;
  const std::size_t most = environment_.plan.descriptors_most;
  if (most != 0 && descriptors_.open_count() >= most) {
    ++environment_.counters.refused_accepts;
    operations_.finish(std::exchange(listener.accept, kNoOperation), -EMFILE);
    return;
  }
  const ConnectionId connection = listener.backlog.front();
  listener.backlog.pop_front();
  connections_[connection].accepted = true;
  const int fd = descriptors_.add(Descriptor{Descriptor::Kind::socket, true, false, connection});
  if (multishot_ends()) {
    operations_.finish(std::exchange(listener.accept, kNoOperation), fd);
  } else {
    operations_.post(listener.accept, fd);
  }
  wake_accept(id);
}

void Network::on_receive(ConnectionId id) {
  Connection& connection = connections_[id];
  connection.receive_due = false;
  if (connection.receive == kNoOperation) return;
  if (!connection.received.empty()) {
    hand_out(id);
  } else if (connection.error != 0) {
    end_receive(connection, connection.error);
  } else if (connection.end_arrived) {
    end_receive(connection, 0);
  }
}

void Network::hand_out(ConnectionId id) {
  Connection& connection = connections_[id];
  const std::size_t most = segment(connection, connection.received.size());
  std::optional<Buffers::Loan> loan;
  if (!environment_.chance(environment_.plan.no_buffers)) {
    loan = operations_[connection.receive].ring->buffers().lend(most);
  }
  if (!loan) {
    ++environment_.counters.no_buffers;
    end_receive(connection, -ENOBUFS);
    return;
  }
  std::memcpy(loan->bytes.data(), connection.received.front(most).data(), loan->bytes.size());
  connection.received.take(loan->bytes.size());
  ++environment_.counters.segments;
  const auto count = static_cast<std::int32_t>(loan->bytes.size());
  if (multishot_ends()) {
    operations_.finish(std::exchange(connection.receive, kNoOperation), count, loan->buffer,
                       loan->bytes);
  } else {
    operations_.post(connection.receive, count, loan->buffer, loan->bytes);
  }
  wake_receive(id);
  wake_to_server(id);
}

void Network::on_to_server(ConnectionId id) {
  Connection& connection = connections_[id];
  connection.to_server_due = false;
  if (connection.error != 0 || connection.end_arrived) return;
  if (environment_.chance(environment_.plan.resets)) {
    ++environment_.counters.resets;
    break_connection(id);
    return;
  }
  if (connection.holders == 0 && !connection.outbox.empty()) {
    break_connection(id);  // Bytes for a socket that is closed.
    return;
  }
  const std::size_t room =
      environment_.plan.socket_buffer_bytes -
      std::min(environment_.plan.socket_buffer_bytes, connection.received.size());
  const std::size_t bytes = segment(connection, std::min(room, connection.outbox.size()));
  connection.received.append(connection.outbox.front(bytes));
  connection.outbox.take(bytes);
  if (connection.outbox.empty() && connection.client_ends) connection.end_arrived = true;
  environment_.trace("to_server", id, bytes, connection.end_arrived ? 1 : 0);
  wake_receive(id);
  wake_to_server(id);
}

void Network::on_to_client(ConnectionId id) {
  Connection& connection = connections_[id];
  connection.to_client_due = false;
  if (connection.error != 0) return;
  if (connection.client_closed) {
    if (!connection.to_send.empty()) break_connection(id);
    return;
  }
  if (connection.state != ClientState::open || !connection.reading) return;
  if (environment_.chance(environment_.plan.resets)) {
    ++environment_.counters.resets;
    break_connection(id);
    return;
  }
  const std::size_t bytes = segment(connection, connection.to_send.size());
  connection.inbox.append(connection.to_send.front(bytes));
  connection.to_send.take(bytes);
  if (connection.to_send.empty() && connection.send == kNoOperation && connection.server_ends) {
    connection.state = ClientState::ended;
  }
  environment_.trace("to_client", id, bytes, static_cast<std::uint64_t>(connection.state));
  fill_send_buffer(id);
  wake_to_client(id);
}

// Takes what fits of the send under way, and ends it when that is all it waits for.
void Network::fill_send_buffer(ConnectionId id) {
  Connection& connection = connections_[id];
  if (connection.send == kNoOperation) return;
  InFlight& sending = operations_[connection.send];
  const auto finish = [&](std::int32_t result) {
    operations_.finish_soon(std::exchange(connection.send, kNoOperation), result);
  };
  if (connection.error != 0 || connection.server_ends) {
    finish(sending.progress > 0 ? static_cast<std::int32_t>(sending.progress) : -EPIPE);
    return;
  }
  const auto rest = sending.operation.source.subspan(sending.progress);
  const std::size_t capacity = environment_.plan.socket_buffer_bytes;
  std::size_t taken =
      std::min(rest.size(), capacity - std::min(capacity, connection.to_send.size()));
  const bool cut_short = taken > 1 && environment_.chance(environment_.plan.short_sends);
  if (cut_short) taken = 1 + environment_.random.below(taken - 1);
  connection.to_send.append(std::string_view(reinterpret_cast<const char*>(rest.data()), taken));
  sending.progress += taken;
  wake_to_client(id);
  const bool all = sending.progress == sending.operation.source.size();
  if (!all && cut_short) ++environment_.counters.short_sends;
  if (all || cut_short || (!sending.operation.wait && taken > 0)) {
    finish(static_cast<std::int32_t>(sending.progress));
  } else if (!sending.operation.wait) {
    ++environment_.counters.refused_sends;
    finish(-EAGAIN);
  }
}

void Network::end_receive(Connection& connection, std::int32_t result) {
  operations_.finish(std::exchange(connection.receive, kNoOperation), result);
}

// A reset, whoever sent it: both ends learn of it, and what was under way is lost, or some of it.
void Network::break_connection(ConnectionId id) {
  Connection& connection = connections_[id];
  if (connection.error != 0) return;
  connection.error = -ECONNRESET;
  connection.end_arrived = false;
  connection.outbox.clear();
  if (environment_.coin()) connection.received.clear();
  if (connection.state == ClientState::open) {
    deliver_some(connection);
    connection.state = ClientState::reset;
  }
  connection.to_send.clear();
  environment_.trace("reset", id);
  wake_receive(id);
  fill_send_buffer(id);
}

// Some prefix of what the server has sent was already on its way.
void Network::deliver_some(Connection& connection) {
  if (!connection.reading || connection.client_closed) return;
  const std::size_t bytes = environment_.random.below(connection.to_send.size() + 1);
  connection.inbox.append(connection.to_send.front(bytes));
  connection.to_send.take(bytes);
}

std::size_t Network::segment(const Connection& connection, std::size_t bytes_most) {
  const FaultPlan& plan = environment_.plan;
  std::size_t most = std::min({bytes_most, plan.segment_bytes_most, connection.segment_bytes_most});
  if (environment_.chance(plan.small_segments)) most = std::min<std::size_t>(most, 8);
  if (most <= 1 || environment_.coin()) return most;
  return 1 + environment_.random.below(most);
}

bool Network::multishot_ends() {
  if (!environment_.chance(environment_.plan.multishot_ends)) return false;
  ++environment_.counters.multishot_ends;
  return true;
}

void Network::wake_accept(ListenerId id) {
  Listener& listener = listeners_[id];
  if (listener.due || listener.accept == kNoOperation || listener.backlog.empty()) return;
  listener.due = true;
  environment_.timeline.schedule(environment_.draw(kAtOnce), EventKind::accept, id,
                                 listener.generation);
}

void Network::wake_receive(ConnectionId id) {
  Connection& connection = connections_[id];
  const bool something =
      !connection.received.empty() || connection.end_arrived || connection.error != 0;
  if (connection.receive_due || connection.receive == kNoOperation || !something) return;
  connection.receive_due = true;
  schedule(EventKind::receive, id, kAtOnce);
}

void Network::wake_to_server(ConnectionId id) {
  Connection& connection = connections_[id];
  if (connection.to_server_due || connection.state == ClientState::connecting) return;
  if (connection.error != 0 || connection.end_arrived) return;
  const bool room = connection.received.size() < environment_.plan.socket_buffer_bytes;
  const bool bytes = !connection.outbox.empty() && (room || connection.holders == 0);
  const bool end = connection.outbox.empty() && connection.client_ends;
  if (!bytes && !end) return;
  connection.to_server_due = true;
  schedule(EventKind::to_server, id, environment_.plan.network);
}

void Network::wake_to_client(ConnectionId id) {
  Connection& connection = connections_[id];
  if (connection.to_client_due || connection.error != 0) return;
  const bool reads = connection.state == ClientState::open && connection.reading;
  const bool end = reads && connection.server_ends && connection.send == kNoOperation;
  const bool bytes = !connection.to_send.empty() && (reads || connection.client_closed);
  if (!bytes && !end) return;
  connection.to_client_due = true;
  schedule(EventKind::to_client, id, environment_.plan.network);
}

void Network::schedule(EventKind kind, ConnectionId id, Latency latency) {
  environment_.timeline.schedule(environment_.draw(latency), kind, id, connections_[id].generation);
}

}  // namespace phoenix::sim
