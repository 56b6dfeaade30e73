// A connection to a server, for programs that wait: commands as words, replies in the order of the
// requests, and as many requests under way as the caller likes. The server is Phoenix; over RESP it
// may be Redis, or any of its relatives.
//
// Invariants: requests and replies are matched by id where the protocol has them; a reply is handed
// on as soon as it is whole; memory is bounded by kUnsentBytesMax and one request on the way out,
// and by one reply and kInboxBytesMax on the way in; while this side sends, it also receives, so
// that a pipeline that fills the buffers of both sockets goes on. For one thread at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "phoenix/client/result.h"
#include "phoenix/client/socket.h"
#include "phoenix/client/wire.h"

namespace phoenix::client {

class Codec;

/// queue() refuses further requests above this many bytes.
inline constexpr std::size_t kUnsentBytesMax = std::size_t{64} << 20U;
/// flush() stops receiving above this many bytes when a whole reply is among them.
inline constexpr std::size_t kInboxBytesMax = std::size_t{1} << 20U;

struct Options {
  Endpoint endpoint;
  /// Over RESP there is no greeting: a peer that is something else shows at the first reply.
  Wire wire = Wire::native;
  /// Told in HELLO, for CLIENT LIST. Empty, or up to 1024 printable ASCII characters without
  /// blanks. Not told over RESP.
  std::string client_name;
  /// Sent with AUTH when set.
  std::optional<std::string> password;
  /// For connecting, HELLO and AUTH together; 0 waits forever.
  std::uint32_t connect_timeout_ms = 5'000;
  /// How long nothing at all may move while a call waits; 0 waits forever. A reply that comes in
  /// slowly but steadily is no timeout, however large it is.
  std::uint32_t reply_timeout_ms = 30'000;
  /// A call that waits ends with `interrupted` when this descriptor is readable; -1 for none.
  /// Owned by the caller, who also reads from it.
  int interrupt_fd = -1;
};

/// A run of slots that one core owns.
struct SlotRange {
  std::uint16_t first = 0;
  std::uint16_t last = 0;  // Within.
  std::uint16_t core = 0;

  bool operator==(const SlotRange&) const = default;
};

/// Who owns which key. A server whose cores have no ports of their own tells none.
struct CoreMap {
  std::vector<SlotRange> slots;      // In order, and all of them.
  std::vector<std::uint16_t> ports;  // Of each core.

  bool operator==(const CoreMap&) const = default;
};

/// What the server told in its greeting; nothing over RESP.
struct ServerInfo {
  std::string version;     // Of the program, as "0.1.0".
  std::string durability;  // "always", "interval" or "off".
  std::optional<CoreMap> cores;
};

class Connection final {
 public:
  /// Connects and greets: HELLO (not over RESP), then AUTH when there is a password.
  static Result<std::unique_ptr<Connection>> open(const Options& options);

  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection();

  /// Adds a request to what the next flush() or receive() sends. `flags` may be kWaitDurable or
  /// kDoNotWait, and is 0 over RESP. `invalid` when the words break a limit of the protocol,
  /// `replies_waiting` when kUnsentBytesMax are queued: nothing was added then.
  Result<void> queue(const std::vector<std::string_view>& words, std::uint16_t flags = 0);

  /// Sends all that is queued. `replies_waiting`: the server takes nothing more until replies are
  /// taken from it; receive() sends the rest too. That a connection broke while sending is told by
  /// receive(), behind the replies that still came.
  Result<void> flush();

  /// The next reply in the order of the requests (or the next part of it), sending what is queued
  /// meanwhile. `invalid` when no request waits for one. An error of the server is a reply. To who
  /// has subscribed a message may come first (Value::is_push); the reply is still due then.
  Result<Reply> receive();

  /// The next thing that the server sends without a request: a message of a channel, a line of
  /// MONITOR. Waits for as long as it takes. `invalid` while replies are due.
  Result<Reply> receive_message();

  /// queue() and receive(), for a request whose reply has one part and when none other waits.
  Result<Reply> call(const std::vector<std::string_view>& words, std::uint16_t flags = 0);

  /// Gives the connection up: every further call returns `why`.
  void close(Error why) { dead_ = std::move(why); }

  /// Requests whose reply has not been received to its end.
  std::size_t pending_requests() const { return pending_; }

  const ServerInfo& server() const { return server_; }

  std::size_t unsent_bytes() const { return out_.size() - sent_; }

  /// The server has closed the connection, and nothing is left to receive. Asks the kernel only.
  bool peer_closed() const { return dead_.has_value() || socket_->peer_closed(); }

 private:
  Connection(const Options& options, std::unique_ptr<Socket> socket);

  Result<void> greet(Deadline deadline);
  Result<void> learn(const protocol::Value& hello);
  Result<void> authenticate(Deadline deadline);
  Error greeting_failure(Error error) const;

  Result<Reply> receive_until(const std::optional<Deadline>& deadline);
  /// A whole reply that has arrived, or none, or why there can be none.
  Result<bool> take_reply(Reply& reply);
  /// Waits until something moves; sends and receives what it can. `timeout_ms` is what the deadline
  /// was made of, for the error.
  Result<void> exchange(Deadline deadline, std::uint32_t timeout_ms);
  Result<void> exchange_idle();
  void send_unsent();
  Result<void> receive_arrived();

  bool must_send() const { return unsent_bytes() > 0 && send_error_ == 0; }
  tl::unexpected<Error> die(ErrorCode code, std::string message,
                            protocol::Status status = protocol::Status::ok);
  std::string closed_text(int error) const;
  std::string unanswered_text() const;

  const Options options_;
  std::unique_ptr<Socket> socket_;

  std::string out_;
  std::size_t sent_ = 0;  // Of out_.
  int send_error_ = 0;    // errno: sending is over, receiving is not.

  std::unique_ptr<Codec> codec_;
  std::optional<Reply> waiting_;  // Taken off the codec by flush().
  std::string first_bytes_;       // Of the peer, until it is known to be Phoenix.
  bool greeted_ = false;
  ServerInfo server_;

  std::size_t pending_ = 0;
  std::optional<Error> dead_;  // What every further call returns.
};

}  // namespace phoenix::client
