// A client of the simulated server, for workloads: bytes to send are queued without bound, bytes
// received collect until they are taken. It lives through crashes of the server and can connect
// again. Everything travels in virtual time, while the driver runs the world.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "phoenix/io/host.h"
#include "phoenix/sim/network.h"
#include "phoenix/sim/world.h"

namespace phoenix::sim {

class Client final {
 public:
  explicit Client(World& world) : network_(world.network()) {}
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  ~Client() { close(); }

  /// Drops the connection it may have, with what was received, and makes a new one.
  void connect(const io::Endpoint& endpoint);
  ClientState state() const;
  bool open() const { return state() == ClientState::open; }

  /// Queues bytes, also while connecting. Without effect once the connection is broken; not to be
  /// called after half_close().
  void send(std::string_view bytes);
  /// What was queued and has not arrived at the server's socket.
  std::size_t unsent_bytes() const;

  /// Received and not yet taken.
  std::string_view received() const;
  std::string take(std::size_t bytes_most = std::string::npos);

  /// Sends no more: the server sees the end after what was queued.
  void half_close();
  /// Sends what is queued, receives no more.
  void close();
  /// Breaks the connection at once.
  void reset();

  /// A client that does not read lets the server's send buffer fill.
  void set_reading(bool reading);
  /// The most that travels at once, either way: 1 is a byte-at-a-time client.
  void set_segment_bytes(std::size_t bytes_most);

 private:
  static constexpr ConnectionId kNone = ~0U;

  Network& network_;
  ConnectionId id_ = kNone;
};

}  // namespace phoenix::sim
