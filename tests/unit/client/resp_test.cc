// A connection that speaks RESP.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/client/fake_server.h"
#include "tests/unit/client/support.h"

namespace phoenix::client {

using protocol::Kind;
using protocol::Status;
using test::call_error;
using test::contains;
using test::FakeServer;
using test::open_error;
using test::open_ok;
using test::options_for;
using test::Peer;

namespace {

const std::string kGet = "*2\r\n$3\r\nGET\r\n$1\r\nk\r\n";

Options resp_options(const FakeServer& server) {
  Options options = options_for(server);
  options.wire = Wire::resp;
  return options;
}

/// Answers one GET with `bytes`.
FakeServer::Script answer(std::string bytes) {
  return [bytes = std::move(bytes)](Peer& peer) {
    if (peer.take(kGet.size()) == kGet) peer.send(bytes);
    peer.wait_for_end();
  };
}

}  // namespace

TEST_CASE("over RESP the first bytes are the first request") {
  const FakeServer server(answer("$3\r\na\r\n\r\n"));
  const auto connection = open_ok(resp_options(server));
  CHECK(connection->server().version.empty());
  const auto reply = connection->call({"GET", "k"});
  REQUIRE_MESSAGE(reply.has_value(), reply.error().message);
  CHECK(reply->value.kind == Kind::bytes);
  CHECK(reply->value.bytes == "a\r\n");
  CHECK_FALSE(reply->more_follows);
  CHECK(connection->pending_requests() == 0);
}

TEST_CASE("over RESP a password goes first, and its refusal is told as it was said") {
  const std::string auth = "*2\r\n$4\r\nAUTH\r\n$6\r\nsesame\r\n";
  const std::string said = "WRONGPASS invalid username-password pair";
  std::string first;
  const FakeServer server(
      [&](Peer& peer) {
        first = peer.take(auth.size());
        peer.send(first == auth ? "+OK\r\n" : "-ERR\r\n");
        peer.wait_for_end();
      },
      1);
  Options options = resp_options(server);
  options.password = "sesame";
  CHECK(open_ok(options)->pending_requests() == 0);
  const FakeServer refuses([&](Peer& peer) {
    peer.take(auth.size());
    peer.send("-" + said + "\r\n");
    peer.wait_for_end();
  });
  options.endpoint.port = refuses.port();
  const Error error = open_error(options);
  CHECK(error.code == ErrorCode::refused);
  CHECK(contains(error.message, "refused the password: " + said));
}

TEST_CASE("an error over RESP is a reply, and the connection goes on") {
  const FakeServer server(answer("-WRONGTYPE no string\r\n:7\r\n"));
  const auto connection = open_ok(resp_options(server));
  REQUIRE(connection->queue({"GET", "k"}).has_value());
  REQUIRE(connection->queue({"INCR", "n"}).has_value());
  const auto refused = connection->receive();
  REQUIRE(refused.has_value());
  CHECK(refused->is_error());
  CHECK(error_line(refused->value) == "WRONGTYPE no string");
  const auto number = connection->receive();
  REQUIRE(number.has_value());
  CHECK(number->value.integer == 7);
}

TEST_CASE("replies of RESP come whole, however their bytes are split") {
  const std::string bytes = "*2\r\n$3\r\nabc\r\n*1\r\n$-1\r\n";
  const FakeServer server([&](Peer& peer) {
    static_cast<void>(peer.take(kGet.size()));
    for (const char byte : bytes) peer.send({&byte, 1});
    peer.wait_for_end();
  });
  const auto connection = open_ok(resp_options(server));
  const auto reply = connection->call({"GET", "k"});
  REQUIRE(reply.has_value());
  REQUIRE(reply->value.items.size() == 2);
  CHECK(reply->value.items[0].bytes == "abc");
  CHECK(reply->value.items[1].items[0].status == Status::nil);
}

TEST_CASE("a pipeline of RESP that fills both sockets goes on") {
  constexpr int kRequests = 15'000;
  const std::string value(1'000, 'v');
  const std::string set = "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1000\r\n" + value + "\r\n";
  const FakeServer server([&](Peer& peer) {
    // Takes nothing more in until each reply is out.
    for (int i = 0; i < kRequests; ++i) {
      if (peer.take(set.size()) != set) return;
      if (!peer.send("$1000\r\n" + value + "\r\n")) return;
    }
  });
  const auto connection = open_ok(resp_options(server));
  for (int i = 0; i < kRequests; ++i) REQUIRE(connection->queue({"SET", "k", value}).has_value());
  SUBCASE("flushed first") {
    const auto flushed = connection->flush();
    REQUIRE_FALSE(flushed.has_value());
    CHECK(flushed.error().code == ErrorCode::replies_waiting);
  }
  SUBCASE("received at once") {}
  int right = 0;
  for (int i = 0; i < kRequests; ++i) {
    const auto reply = connection->receive();
    REQUIRE_MESSAGE(reply.has_value(), reply.error().message);
    if (reply->value.bytes == value) ++right;
  }
  CHECK(right == kRequests);
}

TEST_CASE("messages come between replies, and answer none of them") {
  const FakeServer server(answer(">1\r\n+first\r\n:7\r\n*1\r\n+second\r\n"));
  const auto connection = open_ok(resp_options(server));
  REQUIRE(connection->queue({"GET", "k"}).has_value());
  CHECK(connection->receive_message().error().code == ErrorCode::invalid);
  const auto first = connection->receive();
  REQUIRE(first.has_value());
  CHECK(first->value.is_push);
  CHECK(first->value.items.at(0).bytes == "first");
  CHECK(connection->pending_requests() == 1);
  const auto reply = connection->receive();
  REQUIRE(reply.has_value());
  CHECK(reply->value.integer == 7);
  const auto second = connection->receive_message();
  REQUIRE(second.has_value());
  CHECK(second->value.items.at(0).bytes == "second");
}

TEST_CASE("over RESP a request cannot say how durable it is to be") {
  const FakeServer server(answer(""));
  const auto connection = open_ok(resp_options(server));
  const auto refused = connection->queue({"GET", "k"}, protocol::kWaitDurable);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::invalid);
  CHECK(connection->pending_requests() == 0);
}

TEST_CASE("what does not speak RESP is told so, and the end of a connection is told") {
  const FakeServer stranger(answer("HTTP/1.1 400 Bad Request\r\n\r\n"));
  const Error strange = call_error(*open_ok(resp_options(stranger)));
  CHECK(strange.code == ErrorCode::bad_reply);
  CHECK(contains(strange.message, "broke the protocol: bad type: this is no RESP reply"));
  const FakeServer cut([](Peer& peer) {
    static_cast<void>(peer.take(kGet.size()));
    peer.send("$5\r\nab");
  });
  const Error lost = call_error(*open_ok(resp_options(cut)));
  CHECK(lost.code == ErrorCode::disconnected);
  CHECK(contains(lost.message, "in the middle of a reply; 1 request has no reply"));
}

}  // namespace phoenix::client
