#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/client/fake_server.h"
#include "tests/unit/client/support.h"

namespace phoenix::client {

using protocol::Status;
using test::call_error;
using test::contains;
using test::FakeServer;
using test::open_error;
using test::open_ok;
using test::options_for;
using test::Peer;

TEST_CASE("a refused password is an error with the server's words") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    peer.reply(request->header.id, test::error_value(Status::wrong_password, "no such password"));
    peer.wait_for_end();
  });
  Options options = options_for(server);
  options.password = "x";
  const Error error = open_error(options);
  CHECK(error.code == ErrorCode::refused);
  CHECK(contains(error.message, "WRONGPASS no such password"));
}

TEST_CASE("what a server says cannot steer the terminal") {
  const std::string evil = "\033[2J\a\xc2\x9bx\n";
  const std::string shown = "ERR \\x1b[2J\\x07\\xc2\\x9bx\\x0a";
  const FakeServer refuses_greeting([&evil](Peer& peer) {
    peer.reply(peer.next()->header.id, test::error_value(Status::error, evil));
    peer.wait_for_end();
  });
  CHECK(contains(open_error(options_for(refuses_greeting)).message, shown));
  const FakeServer refuses_password([&evil](Peer& peer) {
    peer.greet();
    peer.reply(peer.next()->header.id, test::error_value(Status::error, evil));
    peer.wait_for_end();
  });
  Options options = options_for(refuses_password);
  options.password = "x";
  CHECK(contains(open_error(options).message, shown));
  const FakeServer ends([&evil](Peer& peer) {
    peer.greet();
    static_cast<void>(peer.next());
    peer.reply(0, test::error_value(Status::error, evil));
    peer.wait_for_end();
  });
  CHECK(contains(call_error(*open_ok(options_for(ends))).message, shown));
  const FakeServer stranger([](Peer& peer) {
    peer.send("\033]0;x\a" + std::string(16, ' '));
    peer.wait_for_end();
  });
  CHECK(contains(open_error(options_for(stranger)).message, "it sent '\\x1b]0;x\\x07"));
}

TEST_CASE("nobody listens") {
  std::uint16_t port = 0;
  {
    const FakeServer server([](Peer&) {});
    port = server.port();
  }
  Options options;
  options.endpoint.port = port;
  const Error error = open_error(options);
  CHECK(error.code == ErrorCode::unreachable);
  CHECK(error.message == "no server at 127.0.0.1:" + std::to_string(port) +
                             ": connection refused; is the server running?");
  options.endpoint.unix_path = "/nonexistent/phoenix.sock";
  CHECK(
      open_error(options).message ==
      "no server at /nonexistent/phoenix.sock: no such file or directory; is the server running?");
  options.endpoint.unix_path = std::string(200, 'p');
  CHECK(open_error(options).code == ErrorCode::invalid);
}

TEST_CASE("a peer that is no Phoenix is named by what it sent") {
  const FakeServer server([](Peer& peer) {
    peer.send("HTTP/1.1 400 Bad Request\r\nServer: other\r\n\r\n");
    peer.wait_for_end();
  });
  const Error error = open_error(options_for(server));
  CHECK(error.code == ErrorCode::version);
  CHECK(contains(error.message, "is not Phoenix: it sent 'HTTP/1.1 400 Bad Request'"));
}

TEST_CASE("another version of the protocol says who must be updated") {
  std::string frame = test::reply_frame(1, test::ok_value());
  SUBCASE("newer") {
    frame[0] = '\xE2';
  }
  SUBCASE("older") {
    frame[0] = '\xE0';
  }
  const bool is_newer = frame[0] == '\xE2';
  const FakeServer server([&frame](Peer& peer) {
    peer.send(frame);
    peer.wait_for_end();
  });
  const Error error = open_error(options_for(server));
  CHECK(error.code == ErrorCode::version);
  CHECK(contains(error.message, is_newer ? "speaks version 2 of the protocol and this client "
                                           "version 1: update the client"
                                         : "speaks version 0 of the protocol and this client "
                                           "version 1: update the server"));
}

TEST_CASE("a server that closes instead of greeting") {
  const FakeServer server([](Peer& peer) { static_cast<void>(peer.next()); });
  const Error error = open_error(options_for(server));
  CHECK(error.code == ErrorCode::disconnected);
  CHECK(contains(error.message, "closed the connection without an answer"));
}

TEST_CASE("a server that refuses the connection says why") {
  const FakeServer server([](Peer& peer) {
    peer.reply(0, test::error_value(Status::busy, "too many sessions"));
    peer.wait_for_end();
  });
  const Error error = open_error(options_for(server));
  CHECK(error.code == ErrorCode::refused);
  CHECK(contains(error.message, "BUSY too many sessions"));
}

TEST_CASE("a name that no server takes is refused here") {
  const FakeServer server([](Peer& peer) { peer.wait_for_end(); });
  Options options = options_for(server);
  options.client_name = std::string(protocol::kClientNameBytesMax + 1, 'n');
  const Error error = open_error(options);
  CHECK(error.code == ErrorCode::invalid);
  CHECK(error.message == "a client's name has at most 1024 characters");
}

TEST_CASE("a greeting that does not name Phoenix") {
  const FakeServer server([](Peer& peer) {
    const auto hello = peer.next();
    peer.reply(hello->header.id, test::ok_value());
    peer.wait_for_end();
  });
  const Error error = open_error(options_for(server));
  CHECK(error.code == ErrorCode::version);
  CHECK(contains(error.message, "does not say that it is Phoenix"));
}

TEST_CASE("a bad frame is about the connection, whatever its id") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    const std::uint32_t id = request->header.id;
    peer.reply(id + 5, test::error_value(Status::bad_frame, "bad flags"));
    peer.wait_for_end();
  });
  const auto connection = open_ok(options_for(server));
  const Error error = call_error(*connection);
  CHECK(error.code == ErrorCode::refused);
  CHECK(contains(error.message, "ended the connection: ERR bad flags"));
}

TEST_CASE("a server that does not greet in time") {
  const FakeServer server([](Peer& peer) { peer.wait_for_end(); });
  Options options = options_for(server);
  options.connect_timeout_ms = 50;
  const Error error = open_error(options);
  CHECK(error.code == ErrorCode::timed_out);
  CHECK(contains(error.message, "Redis waits for RESP"));
  CHECK(contains(error.message, "did not answer the greeting within 0.05 s"));
}

TEST_CASE("a reply that does not come is a timeout, and may still be waited for") {
  const int may_answer = ::eventfd(0, 0);
  REQUIRE(may_answer >= 0);
  const FakeServer server([may_answer](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    std::uint64_t count = 0;
    if (::read(may_answer, &count, sizeof count) != sizeof count) return;
    peer.reply(request->header.id, test::ok_value());
  });
  Options options = options_for(server);
  options.reply_timeout_ms = 50;
  const auto connection = open_ok(options);
  const Error error = call_error(*connection);
  CHECK(error.code == ErrorCode::timed_out);
  CHECK(contains(error.message,
                 "within 0.05 s; 1 request has no reply and may or may not have been executed"));
  const std::uint64_t one = 1;
  CHECK(::write(may_answer, &one, sizeof one) == sizeof one);
  Result<Reply> reply = fail(ErrorCode::timed_out, {});
  for (int i = 0; i < 400 && !reply && reply.error().code == ErrorCode::timed_out; ++i) {
    reply = connection->receive();
  }
  REQUIRE(reply.has_value());
  CHECK(reply->value.status == Status::ok);
  CHECK(::close(may_answer) == 0);
}

TEST_CASE("a wait can be interrupted from outside") {
  const int interrupt = ::eventfd(0, 0);
  REQUIRE(interrupt >= 0);
  const FakeServer server([interrupt](Peer& peer) {
    peer.greet();
    static_cast<void>(peer.next());
    const std::uint64_t one = 1;
    if (::write(interrupt, &one, sizeof one) == sizeof one) peer.wait_for_end();
  });
  Options options = options_for(server);
  options.interrupt_fd = interrupt;
  {
    const auto connection = open_ok(options);
    CHECK(call_error(*connection).code == ErrorCode::interrupted);
  }
  CHECK(::close(interrupt) == 0);
}

TEST_CASE("a connection that ends inside a reply") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    const std::string frame = test::reply_frame(request->header.id, test::bytes_value("value"));
    peer.send(std::string_view(frame).substr(0, frame.size() - 1));
  });
  const auto connection = open_ok(options_for(server));
  const Error error = call_error(*connection);
  CHECK(error.code == ErrorCode::disconnected);
  CHECK(contains(error.message,
                 "the server closed it in the middle of a reply; 1 request has no "
                 "reply and may or may not have been executed"));
  CHECK(connection->peer_closed());
  CHECK(connection->queue({"GET", "k"}).error().message == error.message);
}

TEST_CASE("replies that came before the end are not lost") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    peer.reply(request->header.id, test::bytes_value("last words"));
    peer.end_sending();
    peer.wait_for_end();
  });
  const auto connection = open_ok(options_for(server));
  REQUIRE(connection->queue({"GET", "a"}).has_value());
  REQUIRE(connection->queue({"GET", "b"}).has_value());
  REQUIRE(connection->flush().has_value());
  const auto reply = connection->receive();
  REQUIRE(reply.has_value());
  CHECK(reply->value.bytes == "last words");
  CHECK(connection->receive().error().code == ErrorCode::disconnected);
}

TEST_CASE("a server that gives the reason and resets is heard") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    peer.reply(request->header.id, test::error_value(Status::shutting_down, "going down"));
    peer.reset();
  });
  const auto connection = open_ok(options_for(server));
  // More than the buffers of a connection hold: sending breaks in the middle.
  const std::string value(std::size_t{32} << 20U, 'v');
  REQUIRE(connection->queue({"GET", "k"}).has_value());
  REQUIRE(connection->queue({"SET", "k", value}).has_value());
  static_cast<void>(connection->flush());
  const auto reply = connection->receive();
  // A reset may overtake what was sent before it; then it is reported as what it is.
  if (reply) {
    CHECK(reply->value.status == Status::shutting_down);
    CHECK(connection->receive().error().code == ErrorCode::disconnected);
  } else {
    CHECK(reply.error().code == ErrorCode::disconnected);
  }
}

TEST_CASE("garbage behind the greeting ends the connection") {
  std::string bytes;
  std::string_view complaint;
  SUBCASE("no frame") {
    bytes = "garbage, and more of it";
    complaint = "bad magic";
  }
  SUBCASE("a reply to what was not asked") {
    bytes = test::reply_frame(77, test::ok_value());
    complaint = "it answered request 77 when request 2 was due";
  }
  SUBCASE("a list that lies about its count") {
    bytes = test::reply_frame(2, test::list_value({test::bytes_value("a")}));
    bytes[protocol::kHeaderBytes] = 9;
    complaint = "bad list";
  }
  SUBCASE("a reply over every limit") {
    bytes = test::reply_frame(2, test::bytes_value("a"));
    bytes.replace(12, 4, "\xff\xff\xff\xff");
    complaint = "reply size over 513 MiB";
  }
  const FakeServer server([&bytes](Peer& peer) {
    peer.greet();
    static_cast<void>(peer.next());
    peer.send(bytes);
    peer.wait_for_end();
  });
  const auto connection = open_ok(options_for(server));
  const Error error = call_error(*connection);
  CHECK(error.code == ErrorCode::bad_reply);
  CHECK(contains(error.message, "broke the protocol: "));
  CHECK_MESSAGE(contains(error.message, complaint), error.message);
}

}  // namespace phoenix::client
