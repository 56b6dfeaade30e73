// The simulated network: listeners, and connections as pairs of bounded pipes whose bytes travel in
// segments of random size, late. TCP's rules that a server can trip over hold: a close with unread
// bytes resets the connection and loses what was under way; bytes that reach a closed end are
// answered by a reset; the end of a stream comes after all its bytes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/io/host.h"
#include "phoenix/sim/connection.h"
#include "phoenix/sim/descriptors.h"
#include "phoenix/sim/environment.h"
#include "phoenix/sim/operations.h"

namespace phoenix::sim {

using ConnectionId = std::uint32_t;
using ListenerId = std::uint32_t;

/// The endpoint in words; equal for equal endpoints.
std::string endpoint_name(const io::Endpoint& endpoint);

class Network final {
 public:
  Network(Environment& environment, Operations& operations, Descriptors& descriptors)
      : environment_(environment), operations_(operations), descriptors_(descriptors) {}
  Network(const Network&) = delete;
  Network& operator=(const Network&) = delete;

  // -- The server's side: the kernel calls these. -----------------------------------------------

  /// `host` names the process: another one cannot listen on the same endpoint meanwhile.
  Result<ListenerId> listen(const io::Endpoint& endpoint, std::uint32_t host);
  /// A descriptor or an operation refers to it: it stays open although its descriptor was closed.
  void hold(const Descriptor& target);
  void drop(const Descriptor& target);

  void accept(ListenerId id, OperationId operation);
  void receive(ConnectionId id, OperationId operation);
  void send(ConnectionId id, OperationId operation);
  std::int32_t shutdown(ConnectionId id);
  /// Ends what waits on it and has this token; returns how many operations that were.
  std::int32_t cancel(const Descriptor& target, io::Token token);
  /// The operation ends without a completion.
  void forget(const Descriptor& target, OperationId operation);

  void handle(const Event& event);

  /// The process ended. Of what it sent some arrives, then the connections break; after a kill one
  /// that had taken all its bytes may end in order.
  void crash(bool power_cut);

  // -- The clients' side. -------------------------------------------------------------------------

  ConnectionId connect(const io::Endpoint& endpoint);
  Connection& connection(ConnectionId id) { return connections_[id]; }
  const Connection& connection(ConnectionId id) const { return connections_[id]; }
  void client_send(ConnectionId id, std::string_view bytes);
  void client_end(ConnectionId id);
  void client_close(ConnectionId id);
  void client_reset(ConnectionId id);
  void client_read(ConnectionId id, bool reading);
  void client_detach(ConnectionId id);

 private:
  struct Listener {
    bool open = false;
    std::uint32_t generation = 0;
    std::uint32_t holders = 0;
    std::uint32_t host = 0;
    std::string endpoint;
    std::deque<ConnectionId> backlog;
    OperationId accept = kNoOperation;
    bool due = false;
  };

  void close_listener(ListenerId id);
  void close_socket(ConnectionId id);
  void on_connect(ConnectionId id);
  void on_accept(ListenerId id);
  void on_receive(ConnectionId id);
  void on_to_server(ConnectionId id);
  void on_to_client(ConnectionId id);

  void wake_accept(ListenerId id);
  void wake_receive(ConnectionId id);
  void wake_to_server(ConnectionId id);
  void wake_to_client(ConnectionId id);
  void schedule(EventKind kind, ConnectionId id, Latency latency);

  void hand_out(ConnectionId id);
  void fill_send_buffer(ConnectionId id);
  void end_receive(Connection& connection, std::int32_t result);
  void break_connection(ConnectionId id);
  void deliver_some(Connection& connection);
  void crash_connection(ConnectionId id, bool power_cut);
  std::size_t segment(const Connection& connection, std::size_t bytes_most);
  bool multishot_ends();
  void free_if_unused(ConnectionId id);

  Environment& environment_;
  Operations& operations_;
  Descriptors& descriptors_;
  std::vector<Listener> listeners_;
  std::vector<Connection> connections_;
  std::vector<ConnectionId> free_;
};

}  // namespace phoenix::sim
