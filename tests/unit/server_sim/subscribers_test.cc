// Many subscribers of a whole server, in the simulated world: messages go out in slices, while
// connections come, break, unsubscribe and are killed.
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/base/random.h"
#include "phoenix/server/subscriptions.h"
#include "phoenix/sim/client.h"
#include "tests/sim/process.h"

using namespace phoenix;
using namespace phoenix::simtest;

namespace {

constexpr std::size_t kSubscribers = server::Subscriptions::kReceiversAtOnceMax + 40;
constexpr std::string_view kSubscribed = "*3\r\n$9\r\nsubscribe\r\n$2\r\nch\r\n:1\r\n";

std::string message(int number) {
  return fmt::format("*3\r\n$7\r\nmessage\r\n$2\r\nch\r\n$3\r\n{:03}\r\n", number);
}

std::string publish(int number) {
  return fmt::format("PUBLISH ch {:03}\r\n", number);
}

class Crowd final {
 public:
  explicit Crowd(unsigned cores) : process_(world_, small_config(cores)) {
    REQUIRE(process_.boot());
    for (std::size_t i = 0; i < kSubscribers * cores; ++i) {
      subscribers.push_back(connected());
      subscribers.back()->send("SUBSCRIBE ch\r\n");
    }
    for (auto& subscriber : subscribers) {
      REQUIRE(runs_until([&] { return subscriber->received() == kSubscribed; }));
      (void)subscriber->take();
    }
    publisher = connected();
  }
  ~Crowd() { world_.crash_now(); }
  Crowd(const Crowd&) = delete;
  Crowd& operator=(const Crowd&) = delete;

  std::unique_ptr<sim::Client> connected() {
    auto client = std::make_unique<sim::Client>(world_);
    client->connect(endpoint());
    REQUIRE(runs_until([&] { return client->open(); }));
    return client;
  }
  bool runs_until(const std::function<bool()>& done) {
    return process_.run_until(done, 10 * kNanosPerSecond);
  }
  std::string ask(std::string_view request) {
    publisher->send(request);
    (void)runs_until([&] { return publisher->received().ends_with("\r\n"); });
    return publisher->take();
  }
  Process& process() { return process_; }

 private:
  sim::World world_{1};
  Process process_;

 public:  // They live in the world.
  std::vector<std::unique_ptr<sim::Client>> subscribers;
  std::unique_ptr<sim::Client> publisher;
};

TEST_CASE("all that stay get every message in order, whoever goes meanwhile") {
  for (const unsigned cores : {1U, 2U}) {
    CAPTURE(cores);
    Crowd crowd(cores);
    SeededRandom random(cores);
    std::set<std::size_t> gone;
    std::string all;
    for (int number = 0; number < 40; ++number) {
      crowd.publisher->send(publish(number));
      all += message(number);
      const std::size_t leaver = random.below(crowd.subscribers.size());
      if (!gone.insert(leaver).second) continue;
      sim::Client& client = *crowd.subscribers[leaver];
      if (number % 3 == 0) client.reset();
      if (number % 3 == 1) client.close();
      if (number % 3 == 2) client.send("UNSUBSCRIBE ch\r\n");
      (void)crowd.process().run_until([] { return false; }, random.below(kNanosPerMs));
    }
    for (std::size_t i = 0; i < crowd.subscribers.size(); ++i) {
      if (gone.contains(i)) continue;
      CAPTURE(i);
      REQUIRE(
          crowd.runs_until([&] { return crowd.subscribers[i]->received().size() >= all.size(); }));
      CHECK(crowd.subscribers[i]->received() == all);
    }
    CHECK(crowd.process().stop());
    CHECK(crowd.process().failure().empty());
  }
}

TEST_CASE("what was published before an UNSUBSCRIBE comes before its answer") {
  Crowd crowd(1);
  CHECK(crowd.ask(publish(0)) == fmt::format(":{}\r\n", kSubscribers));
  for (auto& subscriber : crowd.subscribers) subscriber->send("UNSUBSCRIBE ch\r\nPING\r\n");
  const std::string expected =
      message(0) + "*3\r\n$11\r\nunsubscribe\r\n$2\r\nch\r\n:0\r\n+PONG\r\n";
  for (auto& subscriber : crowd.subscribers) {
    (void)crowd.runs_until([&] { return subscriber->received().size() >= expected.size(); });
    CHECK(subscriber->received() == expected);
  }
}

TEST_CASE("all subscribers are killed while a message is on its way to them") {
  Crowd crowd(2);
  crowd.publisher->send(publish(0));
  crowd.publisher->send("CLIENT KILL TYPE pubsub\r\nPUBLISH ch 1\r\n");
  const std::string expected = fmt::format(":{0}\r\n:{0}\r\n:0\r\n", crowd.subscribers.size());
  (void)crowd.runs_until([&] { return crowd.publisher->received().size() >= expected.size(); });
  CHECK(crowd.publisher->take() == expected);
  for (auto& subscriber : crowd.subscribers) {
    CHECK(crowd.runs_until([&] { return !subscriber->open(); }));
  }
  CHECK(crowd.ask("CLIENT LIST TYPE pubsub\r\n") == "$0\r\n\r\n");
  CHECK(crowd.process().stop());
}

}  // namespace
