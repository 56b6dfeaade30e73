// Who gets a message: the registry of one core with sessions that have no sockets.
#include "phoenix/server/subscriptions.h"

#include <doctest/doctest.h>

#include "phoenix/server/push.h"
#include "phoenix/server/session.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;

namespace {

using Subscribed = Subscriptions::Subscribed;

struct World {
  World() {
    for (std::uint32_t i = 0; i < 3; ++i) {
      sessions.push_back(std::make_unique<Session>(i, i, -1, pool));
    }
  }
  ~World() {
    for (auto& session : sessions) registry.forget(*session);
  }
  Session& operator[](std::size_t index) { return *sessions[index]; }
  Subscribed subscribe(std::size_t index, std::string_view name,
                       ChannelKind kind = ChannelKind::plain) {
    return registry.subscribe(*sessions[index], kind, name);
  }
  /// What a message reached, as "0:[...];1:[...];".
  std::string publish(std::string_view channel, ChannelKind kind = ChannelKind::plain) {
    delivered.clear();
    const std::uint64_t receivers = registry.publish(kind, channel, "hi", steps);
    CHECK(receivers ==
          static_cast<std::uint64_t>(std::count(delivered.begin(), delivered.end(), ';')));
    return delivered;
  }

  BufferBytes buffers;
  ChunkPool pool{buffers};
  std::vector<std::unique_ptr<Session>> sessions;
  std::string delivered;
  std::uint64_t steps = 0;
  Subscriptions registry{[this](Session& session, Push& push) {
                           if (session.ignores_input) return false;
                           delivered += std::to_string(session.index()) + ":" +
                                        decode_reply(push.encode(Wire::native)) + ";";
                           return true;
                         },
                         buffers, nullptr};
};

TEST_CASE("a message reaches its channel's subscribers, and nobody else") {
  World world;
  CHECK(world.subscribe(0, "a") == Subscribed::done);
  CHECK(world.subscribe(1, "a") == Subscribed::done);
  CHECK(world.subscribe(1, "b") == Subscribed::done);
  CHECK(world.subscribe(2, "a", ChannelKind::shard) == Subscribed::done);
  CHECK(world.publish("a") == "0:[\"message\", \"a\", \"hi\"];1:[\"message\", \"a\", \"hi\"];");
  CHECK(world.publish("b") == "1:[\"message\", \"b\", \"hi\"];");
  CHECK(world.publish("c").empty());
  CHECK(world.publish("a", ChannelKind::shard) == "2:[\"smessage\", \"a\", \"hi\"];");
}

TEST_CASE("who has subscribed to a pattern and the channel gets a message twice") {
  World world;
  (void)world.subscribe(0, "n*", ChannelKind::pattern);
  (void)world.subscribe(0, "news");
  (void)world.subscribe(1, "*s", ChannelKind::pattern);
  CHECK(world.publish("news") ==
        "0:[\"message\", \"news\", \"hi\"];1:[\"pmessage\", \"*s\", \"news\", \"hi\"];"
        "0:[\"pmessage\", \"n*\", \"news\", \"hi\"];");
  CHECK(world.publish("n").find("n*") != std::string::npos);
  CHECK(world.publish("n*", ChannelKind::shard).empty());
}

TEST_CASE("whoever leaves gets nothing, and the others still do") {
  World world;
  for (std::size_t i = 0; i < 3; ++i) (void)world.subscribe(i, "a");
  world.registry.unsubscribe(world[0], ChannelKind::plain, "a");
  world.registry.unsubscribe(world[0], ChannelKind::plain, "a");  // Not there any more.
  CHECK(world.registry.subscribers(ChannelKind::plain, "a") == 2);
  const std::string reached = world.publish("a");
  CHECK(reached.find("1:") != std::string::npos);
  CHECK(reached.find("2:") != std::string::npos);
  CHECK(reached.find("0:") == std::string::npos);
  world.registry.forget(world[2]);
  CHECK(world.publish("a") == "1:[\"message\", \"a\", \"hi\"];");
  world[1].ignores_input = true;
  CHECK(world.publish("a").empty());
}

TEST_CASE("nothing stays of a channel whose last subscriber has left") {
  World world;
  for (const auto kind : {ChannelKind::plain, ChannelKind::pattern, ChannelKind::shard}) {
    (void)world.subscribe(0, "a", kind);
    (void)world.subscribe(0, "b", kind);
    (void)world.subscribe(1, "a", kind);
    CHECK(world.subscribe(1, "a", kind) == Subscribed::done);  // Again: nothing changes.
    CHECK(world.registry.names(kind) == std::vector<std::string_view>{"a", "b"});
  }
  CHECK(world.registry.has_listeners());
  CHECK(world.buffers.channels > 0);
  CHECK(world[0].subscriptions->count() == 6);
  world.registry.forget(world[0]);
  world.registry.forget(world[1]);
  CHECK_FALSE(world.registry.has_listeners());
  for (const auto kind : {ChannelKind::plain, ChannelKind::pattern, ChannelKind::shard}) {
    CHECK(world.registry.names(kind).empty());
  }
  CHECK(world.buffers.channels == 0);
}

TEST_CASE("one session's subscriptions are bounded, by number and by memory") {
  World world;
  std::size_t done = 0;
  const std::string pattern(4096, '?');
  while (world.subscribe(0, pattern + std::to_string(done), ChannelKind::pattern) ==
         Subscribed::done) {
    ++done;
  }
  CHECK(done > 100);
  CHECK(world.buffers.channels <= kSessionSubscriptionBytesMax);
  CHECK(world.subscribe(1, "a") == Subscribed::done);  // It is a bound of each.
}

TEST_CASE("what a message takes is counted") {
  World world;
  (void)world.publish("a");
  const std::uint64_t alone = world.steps;
  for (std::size_t i = 0; i < 3; ++i) (void)world.subscribe(i, "a");
  for (int i = 0; i < 100; ++i) {
    (void)world.subscribe(0, std::to_string(i) + "*x", ChannelKind::pattern);
  }
  world.steps = 0;
  (void)world.publish("a");
  CHECK(world.steps > alone + 100 + 3 * 64);
}

TEST_CASE("a push has a form in each protocol") {
  const std::array<std::string_view, 3> words{"message", "a", "x\r\n"};
  Push push(words);
  CHECK(push.encode(Wire::resp2) == "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\nx\r\n\r\n");
  CHECK(push.encode(Wire::resp3) == ">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$3\r\nx\r\n\r\n");
  const auto replies = decode_replies(push.encode(Wire::native));
  REQUIRE(replies.size() == 1);
  CHECK(replies[0].id == 0);
  CHECK(replies[0].text == "[\"message\", \"a\", \"x\\x0d\\x0a\"]");
  CHECK(push.size_bytes_min() == 11);

  const std::array<std::string_view, 1> text{"1.5 [0 x] \"PING\""};
  Push line(text, Push::Form::line);
  CHECK(line.encode(Wire::resp2) == "+1.5 [0 x] \"PING\"\r\n");
  CHECK(line.encode(Wire::resp3) == "+1.5 [0 x] \"PING\"\r\n");
  CHECK(decode_reply(line.encode(Wire::native)) == "1.5 [0 x] \"PING\"");
}

}  // namespace
