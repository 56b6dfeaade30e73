// A whole server of two cores in the simulated world: what takes part of both.
#include <algorithm>
#include <functional>
#include <memory>
#include <set>

#include <doctest/doctest.h>

#include "phoenix/server/gather.h"
#include "phoenix/sim/client.h"
#include "protocol/binary.h"
#include "protocol/slot.h"
#include "tests/sim/process.h"
#include "tests/unit/server/support.h"

using namespace phoenix;
using namespace phoenix::simtest;
using server::test::decode_replies;
using server::test::frame_of;
using server::test::Reply;

namespace {

server::Config config_of_two() {
  server::Config config = small_config(2);
  config.log.durability = log::Durability::off;
  return config;
}

/// A client that waits for the answer to each request.
class Asker {
 public:
  Asker(sim::World& world, Process& process) : process_(process), client_(world) {
    client_.connect(endpoint());
  }

  void send(const std::vector<std::string_view>& words) { client_.send(frame_of(1, words)); }
  bool has_answer() const { return has_whole_reply(client_.received()); }

  Reply ask(const std::vector<std::string_view>& words) {
    send(words);
    const auto is_answered = [&] { return has_answer(); };
    REQUIRE(process_.run_until(is_answered, 10 * kNanosPerSecond));
    const auto replies = decode_replies(client_.take());
    REQUIRE(replies.size() == 1);
    return replies[0];
  }

 private:
  static bool has_whole_reply(std::string_view bytes) {
    protocol::ReplyHeader header;
    if (bytes.size() < protocol::kHeaderBytes) return false;
    REQUIRE(protocol::decode_reply_header(bytes.data(), header).ok());
    return bytes.size() >= header.frame_bytes();
  }

  Process& process_;
  sim::Client client_;
};

std::string key_on(unsigned core, int number) {
  constexpr unsigned kSlotsPerCore = 16'384 / 2;
  for (int i = 0;; ++i) {
    std::string key = "key" + std::to_string(number) + "-" + std::to_string(i);
    if (protocol::slot_of(key) / kSlotsPerCore == core) return key;
  }
}

TEST_CASE("an MSET over two cores that one refuses never claims that nothing was changed") {
  server::Config config = config_of_two();
  config.memory_bytes_max = std::uint64_t{32} << 20U;
  std::set<bool> seen;
  for (const unsigned full : {0U, 1U}) {
    sim::World world(1);
    Process process(world, config);
    REQUIRE(process.boot());
    Asker asker(world, process);
    int filled = 0;
    // The long requests themselves take memory.
    for (const std::size_t size : {std::size_t{30'000}, std::size_t{10}}) {
      const std::string value(size, 'v');
      while (asker.ask({"SET", key_on(full, filled), value}).status == protocol::Status::ok) {
        REQUIRE(++filled < 10'000);
      }
    }
    const std::string refused = key_on(full, 10'000);
    const std::string other = key_on(1 - full, 10'000);
    const Reply reply = asker.ask({"MSET", refused, "1", other, "1"});
    CHECK(reply.status == protocol::Status::out_of_memory);
    const bool says_partly = reply.text.find(server::kPartlyRefused) != std::string::npos;
    CHECK(asker.ask({"EXISTS", refused}).text == "(integer) 0");
    CHECK(asker.ask({"EXISTS", other}).text == (says_partly ? "(integer) 1" : "(integer) 0"));
    seen.insert(says_partly);
    world.crash_now();
  }
  CHECK(seen.size() == 2);  // Once the full core was the client's own, once the other.
}

/// The most requests that a core has run in one turn, until `done`.
std::uint64_t most_in_a_turn(Process& process, unsigned core, const std::function<bool()>& done) {
  const server::Metrics& metrics = process.shared().metrics[core];
  const auto requests = [&] {
    return metrics.requests.get() + metrics.requests_from_other_cores.get();
  };
  std::uint64_t most = 0;
  std::uint64_t before = requests();
  const auto look = [&] {
    most = std::max(most, requests() - before);
    before = requests();
    return done();
  };
  REQUIRE(process.run_until(look, 100 * kNanosPerSecond));
  return most;
}

bool all_answered(const std::vector<std::unique_ptr<Asker>>& askers) {
  return std::all_of(askers.begin(), askers.end(),
                     [](const auto& one) { return one->has_answer(); });
}

// Finds what the life before has left behind, and leaves as much.
void live_with_flushall(sim::World& world, unsigned cores, std::string_view found) {
  Process process(world, small_config(cores));
  REQUIRE_MESSAGE(process.boot(), process.refusal());
  Asker asker(world, process);
  CHECK(asker.ask({"DBSIZE"}).text == found);
  for (int i = 0; i < 200; ++i)
    CHECK(asker.ask({"SET", key_on(i % 2 == 0 ? 0 : 1, i), "old"}).text == "OK");
  CHECK(asker.ask({"FLUSHALL"}).text == "OK");
  CHECK(asker.ask({"DBSIZE"}).text == "(integer) 0");
  for (int i = 100; i < 120; ++i) {
    CHECK(asker.ask({"SET", key_on(i % 2 == 0 ? 0 : 1, i), std::string(600, 'v')}).text == "OK");
  }
  CHECK(process.stop());
  world.crash_now();
}

TEST_CASE("FLUSHALL holds over restarts, for the keys of each former core and no others") {
  sim::World world(1);
  std::string_view found = "(integer) 0";
  for (const unsigned cores : {2U, 1U, 3U, 2U, 2U}) {
    CAPTURE(cores);
    live_with_flushall(world, cores, found);
    world.power_cut();
    found = "(integer) 20";
  }
}

TEST_CASE("a turn ends when its work is done, on the client's core and on the other one") {
  for (const unsigned owner : {0U, 1U}) {
    CAPTURE(owner);
    sim::World world(1);
    Process process(world, config_of_two());
    REQUIRE(process.boot());
    const std::string key = key_on(owner, 1);
    std::vector<std::unique_ptr<Asker>> askers;
    for (int i = 0; i < 150; ++i) askers.push_back(std::make_unique<Asker>(world, process));
    CHECK(askers[0]->ask({"SET", key, std::string(32'000, 'v')}).text == "OK");
    std::vector<std::string_view> words{"MGET"};
    words.insert(words.end(), 60, key);
    for (const auto& asker : askers) asker->send(words);
    // Replies of 1.9 MB, each more than a turn's work: one for another core, one that was not known
    // to take long, and one that was.
    CHECK(most_in_a_turn(process, owner, [&] { return all_answered(askers); }) <= 3);
    world.crash_now();
  }
}

}  // namespace
