#include "phoenix/client/connection.h"

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

using protocol::Kind;
using protocol::Status;
using test::echo;
using test::FakeServer;
using test::open_ok;
using test::options_for;
using test::Peer;

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
      peer.reply(hello->header.id, test::hello_value());
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
    CHECK(connection->server().version == "1.2.3");
    CHECK(connection->call({"SET", "k", "v"}, protocol::kWaitDurable).has_value());
  }
  CHECK(name == "tester");
  CHECK(auth == std::vector<std::string>{"AUTH", "open sesame"});
  CHECK(flags == std::vector<std::uint16_t>{protocol::kWaitDurable});
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

TEST_CASE("a frame with id 0 is a message, and answers no request") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    peer.reply(0, test::bytes_value("message"));
    peer.reply(request->header.id, test::integer_value(7));
    peer.reply(0, test::bytes_value("another"));
    peer.wait_for_end();
  });
  const auto connection = open_ok(options_for(server));
  REQUIRE(connection->queue({"GET", "a"}).has_value());
  const auto message = connection->receive();
  REQUIRE(message.has_value());
  CHECK(message->value.is_push);
  CHECK(message->value.bytes == "message");
  const auto reply = connection->receive();
  REQUIRE(reply.has_value());
  CHECK_FALSE(reply->value.is_push);
  CHECK(reply->value.integer == 7);
  CHECK(connection->pending_requests() == 0);
  const auto another = connection->receive_message();
  REQUIRE(another.has_value());
  CHECK(another->value.bytes == "another");
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
