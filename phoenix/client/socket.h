// A connected stream socket. Calls never block in the kernel: whoever waits does so in wait(),
// which looks at both directions at once, so that two peers that both write cannot stand still.
//
// Invariants: the descriptor is open from construction to destruction; no call raises SIGPIPE;
// EINTR is never an outcome.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "phoenix/client/deadline.h"
#include "phoenix/client/result.h"

namespace phoenix::client {

/// Where a server listens.
struct Endpoint {
  std::string host = "127.0.0.1";  // A name or an address.
  std::uint16_t port = 6969;
  std::string unix_path;  // When not empty: this unix socket instead.

  /// "127.0.0.1:6969", "[::1]:6969" or the path.
  std::string text() const;
};

class Socket final {
 public:
  enum class Outcome : std::uint8_t { ready, timed_out, interrupted };

  struct Ready {
    Outcome outcome = Outcome::timed_out;
    bool readable = false;
    bool writable = false;
  };

  struct Transfer {
    std::size_t bytes = 0;  // 0: it would block, or see the next two.
    bool closed = false;    // The peer sends nothing more (receive only).
    int error = 0;          // errno; the direction is of no more use.
  };

  /// Connects, trying every address of the host in turn. `timeout_ms` bounds all of it but the
  /// resolver's own work; 0 waits as long as the kernel does. `interrupt_fd` as in Options, or -1.
  static Result<std::unique_ptr<Socket>> connect(const Endpoint& endpoint, std::uint32_t timeout_ms,
                                                 int interrupt_fd);

  /// Takes a connected, non-blocking descriptor over.
  Socket(int fd, int interrupt_fd) : fd_(fd), interrupt_fd_(interrupt_fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket();

  /// Until the socket can be read (or written, when asked for), or the deadline passes, or
  /// interrupt_fd is readable. A broken connection counts as ready: the transfer then says why.
  Ready wait(bool for_reading, bool for_writing, Deadline deadline) const;

  /// As much as the kernel takes at once.
  Transfer send(std::string_view bytes) const;

  /// What has arrived; `into` must not be empty.
  Transfer receive(std::span<char> into) const;

  /// The peer has closed or reset the connection, and nothing is left to receive.
  bool peer_closed() const;

 private:
  int fd_;
  int interrupt_fd_;
};

/// What the system says about an errno value, in lower case.
std::string os_error_text(int error);

/// "5 s", "0.25 s".
std::string seconds_text(std::uint32_t ms);

}  // namespace phoenix::client
