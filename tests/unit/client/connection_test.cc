#include "phoenix/client/connection.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/client/fake_server.h"

namespace phoenix::client {

namespace {

using protocol::Kind;
using protocol::Status;
using test::FakeServer;
using test::Peer;

/// Long enough for any machine; only a broken test waits for it.
constexpr std::uint32_t kPatienceMs = 20'000;

Options options_for(const FakeServer& server) {
  Options options;
  options.endpoint.port = server.port();
  options.connect_timeout_ms = kPatienceMs;
  options.reply_timeout_ms = kPatienceMs;
  return options;
}

std::unique_ptr<Connection> open_ok(const Options& options) {
  auto connection = Connection::open(options);
  REQUIRE_MESSAGE(connection.has_value(), connection.error().message);
  return std::move(*connection);
}

Error open_error(const Options& options) {
  auto connection = Connection::open(options);
  REQUIRE_FALSE(connection.has_value());
  return connection.error();
}

Error call_error(Connection& connection) {
  const auto reply = connection.call({"GET", "k"});
  REQUIRE_FALSE(reply.has_value());
  return reply.error();
}

bool contains(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

/// Answers every argv request with its last word.
void echo(Peer& peer) {
  if (!peer.greet()) return;
  while (const auto request = peer.next()) {
    const std::string word = request->words().back();
    if (!peer.reply(request->header.id, test::bytes_value(word))) return;
  }
}

}  // namespace

TEST_CASE("a command and its reply carry any bytes") {
  const FakeServer server(echo);
  const auto connection = open_ok(options_for(server));
  const std::string binary("\0\xff\r\n\xf1 \"", 7);
  const auto reply = connection->call({"ECHO", binary});
  REQUIRE(reply.has_value());
  CHECK(reply->value.bytes == binary);
  CHECK(reply->value.kind == Kind::bytes);
  CHECK_FALSE(reply->more_follows);
  CHECK(connection->pending_requests() == 0);
}

TEST_CASE("HELLO carries the client's name, and AUTH the password") {
  std::string name;
  std::vector<std::string> auth;
  std::vector<std::uint16_t> flags;
  {
    const FakeServer server([&](Peer& peer) {
      const auto hello = peer.next();
      name = hello->value;
      peer.reply(hello->header.id, test::list_value({}, Kind::map));
      const auto request = peer.next();
      auth = request->words();
      peer.reply(request->header.id, test::ok_value());
      const auto durable = peer.next();
      flags.push_back(durable->header.flags);
      peer.reply(durable->header.id, test::ok_value());
    });
    Options options = options_for(server);
    options.client_name = "tester";
    options.password = "open sesame";
    const auto connection = open_ok(options);
    CHECK(connection->call({"SET", "k", "v"}, protocol::kWaitDurable).has_value());
  }
  CHECK(name == "tester");
  CHECK(auth == std::vector<std::string>{"AUTH", "open sesame"});
  CHECK(flags == std::vector<std::uint16_t>{protocol::kWaitDurable});
}

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

TEST_CASE("an error of the server is a reply, and the connection goes on") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    auto request = peer.next();
    peer.reply(request->header.id, test::error_value(Status::out_of_memory, "full"));
    request = peer.next();
    protocol::Value nil;
    nil.status = Status::nil;
    peer.reply(request->header.id, nil);
  });
  const auto connection = open_ok(options_for(server));
  const auto refused = connection->call({"SET", "k", "v"});
  REQUIRE(refused.has_value());
  CHECK(refused->is_error());
  CHECK(refused->value.status == Status::out_of_memory);
  CHECK(refused->value.bytes == "full");
  const auto nil = connection->call({"GET", "k"});
  REQUIRE(nil.has_value());
  CHECK_FALSE(nil->is_error());
  CHECK(nil->value.status == Status::nil);
}

TEST_CASE("replies come whole, however their bytes are split") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    const std::uint32_t id = request->header.id;
    const std::string frames = test::reply_frame(id, test::bytes_value("first")) +
                               test::reply_frame(id + 1, test::integer_value(-7));
    for (const char byte : frames) peer.send({&byte, 1});
    peer.wait_for_end();
  });
  const auto connection = open_ok(options_for(server));
  REQUIRE(connection->queue({"GET", "a"}).has_value());
  REQUIRE(connection->queue({"INCR", "b"}).has_value());
  const auto first = connection->receive();
  REQUIRE(first.has_value());
  CHECK(first->value.bytes == "first");
  const auto second = connection->receive();
  REQUIRE(second.has_value());
  CHECK(second->value.integer == -7);
}

TEST_CASE("parts of a streamed reply are handed on as they arrive") {
  const int may_go_on = ::eventfd(0, 0);
  REQUIRE(may_go_on >= 0);
  const FakeServer server([may_go_on](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    const std::uint32_t id = request->header.id;
    peer.reply(id, test::list_value({test::bytes_value("a"), test::bytes_value("b")}), true);
    // The second part is not sent before the client has the first one in hand.
    std::uint64_t count = 0;
    if (::read(may_go_on, &count, sizeof count) != sizeof count) return;
    peer.reply(id, test::bytes_value("42"));
    peer.wait_for_end();
  });
  const auto connection = open_ok(options_for(server));
  REQUIRE(connection->queue({"LIST"}).has_value());
  const auto part = connection->receive();
  REQUIRE(part.has_value());
  CHECK(part->more_follows);
  CHECK(part->value.items.size() == 2);
  CHECK(connection->pending_requests() == 1);
  const std::uint64_t one = 1;
  CHECK(::write(may_go_on, &one, sizeof one) == sizeof one);
  const auto last = connection->receive();
  REQUIRE(last.has_value());
  CHECK_FALSE(last->more_follows);
  CHECK(last->value.bytes == "42");
  CHECK(connection->pending_requests() == 0);
  CHECK(::close(may_go_on) == 0);
}

TEST_CASE("a pipeline that fills both sockets goes on") {
  constexpr std::uint32_t kRequests = 100'000;
  const std::string filler(300, 'x');
  // 13 MB of requests and 32 MB of replies: several times what the sockets of both sides hold.
  const std::string padding(100, 'p');
  const FakeServer server([&filler](Peer& peer) {
    // Takes nothing more in until each reply is out, as a server with a full session does.
    if (!peer.greet()) return;
    while (const auto request = peer.next()) {
      const std::string value = request->words()[1] + filler;
      if (!peer.reply(request->header.id, test::bytes_value(value))) return;
    }
  });
  const auto connection = open_ok(options_for(server));
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    REQUIRE(connection->queue({"GET", std::to_string(i), padding}).has_value());
  }
  SUBCASE("flushed first") {
    const auto flushed = connection->flush();
    // The server cannot take all in while nobody takes its replies, which are over kInboxBytesMax.
    REQUIRE_FALSE(flushed.has_value());
    CHECK(flushed.error().code == ErrorCode::replies_waiting);
  }
  SUBCASE("received at once") {}
  std::uint32_t right = 0;
  for (std::uint32_t i = 0; i < kRequests; ++i) {
    const auto reply = connection->receive();
    REQUIRE_MESSAGE(reply.has_value(), reply.error().message);
    if (reply->value.bytes == std::to_string(i) + filler) ++right;
  }
  CHECK(right == kRequests);
  CHECK(connection->unsent_bytes() == 0);
}

TEST_CASE("flush sends what fits, and receive goes on from there") {
  const FakeServer server(echo);
  const auto connection = open_ok(options_for(server));
  for (int i = 0; i < 100; ++i) REQUIRE(connection->queue({"ECHO", std::to_string(i)}).has_value());
  REQUIRE(connection->flush().has_value());
  CHECK(connection->unsent_bytes() == 0);
  CHECK(connection->pending_requests() == 100);
  for (int i = 0; i < 100; ++i) {
    const auto reply = connection->receive();
    REQUIRE(reply.has_value());
    CHECK(reply->value.bytes == std::to_string(i));
  }
}

TEST_CASE("a large value goes there and back") {
  const FakeServer server(echo);
  const auto connection = open_ok(options_for(server));
  const std::string value(std::size_t{20} << 20U, 'v');
  const auto reply = connection->call({"ECHO", value});
  REQUIRE(reply.has_value());
  CHECK(reply->value.bytes == value);
}

TEST_CASE("what is queued has a bound") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    peer.wait_for_end();
  });
  const auto connection = open_ok(options_for(server));
  const std::string value(kUnsentBytesMax, 'v');
  REQUIRE(connection->queue({"SET", "k", value}).has_value());
  const auto refused = connection->queue({"GET", "k"});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::replies_waiting);
  CHECK(connection->pending_requests() == 1);
}

TEST_CASE("wrong use is refused, and nothing is sent") {
  const FakeServer server(echo);
  const auto connection = open_ok(options_for(server));
  const std::vector<std::string_view> too_many(protocol::kArgsMax + 1, "x");
  const std::uint16_t contradiction = protocol::kWaitDurable | protocol::kDoNotWait;
  CHECK(connection->queue({}).error().code == ErrorCode::invalid);
  CHECK(connection->queue(too_many).error().code == ErrorCode::invalid);
  CHECK(connection->queue({"SET", "k", "v"}, protocol::kHasTtl).error().code == ErrorCode::invalid);
  CHECK(connection->queue({"SET", "k", "v"}, contradiction).error().code == ErrorCode::invalid);
  CHECK(connection->receive().error().code == ErrorCode::invalid);
  CHECK(connection->unsent_bytes() == 0);
  CHECK(connection->pending_requests() == 0);
  REQUIRE(connection->queue({"ECHO", "a"}).has_value());
  CHECK(connection->call({"ECHO", "b"}).error().code == ErrorCode::invalid);
  CHECK(connection->receive()->value.bytes == "a");
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
                             ": connection refused; is phoenix-server running?");
  options.endpoint.unix_path = "/nonexistent/phoenix.sock";
  CHECK(open_error(options).message ==
        "no server at /nonexistent/phoenix.sock: no such file or directory; is phoenix-server "
        "running?");
  options.endpoint.unix_path = std::string(200, 'p');
  CHECK(open_error(options).code == ErrorCode::invalid);
}

TEST_CASE("a unix socket works as a port does") {
  std::string folder = "/tmp/phoenix-client-test-XXXXXX";
  REQUIRE(::mkdtemp(folder.data()) != nullptr);
  const std::string path = folder + "/socket";
  {
    const FakeServer server(echo, 1, path);
    Options options = options_for(server);
    options.endpoint.unix_path = path;
    const auto connection = open_ok(options);
    CHECK(connection->call({"ECHO", "hello"})->value.bytes == "hello");
  }
  CHECK(::unlink(path.c_str()) == 0);
  CHECK(::rmdir(folder.c_str()) == 0);
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

TEST_CASE("a server that does not greet in time") {
  const FakeServer server([](Peer& peer) { peer.wait_for_end(); });
  Options options = options_for(server);
  options.connect_timeout_ms = 50;
  const Error error = open_error(options);
  CHECK(error.code == ErrorCode::timed_out);
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
  CHECK(contains(error.message, "within 0.05 s"));
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

TEST_CASE("texts for people") {
  CHECK(seconds_text(5'000) == "5 s");
  CHECK(seconds_text(250) == "0.25 s");
  CHECK(seconds_text(1'001) == "1.001 s");
  Endpoint endpoint;
  CHECK(endpoint.text() == "127.0.0.1:6969");
  endpoint.host = "::1";
  CHECK(endpoint.text() == "[::1]:6969");
}

}  // namespace phoenix::client
