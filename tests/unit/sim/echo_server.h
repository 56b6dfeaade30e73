// A small echo server on a simulated ring, for the tests of the simulated network: it re-arms what
// ends, sends one piece at a time per socket, and closes at the end of a stream.
#pragma once

#include <array>
#include <cerrno>
#include <cstring>
#include <map>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "phoenix/sim/client.h"
#include "phoenix/sim/host.h"
#include "phoenix/sim/ring.h"
#include "phoenix/sim/world.h"

namespace phoenix::sim_test {

inline io::Endpoint test_endpoint() {
  return io::Endpoint{"127.0.0.1", 6969, {}};
}

class EchoServer final {
 public:
  EchoServer(sim::World& world, sim::Host& host) : ring(world) {
    const auto listening = host.listen(test_endpoint());
    REQUIRE(listening.has_value());
    listener = *listening;
    arm(io::Operation::Kind::accept, io::TokenKind::accept, listener);
  }
  EchoServer(const EchoServer&) = delete;
  EchoServer& operator=(const EchoServer&) = delete;

  void turn() {
    std::array<io::Completion, 8> out;
    const std::size_t count = ring.run_once(out, io::kNoDeadline);
    for (std::size_t i = 0; i < count; ++i) handle(out[i]);
  }

  struct Session {
    std::string echo;     // Received, not yet sent.
    std::string sending;  // Lent to the kernel.
    bool ended = false;
    bool closing = false;
  };

  sim::Ring ring;
  int listener = -1;
  bool wait = true;     // Operation::wait of the sends.
  bool echoing = true;  // False: receives, but does not answer.
  std::map<int, Session> sessions;
  std::size_t accepted = 0;
  std::size_t received = 0;
  std::size_t ended_by_error = 0;
  std::size_t refused_accepts = 0;

 private:
  void arm(io::Operation::Kind kind, io::TokenKind token, int fd) {
    io::Operation operation;
    operation.kind = kind;
    operation.fd = fd;
    operation.token = io::make_token(token, static_cast<std::uint64_t>(fd));
    ring.submit(operation);
  }

  void handle(const io::Completion& completion) {
    const int fd = static_cast<int>(io::token_id(completion.token));
    switch (io::token_kind(completion.token)) {
      case io::TokenKind::accept:
        on_accept(completion);
        break;
      case io::TokenKind::receive:
        on_receive(fd, completion);
        break;
      case io::TokenKind::send:
        on_sent(fd, completion);
        break;
      default:
        break;
    }
  }

  void on_accept(const io::Completion& completion) {
    if (completion.result >= 0) {
      ++accepted;
      sessions[completion.result] = Session();
      arm(io::Operation::Kind::receive, io::TokenKind::receive, completion.result);
    } else {
      ++refused_accepts;
      REQUIRE(completion.result == -EMFILE);
      return;
    }
    if (!completion.more) arm(io::Operation::Kind::accept, io::TokenKind::accept, listener);
  }

  void on_receive(int fd, const io::Completion& completion) {
    Session& session = sessions.at(fd);
    if (completion.result > 0) {
      REQUIRE(completion.bytes.size() == static_cast<std::size_t>(completion.result));
      session.echo.append(reinterpret_cast<const char*>(completion.bytes.data()),
                          completion.bytes.size());
      received += completion.bytes.size();
      ring.release(completion.buffer);
      REQUIRE(session.echo.find('\xDD') == std::string::npos);
    } else if (completion.result != -ENOBUFS) {
      REQUIRE_FALSE(completion.more);
      session.ended = true;
      if (completion.result < 0) ++ended_by_error;
      if (completion.result < 0) session.echo.clear();
    }
    if (!completion.more && !session.ended) {
      arm(io::Operation::Kind::receive, io::TokenKind::receive, fd);
    }
    pump(fd, session);
  }

  void on_sent(int fd, const io::Completion& completion) {
    Session& session = sessions.at(fd);
    if (completion.result >= 0) {
      session.echo.insert(0, session.sending.substr(static_cast<std::size_t>(completion.result)));
    } else if (completion.result == -EAGAIN) {
      session.echo.insert(0, session.sending);
    } else {
      session.echo.clear();
      session.ended = true;
    }
    session.sending.clear();
    pump(fd, session);
  }

  void pump(int fd, Session& session) {
    if (!session.sending.empty()) return;
    if (echoing && !session.echo.empty()) {
      session.sending = std::exchange(session.echo, {});
      io::Operation operation;
      operation.kind = io::Operation::Kind::send;
      operation.fd = fd;
      operation.token = io::make_token(io::TokenKind::send, static_cast<std::uint64_t>(fd));
      operation.source = std::as_bytes(std::span(session.sending.data(), session.sending.size()));
      operation.wait = wait;
      ring.submit(operation);
    } else if (session.ended && !session.closing) {
      session.closing = true;
      arm(io::Operation::Kind::close, io::TokenKind::ignored, fd);
    }
  }
};

/// Runs one or more servers until `done()` or for `limit_ns` of virtual time; returns done().
template <typename Done>
bool run_servers(sim::World& world, std::vector<EchoServer*> servers, Done done,
                 std::uint64_t limit_ns = 10'000'000'000) {
  return world.drive([&](const sim::Ring& ring) { servers[ring.index()]->turn(); }, done,
                     world.now_ns() + limit_ns);
}

}  // namespace phoenix::sim_test
