// One simulated connection: two pipes of bytes between a client and the server's socket, and what
// each end knows of the other. Plain state; network.cc has the rules.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "phoenix/sim/operations.h"

namespace phoenix::sim {

/// Bytes in order, taken from the front.
class ByteQueue final {
 public:
  void append(std::string_view bytes) { bytes_.append(bytes); }
  std::string_view front(std::size_t bytes_most) const {
    return std::string_view(bytes_).substr(taken_, bytes_most);
  }
  void take(std::size_t bytes) {
    taken_ += bytes;
    if (taken_ * 2 < bytes_.size()) return;
    bytes_.erase(0, taken_);
    taken_ = 0;
  }
  void clear() {
    bytes_.clear();
    taken_ = 0;
  }
  std::size_t size() const { return bytes_.size() - taken_; }
  bool empty() const { return size() == 0; }

 private:
  std::string bytes_;
  std::size_t taken_ = 0;
};

/// What a client knows of its connection.
enum class ClientState : std::uint8_t {
  closed,      // None, or the client closed it.
  connecting,  // Not yet known to the server.
  refused,     // Nobody listened there.
  open,
  ended,  // The server sends no more, and everything it sent was received.
  reset,  // Broken: by the server, by chance or by a crash. What was under way is lost.
};

struct Connection {
  bool used = false;
  std::uint32_t generation = 0;
  std::string endpoint;

  // The client's end.
  ClientState state = ClientState::connecting;
  bool client_attached = true;  // A Client object refers to it.
  bool client_closed = false;   // Receives no more: the server's bytes are answered by a reset.
  bool client_ends = false;     // Sends no more: the end follows the outbox.
  bool reading = true;
  std::size_t segment_bytes_most = ~std::size_t{0};
  ByteQueue outbox;   // Not yet at the server.
  std::string inbox;  // Received.

  // The server's socket.
  bool accepted = false;
  std::uint32_t holders = 0;  // Its descriptor, and the operations under way on it.
  ByteQueue received;         // Arrived, not yet handed out.
  bool end_arrived = false;   // The client's end, behind `received`.
  ByteQueue to_send;          // Taken from sends, not yet at the client.
  bool server_ends = false;   // The end follows to_send.
  std::int32_t error = 0;     // The socket is broken: -ECONNRESET.
  OperationId receive = kNoOperation;
  OperationId send = kNoOperation;

  // An event of that kind is in the queue.
  bool receive_due = false;
  bool to_server_due = false;
  bool to_client_due = false;
};

}  // namespace phoenix::sim
