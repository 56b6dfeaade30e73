// The clients' side of the simulated network, and what a crash of the server does to it.
#include <algorithm>
#include <cerrno>

#include "phoenix/base/check.h"
#include "phoenix/sim/network.h"

namespace phoenix::sim {

ConnectionId Network::connect(const io::Endpoint& endpoint) {
  if (free_.empty()) {
    free_.push_back(static_cast<ConnectionId>(connections_.size()));
    connections_.emplace_back();
  }
  const ConnectionId id = free_.back();
  free_.pop_back();
  Connection& connection = connections_[id];
  const std::uint32_t generation = connection.generation + 1;
  connection = Connection();
  connection.used = true;
  connection.generation = generation;
  connection.endpoint = endpoint_name(endpoint);
  schedule(EventKind::connect, id, environment_.plan.network);
  return id;
}

void Network::client_send(ConnectionId id, std::string_view bytes) {
  Connection& connection = connections_[id];
  PHX_CHECK(!connection.client_ends);
  if (connection.error != 0 || connection.state == ClientState::refused) return;
  connection.outbox.append(bytes);
  wake_to_server(id);
}

void Network::client_end(ConnectionId id) {
  connections_[id].client_ends = true;
  wake_to_server(id);
}

void Network::client_close(ConnectionId id) {
  Connection& connection = connections_[id];
  connection.client_closed = true;
  connection.state = ClientState::closed;
  client_end(id);
  wake_to_client(id);
}

void Network::client_reset(ConnectionId id) {
  Connection& connection = connections_[id];
  connection.client_closed = true;
  connection.state = ClientState::closed;
  break_connection(id);
}

void Network::client_read(ConnectionId id, bool reading) {
  connections_[id].reading = reading;
  wake_to_client(id);
}

void Network::client_detach(ConnectionId id) {
  client_close(id);
  connections_[id].client_attached = false;
  free_if_unused(id);
}

void Network::crash(bool power_cut) {
  for (Listener& listener : listeners_) {
    listener.open = listener.due = false;
    listener.accept = kNoOperation;
    listener.backlog.clear();
  }
  for (ConnectionId id = 0; id < connections_.size(); ++id) {
    if (connections_[id].used) crash_connection(id, power_cut);
  }
}

void Network::crash_connection(ConnectionId id, bool power_cut) {
  Connection& connection = connections_[id];
  ++connection.generation;
  connection.receive_due = connection.to_server_due = connection.to_client_due = false;
  connection.receive = connection.send = kNoOperation;
  connection.holders = 0;
  connection.error = -ECONNRESET;
  if (connection.state == ClientState::connecting) connection.state = ClientState::refused;
  if (connection.state == ClientState::open) {
    const bool in_order = !power_cut && connection.received.empty() && connection.outbox.empty() &&
                          connection.reading && environment_.coin();
    if (in_order) {
      connection.inbox.append(connection.to_send.front(connection.to_send.size()));
    } else {
      deliver_some(connection);
    }
    connection.state = in_order ? ClientState::ended : ClientState::reset;
  }
  free_if_unused(id);
}

void Network::free_if_unused(ConnectionId id) {
  Connection& connection = connections_[id];
  const bool unused = connection.holders == 0 && !connection.client_attached;
  if (!connection.used || !unused) return;
  const std::uint32_t generation = connection.generation + 1;
  connection = Connection();
  connection.generation = generation;
  free_.push_back(id);
}

}  // namespace phoenix::sim
