// Client: what its calls send and return, and what becomes of a connection that breaks.
#include "phoenix/client/client.h"

#include <atomic>
#include <chrono>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/client/request.h"
#include "tests/unit/client/fake_server.h"
#include "tests/unit/client/support.h"

namespace phoenix::client {

using namespace std::chrono_literals;
using protocol::Kind;
using protocol::Status;
using test::bytes_value;
using test::contains;
using test::error_value;
using test::FakeServer;
using test::integer_value;
using test::list_value;
using test::ok_value;
using test::Peer;
using test::text_value;

namespace {

using Words = std::vector<std::string>;

protocol::Value nil_value() {
  protocol::Value value;
  value.status = Status::nil;
  return value;
}

/// Greets and answers with `replies` in turn; notes what was asked.
FakeServer::Script answer_with(std::vector<protocol::Value> replies, std::vector<Words>& asked) {
  return [replies = std::move(replies), &asked](Peer& peer) {
    if (!peer.greet()) return;
    for (const protocol::Value& reply : replies) {
      const auto request = peer.next();
      if (!request) return;
      asked.push_back(request->words());
      peer.reply(request->header.id, reply);
    }
    peer.wait_for_end();
  };
}

ClientOptions client_options(const FakeServer& server) {
  ClientOptions options;
  options.connection = test::options_for(server);
  options.reconnect_for = 0ms;
  return options;
}

}  // namespace

TEST_CASE("values, numbers and conditions come back as what they are") {
  std::vector<Words> asked;
  {
    const FakeServer server(
        answer_with({bytes_value("v"), nil_value(), ok_value(), nil_value(), integer_value(1),
                     integer_value(0), integer_value(42), integer_value(1), integer_value(0)},
                    asked));
    Client client(client_options(server));
    CHECK(client.get("k").value() == std::optional<std::string>("v"));
    CHECK(client.get("k").value() == std::optional<std::string>());
    CHECK(client.set("k", "v", {.ttl = 1500ms}).value() == true);
    CHECK(client.set("k", "v", {.condition = SetOptions::Condition::if_absent, .keep_ttl = true}) ==
          false);
    CHECK(client.del("k").value() == true);
    CHECK(client.exists("k").value() == false);
    CHECK(client.incr("n").value() == 42);
    CHECK(client.expire("k", 2s).value() == true);
    CHECK(client.persist("k").value() == false);
  }
  CHECK(asked == std::vector<Words>{{"GET", "k"},
                                    {"GET", "k"},
                                    {"SET", "k", "v", "PX", "1500"},
                                    {"SET", "k", "v", "NX", "KEEPTTL"},
                                    {"DEL", "k"},
                                    {"EXISTS", "k"},
                                    {"INCR", "n"},
                                    {"PEXPIRE", "k", "2000"},
                                    {"PERSIST", "k"}});
}

TEST_CASE("times to live and several keys") {
  std::vector<Words> asked;
  protocol::Value nested_nil = nil_value();
  nested_nil.kind = Kind::nil;
  const FakeServer server(answer_with(
      {integer_value(-2), integer_value(-1), integer_value(70),
       list_value({bytes_value("1"), nested_nil, bytes_value("")}), ok_value(), list_value({})},
      asked));
  Client client(client_options(server));
  CHECK_FALSE(client.ttl("k")->key_exists);
  const auto endless = client.ttl("k");
  CHECK(endless->key_exists);
  CHECK_FALSE(endless->left.has_value());
  CHECK(client.ttl("k").value().left == 70ms);
  const std::vector<std::string_view> keys{"a", "b", "c"};
  const auto values = client.mget(keys);
  REQUIRE(values.has_value());
  CHECK(*values == std::vector<std::optional<std::string>>{"1", std::nullopt, ""});
  const std::vector<Client::KeyAndValue> pairs{{"a", "1"}, {"b", "2"}};
  CHECK(client.mset(pairs).has_value());
  CHECK(client.mget(keys).error().code == ErrorCode::bad_reply);
  CHECK(client.mget({}).value().empty());
  CHECK(client.mset({}).has_value());
  CHECK(asked.size() == 6);
  CHECK(asked[3] == Words{"MGET", "a", "b", "c"});
  CHECK(asked[4] == Words{"MSET", "a", "1", "b", "2"});
}

TEST_CASE("a refusal of the server is an error with its words and its status") {
  std::vector<Words> asked;
  const FakeServer server(
      answer_with({error_value(Status::out_of_memory, "full"), list_value({}), ok_value()}, asked));
  Client client(client_options(server));
  const auto refused = client.set("k", "v");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::error_reply);
  CHECK(refused.error().status == Status::out_of_memory);
  CHECK(refused.error().message == "OOM full");
  CHECK(client.incr("n").error().code == ErrorCode::bad_reply);
  CHECK(client.call({"LIST"}).error().code == ErrorCode::invalid);
  CHECK(client.call({}).error().code == ErrorCode::invalid);
  CHECK(client.call({"SET", "k", "v"}).has_value());
}

TEST_CASE("durability travels with the request") {
  std::vector<std::uint16_t> flags;
  {
    const FakeServer server([&](Peer& peer) {
      peer.greet();
      while (const auto request = peer.next()) {
        flags.push_back(request->header.flags);
        peer.reply(request->header.id, ok_value());
      }
    });
    Client client(client_options(server));
    CHECK(client.set("k", "v", {.durability = Durability::wait}).has_value());
    CHECK(client.call({"GET", "k"}, Durability::do_not_wait).has_value());
    CHECK(client.set("k", "v").has_value());
  }
  CHECK(flags == std::vector<std::uint16_t>{protocol::kWaitDurable, protocol::kDoNotWait, 0});
}

TEST_CASE("a read that was not answered is repeated once, a write is not") {
  std::atomic<int> gets = 0;
  const FakeServer server(
      [&](Peer& peer) {
        peer.greet();
        const auto request = peer.next();
        if (request && request->words()[0] == "GET" && ++gets == 2) {
          peer.reply(request->header.id, bytes_value("v"));
          static_cast<void>(peer.next());
        }
        // Gone without an answer.
      },
      3);
  Client client(client_options(server));
  CHECK(client.get("k").value() == std::optional<std::string>("v"));
  CHECK(gets == 2);
  const auto lost = client.incr("n");
  REQUIRE_FALSE(lost.has_value());
  CHECK(lost.error().code == ErrorCode::disconnected);
  CHECK(contains(lost.error().message, "may or may not have been executed"));
  // Nothing waits for it on another connection: this is the last one that the server takes.
  CHECK(client.incr("n").error().code == ErrorCode::disconnected);
}

TEST_CASE("a connection that ended between two calls costs nothing") {
  std::vector<Words> asked;
  const FakeServer server(
      [&](Peer& peer) {
        peer.greet();
        const auto request = peer.next();
        asked.push_back(request->words());
        peer.reply(request->header.id, integer_value(static_cast<std::int64_t>(asked.size())));
      },
      2);
  Client client(client_options(server));
  CHECK(client.incr("n").value() == 1);
  // The end of the first connection arrives at some moment after the reply.
  auto second = client.incr("n");
  if (!second) second = client.incr("n");
  CHECK(second.value() == 2);
}

TEST_CASE("what a stopping server has refused is repeated, also a write") {
  int connections = 0;
  const FakeServer server(
      [&](Peer& peer) {
        peer.greet();
        const auto request = peer.next();
        const bool stops = ++connections == 1;
        peer.reply(request->header.id,
                   stops ? error_value(Status::shutting_down, "later") : integer_value(1));
        if (!stops) peer.wait_for_end();
      },
      2);
  ClientOptions options = client_options(server);
  Client client(options);
  auto counted = client.incr("n");
  // When the end of the connection had not arrived yet, the second attempt met it.
  if (!counted) counted = client.incr("n");
  CHECK(counted.value() == 1);
}

TEST_CASE("nobody listens: the first call fails at once") {
  ClientOptions options;
  {
    const FakeServer server([](Peer&) {});
    options = client_options(server);
  }
  options.reconnect_for = 60s;
  Client client(options);
  const auto before = std::chrono::steady_clock::now();
  CHECK(client.get("k").error().code == ErrorCode::unreachable);
  CHECK(std::chrono::steady_clock::now() - before < 10s);
}

TEST_CASE("a server that is being restarted is waited for, for as long as was said") {
  auto server = std::make_unique<FakeServer>([](Peer& peer) {
    peer.greet();
    peer.reply(peer.next()->header.id, ok_value());
  });
  ClientOptions options = client_options(*server);
  options.reconnect_for = 100ms;
  Client client(options);
  REQUIRE(client.call({"PING"}).has_value());
  server.reset();
  const auto stop = std::chrono::steady_clock::now();
  CHECK(client.get("k").error().code == ErrorCode::unreachable);
  CHECK(std::chrono::steady_clock::now() - stop >= 50ms);
}

TEST_CASE("a pipeline answers in order, and an error stops nothing") {
  std::vector<Words> asked;
  const FakeServer server(answer_with({ok_value(), error_value(Status::error, "no number"),
                                       bytes_value("1"), integer_value(1), integer_value(0)},
                                      asked));
  Client client(client_options(server));
  Pipeline pipeline = client.pipeline();
  pipeline.set("a", "1", {.ttl = 5ms}).incr("x").get("a").del("a").exists("a");
  CHECK(pipeline.size() == 5);
  const auto results = pipeline.run();
  REQUIRE(results.size() == 5);
  CHECK(results[0].has_value());
  CHECK(results[1].error().message == "ERR no number");
  CHECK(results[2]->bytes == "1");
  CHECK(results[3]->integer == 1);
  CHECK(pipeline.size() == 0);
  CHECK(pipeline.run().empty());
  CHECK(asked[0] == Words{"SET", "a", "1", "PX", "5"});
}

TEST_CASE("a pipeline has a bound, and sends nothing beyond it") {
  const FakeServer server(test::echo);
  Client client(client_options(server));
  Pipeline pipeline = client.pipeline();
  SUBCASE("of requests") {
    for (std::size_t i = 0; i <= kPipelineRequestsMax; ++i) pipeline.get("k");
  }
  SUBCASE("of bytes") {
    pipeline.set("k", std::string(kPipelineBytesMax / 2, 'v'));
    pipeline.set("k", std::string(kPipelineBytesMax / 2, 'v'));
  }
  const std::size_t size = pipeline.size();
  const auto results = pipeline.run();
  REQUIRE(results.size() == size);
  CHECK(results.front().error().code == ErrorCode::invalid);
  CHECK(results.back().error().code == ErrorCode::invalid);
  CHECK(pipeline.call({"ECHO", "after"}).run()[0]->bytes == "after");
}

TEST_CASE("after a timeout the rest of a pipeline does not wait as well") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    peer.wait_for_end();
  });
  ClientOptions options = client_options(server);
  options.connection.reply_timeout_ms = 50;
  Client client(options);
  Pipeline pipeline = client.pipeline();
  for (int i = 0; i < 1'000; ++i) pipeline.incr("n");
  const auto results = pipeline.run();
  CHECK(results.front().error().code == ErrorCode::timed_out);
  CHECK(results.back().error().code == ErrorCode::timed_out);
  CHECK(contains(results.back().error().message, "1000 requests have no reply"));
}

TEST_CASE("keys are shown as they come, until it is enough") {
  const auto list = [](Peer& peer) {
    peer.greet();
    const auto request = peer.next();
    const std::uint32_t id = request->header.id;
    peer.reply(id, list_value({bytes_value("a"), bytes_value("b")}), true);
    peer.reply(id, list_value({bytes_value(request->words()[1])}), true);
    peer.reply(id, bytes_value("0"));
    peer.wait_for_end();
  };
  const FakeServer server(list, 2);
  Client client(client_options(server));
  std::string seen;
  const auto visit = [&seen](std::string_view key) {
    seen += std::string(key) + ";";
    return key != "b" || seen.size() > 4;
  };
  CHECK(client.for_each_key("p*", visit).has_value());
  CHECK(seen == "a;b;");
  CHECK(client.for_each_key("p*", visit).has_value());
  CHECK(seen == "a;b;a;b;p*;");
}

TEST_CASE("a listing that breaks off is an error") {
  const FakeServer server([](Peer& peer) {
    peer.greet();
    const std::uint32_t id = peer.next()->header.id;
    peer.reply(id, list_value({bytes_value("a")}), true);
  });
  Client client(client_options(server));
  const auto listed = client.for_each_key("*", [](std::string_view) { return true; });
  CHECK(listed.error().code == ErrorCode::disconnected);
}

TEST_CASE("over RESP the calls are the same") {
  const std::string set = "*5\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n$2\r\nPX\r\n$2\r\n10\r\n";
  const FakeServer server([&](Peer& peer) {
    if (peer.take(set.size()) == set) peer.send("+OK\r\n$1\r\nv\r\n:7\r\n-OOM full\r\n");
    peer.wait_for_end();
  });
  ClientOptions options = client_options(server);
  options.connection.wire = Wire::resp;
  Client client(options);
  CHECK(client.set("k", "v", {.ttl = 10ms}).value() == true);
  CHECK(client.get("k").value() == std::optional<std::string>("v"));
  CHECK(client.incr("n").value() == 7);
  CHECK(client.set("k", "v").error().status == Status::out_of_memory);
}

TEST_CASE("what is known of commands") {
  const auto key = [](std::vector<std::string_view> words) {
    return Request{std::move(words), 0}.only_key();
  };
  CHECK(key({"get", "k"}) == "k");
  CHECK(key({"SET", "k", "v", "PX", "1"}) == "k");
  CHECK(key({"DEL", "k"}) == "k");
  CHECK_FALSE(key({"DEL", "k", "l"}));
  CHECK_FALSE(key({"MSET", "k", "v", "l", "v"}));
  CHECK_FALSE(key({"PING", "k"}));
  CHECK_FALSE(key({"GET"}));
  CHECK_FALSE(key({"NEWER", "k"}));
  CHECK(Request{{"MGET", "a", "b"}, 0}.only_reads());
  CHECK_FALSE(Request{{"GETX", "a"}, 0}.only_reads());
  CHECK_FALSE(Request{{"SET", "k", "v"}, 0}.only_reads());
}

}  // namespace phoenix::client
