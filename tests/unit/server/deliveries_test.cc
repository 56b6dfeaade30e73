// A message for many, and who comes and goes while it is on its way: the registry of one core with
// sessions that have no sockets.
#include "phoenix/server/deliveries.h"

#include <map>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "phoenix/server/session.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;

namespace {

struct World {
  explicit World(std::size_t count) {
    for (std::uint32_t i = 0; i < count; ++i) sessions.push_back(make(i));
  }
  ~World() {
    for (auto& session : sessions) registry.forget(*session);
  }
  std::unique_ptr<Session> make(std::uint32_t index) {
    return std::make_unique<Session>(index, index, -1, pool);
  }
  void subscribe_all(std::string_view name, ChannelKind kind = ChannelKind::plain) {
    for (auto& session : sessions) (void)registry.subscribe(*session, kind, name);
  }
  std::uint64_t publish(std::string_view channel, std::string_view text) {
    std::uint64_t steps = 0;
    return registry.publish(ChannelKind::plain, channel, text, steps);
  }
  /// A turn; returns how many got something.
  std::size_t turn(std::size_t budget = 100'000) {
    const std::size_t before = deliveries;
    TurnWork work;
    work.grant(budget);
    registry.deliver(work);
    return deliveries - before;
  }
  void drain() {
    while (registry.has_deliveries()) (void)turn();
  }

  BufferBytes buffers;
  ChunkPool pool{buffers};
  std::vector<std::unique_ptr<Session>> sessions;
  std::map<std::uint32_t, std::string> got;  // By the session's index: texts.
  std::size_t deliveries = 0;
  Subscriptions registry{[this](Session& session, Push& push) {
                           ++deliveries;
                           if (session.ignores_input) return false;
                           const std::string words = decode_reply(push.encode(Wire::native));
                           const std::size_t end = words.rfind('"');
                           const std::size_t begin = words.rfind('"', end - 1) + 1;
                           got[session.index()] += words.substr(begin, end - begin) + ";";
                           return true;
                         },
                         buffers, nullptr};
};

constexpr std::size_t kMany = 3 * Subscriptions::kReceiversAtOnceMax;

TEST_CASE("a message for a few is delivered at once, one for many in bounded slices") {
  World world(kMany);
  (void)world.registry.subscribe(*world.sessions[0], ChannelKind::plain, "few");
  world.subscribe_all("many");
  CHECK(world.publish("few", "a") == 1);
  CHECK(world.deliveries == 1);
  CHECK(world.publish("many", "b") == kMany);
  CHECK(world.deliveries == 1);
  CHECK(world.registry.held_bytes() > 0);
  std::size_t turns = 0;
  while (world.registry.has_deliveries()) {
    CHECK(world.turn() <= 100'000 / 4000 + 1);
    ++turns;
  }
  CHECK(turns > 10);
  CHECK(world.deliveries == 1 + kMany);
  CHECK(world.got[0] == "a;b;");
  CHECK(world.got[kMany - 1] == "b;");
  CHECK(world.registry.held_bytes() == 0);
}

TEST_CASE("every subscriber gets messages in the order in which they were published") {
  World world(kMany);
  world.subscribe_all("many");
  world.subscribe_all("p*", ChannelKind::pattern);
  (void)world.registry.subscribe(*world.sessions[7], ChannelKind::plain, "few");
  CHECK(world.publish("many", "1") == kMany);
  (void)world.turn();
  CHECK(world.publish("few", "2") == 1);  // Behind what is on its way, though it is for one only.
  CHECK(world.publish("p", "3") == kMany);
  CHECK(world.publish("many", "4") == kMany);
  world.drain();
  for (std::uint32_t i = 0; i < kMany; ++i) {
    CHECK(world.got[i] == (i == 7 ? "1;2;3;4;" : "1;3;4;"));
  }
}

TEST_CASE("whoever is reached gets with that what else waits for it") {
  World world(kMany);
  world.subscribe_all("many");
  for (int i = 0; i < 10; ++i) (void)world.publish("many", std::to_string(i));
  (void)world.turn(1);
  CHECK(world.got.size() == 1);
  CHECK(world.got[kMany - 1] == "0;1;2;3;4;5;6;7;8;9;");
  world.drain();
  CHECK(world.deliveries == 10 * kMany);
}

TEST_CASE("who leaves a channel has first got what was published, and nothing after that") {
  World world(kMany);
  world.subscribe_all("many");
  (void)world.registry.subscribe(*world.sessions[5], ChannelKind::plain, "few");
  (void)world.publish("many", "1");
  (void)world.publish("few", "2");
  (void)world.publish("many", "3");
  world.registry.unsubscribe(*world.sessions[5], ChannelKind::plain, "few");
  CHECK(world.got[5] == "1;2;3;");  // In order, of all its channels.
  (void)world.publish("few", "4");
  (void)world.publish("many", "5");
  world.registry.unsubscribe(*world.sessions[5], ChannelKind::plain, "many");
  CHECK(world.got[5] == "1;2;3;5;");
  world.drain();
  CHECK(world.got[5] == "1;2;3;5;");
  CHECK(world.got[6] == "1;3;5;");
}

TEST_CASE("who comes while a message is on its way does not get it") {
  World world(kMany + 1);
  Session& late = *world.sessions[kMany];
  for (std::size_t i = 0; i < kMany; ++i) {
    (void)world.registry.subscribe(*world.sessions[i], ChannelKind::plain, "many");
  }
  CHECK(world.publish("many", "1") == kMany);
  (void)world.registry.subscribe(late, ChannelKind::plain, "many");
  (void)world.registry.subscribe(late, ChannelKind::pattern, "m*");
  CHECK(world.publish("many", "2") == kMany + 2);
  world.drain();
  CHECK(world.got[kMany] == "2;2;");
  CHECK(world.got[0] == "1;2;");
}

TEST_CASE("sessions and channels may go while a message is on its way to them") {
  World world(kMany);
  world.subscribe_all("many");
  world.subscribe_all("m*", ChannelKind::pattern);
  CHECK(world.publish("many", "1") == 2 * kMany);
  (void)world.turn();
  for (auto& session : world.sessions) {
    session->ignores_input = true;
    world.registry.forget(*session);
    session = world.make(session->index());
  }
  CHECK_FALSE(world.registry.has_listeners());
  CHECK(world.registry.names(ChannelKind::plain).empty());
  world.subscribe_all("many");  // The same name, but another channel.
  const auto got = world.got;
  world.drain();
  CHECK(world.got == got);
  CHECK(world.publish("many", "2") == kMany);
  world.drain();
  CHECK(world.got[0].ends_with("2;"));
  for (auto& session : world.sessions) world.registry.forget(*session);
  CHECK(world.buffers.channels == 0);
}

TEST_CASE("what waits is bounded, by number and by bytes") {
  World world(kMany);
  world.subscribe_all("many");
  for (std::size_t i = 0; i < Deliveries::kMessagesMax; ++i) {
    CHECK(world.registry.has_room());
    (void)world.publish("many", "x");
  }
  CHECK_FALSE(world.registry.has_room());
  CHECK(world.deliveries == 0);
  (void)world.publish("many", "y");  // Whoever cannot wait: the oldest is finished for it.
  CHECK(world.deliveries >= kMany);

  World other(kMany);
  other.subscribe_all("many");
  (void)other.publish("many", std::string(Deliveries::kBytesMax, 'z'));
  CHECK_FALSE(other.registry.has_room());
  for (auto& session : other.sessions) session->ignores_input = true;  // Nobody decodes it here.
  other.drain();
  CHECK(other.registry.has_room());
}

// A model of what each has to get: all that was published while it was there.
struct Model {
  void publish(const std::string& text) {
    for (auto& [index, is_there] : members) {
      if (is_there) got[index] += text;
    }
  }
  std::map<std::uint32_t, bool> members;
  std::map<std::uint32_t, std::string> got;
};

TEST_CASE("whoever comes and goes gets each message once, in order") {
  for (std::uint64_t seed = 1; seed <= 3; ++seed) {
    CAPTURE(seed);
    SeededRandom random(seed);
    World world(kMany);
    Model model;
    world.subscribe_all("many");
    for (std::uint32_t i = 0; i < kMany; ++i) model.members[i] = true;
    for (int step = 0; step < 400; ++step) {
      const auto index = static_cast<std::uint32_t>(random.below(kMany));
      Session& session = *world.sessions[index];
      switch (random.below(8)) {
        case 0: {
          const std::string text = std::to_string(step) + ";";
          (void)world.publish("many", text.substr(0, text.size() - 1));
          model.publish(text);
          break;
        }
        case 1:
          (void)world.turn(random.below(1'000'000));
          break;
        default:
          if (model.members[index]) {
            world.registry.unsubscribe(session, ChannelKind::plain, "many");
            CHECK(world.got[index] == model.got[index]);
          } else {
            (void)world.registry.subscribe(session, ChannelKind::plain, "many");
          }
          model.members[index] = !model.members[index];
      }
    }
    world.drain();
    for (std::uint32_t i = 0; i < kMany; ++i) CHECK(world.got[i] == model.got[i]);
  }
}

std::string taken_from(Output& output) {
  std::string all;
  while (!output.empty()) {
    const std::string_view bytes = output.sendable(0, kSendBytesMax);
    all += std::string(bytes) + "|";
    output.consume(bytes.size());
  }
  return all;
}

TEST_CASE("outputs share the bytes of a push, and its chunk outlives them all") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output first(pool);
  Output second(pool);
  {
    const std::array<std::string_view, 1> words{"a"};
    const std::array<std::string_view, 1> more_words{"b"};
    Push push(words, Push::Form::line);
    Push more(more_words, Push::Form::line);
    for (Push* each : {&push, &more}) {
      each->append_to(first, Wire::resp2, false);
      each->append_to(second, Wire::resp2, false);
    }
    CHECK(pool.current()->used == 8);
    CHECK(first.runs() == 1);  // They adjoin for both, and leave with one send.
    CHECK(taken_from(first) == "+a\r\n+b\r\n|");
    push.append_to(first, Wire::resp2, true);  // A stalled one gets its own.
    CHECK(pool.current()->used == 8);
  }
  CHECK(taken_from(second) == "+a\r\n+b\r\n|");
  CHECK(taken_from(first) == "+a\r\n|");
  CHECK(pool.current()->references == 0);
  CHECK(pool.current()->used == 0);
}

TEST_CASE("a long push is one block for all") {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  const std::string text(100'000, 'x');
  const std::array<std::string_view, 1> words{text};
  Output first(pool);
  Output second(pool);
  {
    Push push(words, Push::Form::line);
    push.append_to(first, Wire::resp3, false);
    push.append_to(second, Wire::resp3, true);
  }
  CHECK(buffers.large->bytes() < 110'000);
  CHECK(taken_from(first) == "+" + text + "\r\n|");
  CHECK(taken_from(second) == "+" + text + "\r\n|");
  CHECK(buffers.large->bytes() == 0);
}

}  // namespace
