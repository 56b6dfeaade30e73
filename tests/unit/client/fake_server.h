// A server for tests of clients: one thread, one connection, and a script that says which bytes go
// out when. Bounded: a read or write that takes 20 s ends the script.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "protocol/binary.h"

namespace phoenix::client::test {

struct Request {
  protocol::RequestHeader header;
  std::string key;
  std::string value;
  /// The words of an argv request.
  std::vector<std::string> words() const;
};

/// The server's end of the connection.
class Peer final {
 public:
  explicit Peer(int fd) : fd_(fd) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer();

  /// None at the end of the connection.
  std::optional<Request> next();
  /// The next `bytes`, as they are; empty when they do not come.
  std::string take(std::size_t bytes);
  /// All of it; false when the client has gone.
  bool send(std::string_view bytes) const;
  bool reply(std::uint32_t id, const protocol::Value& value, bool more_follows = false) const;
  /// Answers HELLO.
  bool greet();
  /// Sends nothing more, and still receives.
  void end_sending() const;
  /// Closes so that the client gets a reset.
  void reset();
  /// True when the client has closed, false when it did not in time.
  bool wait_for_end() const;

 private:
  bool fill(std::size_t bytes);

  int fd_;
  std::string input_;
};

class FakeServer final {
 public:
  using Script = std::function<void(Peer&)>;

  /// Listens on 127.0.0.1, or on `unix_path`, and runs `script` for each of the `connections` that
  /// come, one after the other.
  explicit FakeServer(Script script, int connections = 1, const std::string& unix_path = {});
  FakeServer(const FakeServer&) = delete;
  FakeServer& operator=(const FakeServer&) = delete;
  ~FakeServer();

  std::uint16_t port() const { return port_; }

 private:
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::thread thread_;
};

/// Values as a server builds them.
protocol::Value hello_value();
protocol::Value ok_value();
protocol::Value bytes_value(std::string_view bytes);
protocol::Value integer_value(std::int64_t integer);
protocol::Value text_value(std::string_view text);
protocol::Value error_value(protocol::Status status, std::string_view text);
protocol::Value list_value(std::vector<protocol::Value> items,
                           protocol::Kind kind = protocol::Kind::list);

/// A whole reply frame.
std::string reply_frame(std::uint32_t id, const protocol::Value& value, bool more_follows = false);

}  // namespace phoenix::client::test
