// Commands of many keys, which are run slice by slice, in a whole server.
#include <memory>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/server/command_figures.h"
#include "phoenix/sim/client.h"
#include "tests/unit/server_sim/talker.h"

using namespace phoenix;
using namespace phoenix::simtest;

namespace {

constexpr int kKeys = 9000;  // More words than one step has.
constexpr std::string_view kOk = "+OK\r\n";

struct World : Served {
  using Served::Served;

  std::unique_ptr<sim::Client> client() {
    auto client = std::make_unique<sim::Client>(world);
    client->connect(endpoint());
    return client;
  }
  std::string ask(sim::Client& client, std::string_view bytes, std::size_t reply_bytes) {
    client.send(bytes);
    (void)process.run_until([&] { return client.received().size() >= reply_bytes; },
                            60 * kNanosPerSecond);
    return client.take();
  }
};

std::string bulk(std::string_view word) {
  return fmt::format("${}\r\n{}\r\n", word.size(), word);
}

/// A request with the keys from `begin` to `end`, each followed by its number where that is wanted.
std::string request(std::string_view name, int begin, int end, bool has_values = false) {
  std::string text = fmt::format("*{}\r\n", 1 + (end - begin) * (has_values ? 2 : 1)) + bulk(name);
  for (int i = begin; i < end; ++i) {
    text += bulk(fmt::format("k{}", i));
    if (has_values) text += bulk(std::to_string(i));
  }
  return text;
}

std::string values(int begin, int end, int present_end) {
  std::string text = fmt::format("*{}\r\n", end - begin);
  for (int i = begin; i < end; ++i) text += i < present_end ? bulk(std::to_string(i)) : "$-1\r\n";
  return text;
}

server::Config tight(unsigned cores) {
  server::Config config = small_config(cores);
  config.bounds.hops_per_pair = 1;
  config.bounds.list_work_per_turn_max = 1;
  return config;
}

TEST_CASE("commands of many keys answer once, in order with all that is sent around them") {
  for (const server::Config& config : {small_config(1), small_config(3), tight(1), tight(3)}) {
    CAPTURE(config.cores);
    World at(config);
    const auto client = at.client();
    std::string lines = request("MSET", 0, kKeys, true) + "GET k8999\r\n";
    std::string expected = std::string(kOk) + "$4\r\n8999\r\n";
    for (const auto* const name : {"EXISTS", "TOUCH", "del", "UNLINK"}) {
      lines += request(name, -1000, kKeys) + "INCR n\r\n";
    }
    expected += ":9000\r\n:1\r\n:9000\r\n:2\r\n:9000\r\n:3\r\n:0\r\n:4\r\n";
    lines += request("MSET", 0, kKeys - 10, true) + request("MGET", 0, kKeys) + "PING\r\n";
    expected += std::string(kOk) + values(0, kKeys, kKeys - 10) + "+PONG\r\n";
    CHECK(at.ask(*client, lines, expected.size()) == expected);
  }
}

TEST_CASE("while one is run others are answered, and it goes on when its client has gone") {
  for (const unsigned cores : {1U, 2U}) {
    CAPTURE(cores);
    World at(tight(cores));
    const auto one = at.client();
    const auto other = at.client();
    CHECK(at.ask(*one, request("MSET", 0, kKeys, true), kOk.size()) == kOk);
    one->send(request("DEL", 0, kKeys));
    int answered = 0;
    for (; one->received().empty() && answered < 1000; ++answered) {
      CHECK(at.ask(*other, "PING\r\n", 7) == "+PONG\r\n");
    }
    CHECK(answered > 5);
    CHECK(at.ask(*one, "", 7) == ":9000\r\n");
    CHECK(at.ask(*one, request("MSET", 0, kKeys, true), kOk.size()) == kOk);
    one->send(request("UNLINK", 0, kKeys));
    one->close();
    bool is_done = false;
    for (int i = 0; i < 1000 && !is_done; ++i) {
      is_done = at.ask(*other, "EXISTS k0 k8999\r\n", 4) == ":0\r\n";
    }
    CHECK(is_done);
  }
}

TEST_CASE("figures tell of one call, however many slices it had") {
  for (const unsigned cores : {1U, 2U}) {
    CAPTURE(cores);
    World at(small_config(cores));
    const auto client = at.client();
    CHECK(at.ask(*client, request("EXISTS", 0, kKeys), 4) == ":0\r\n");
    const server::Shared& shared = at.process.shared();
    const std::size_t row = shared.table.find("EXISTS")->index;
    std::uint64_t timed = 0;
    for (unsigned core = 0; core < cores; ++core) {
      timed += shared.metrics[core].commands[row].timed.get();
    }
    CHECK(timed == 1);
    CHECK(server::times_of(shared, row).calls == 1);
  }
}

TEST_CASE("a pause of writes holds up what is left of one") {
  for (const unsigned cores : {1U, 2U}) {
    CAPTURE(cores);
    World at(tight(cores));
    const auto one = at.client();
    const auto other = at.client();
    CHECK(at.ask(*one, request("MSET", 0, kKeys, true), kOk.size()) == kOk);
    const auto size = [&] {
      other->send("DBSIZE\r\n");
      (void)at.process.run_until([&] { return other->received().ends_with('\n'); },
                                 kNanosPerSecond);
      return other->take();
    };
    one->send(request("DEL", 0, kKeys));
    std::string left = size();
    while (left == ":9000\r\n") left = size();
    CHECK(at.ask(*other, "CLIENT PAUSE 1000000 WRITE\r\n", kOk.size()) == kOk);
    (void)size();  // What was on its way to another core.
    left = size();
    for (int i = 0; i < 100; ++i) REQUIRE(size() == left);
    CHECK(left != ":0\r\n");
    CHECK(one->received().empty());
    CHECK(at.ask(*other, "CLIENT UNPAUSE\r\n", kOk.size()) == kOk);
    CHECK(at.ask(*one, "", 7) == ":9000\r\n");
    CHECK(size() == ":0\r\n");
  }
}

TEST_CASE("what memory does not suffice for ends as an error that tells so") {
  World at([] {
    server::Config config = small_config(1);
    config.memory_bytes_max = std::uint64_t{24} << 20U;
    return config;
  }());
  const auto client = at.client();
  std::string text = fmt::format("*{}\r\n", 1 + 2 * kKeys) + bulk("MSET");
  const std::string value(3000, 'v');
  for (int i = 0; i < kKeys; ++i) text += bulk(fmt::format("k{}", i)) + bulk(value);
  // It does not fit in there to begin with: its bytes are dropped.
  const std::string refused = at.ask(*client, text, 5);
  CHECK_MESSAGE(refused.starts_with("-OOM "), refused);
  CHECK(at.ask(*client, "PING\r\n", 7) == "+PONG\r\n");
}

TEST_CASE("a reply with too many bytes is an error") {
  World at(small_config(2));
  const auto client = at.client();
  const std::string value(30'000, 'v');
  CHECK(at.ask(*client, "*3\r\n" + bulk("SET") + bulk("k0") + bulk(value), kOk.size()) == kOk);
  std::string text = fmt::format("*{}\r\n", 1 + kKeys) + bulk("MGET");
  for (int i = 0; i < kKeys; ++i) text += bulk("k0");
  const std::string_view refusal = "-ERR reply over 16 MiB: ask for fewer keys at a time\r\n";
  CHECK(at.ask(*client, text, refusal.size()) == refusal);
}

TEST_CASE("what cannot be cut has fewer words") {
  World at(small_config(2));
  const auto client = at.client();
  const std::string_view refusal =
      "-ERR too many words: at most 65536; DEL, UNLINK, EXISTS, TOUCH, MGET and MSET outside of a "
      "transaction take 1048576\r\n";
  CHECK(at.ask(*client, request("WATCH", 0, 65'536), refusal.size()) == refusal);
  const std::string aborted = "-EXECABORT Transaction discarded because of previous errors.\r\n";
  const std::string expected = std::string(kOk) + std::string(refusal) + aborted;
  CHECK(at.ask(*client, "MULTI\r\n" + request("DEL", 0, 65'536) + "EXEC\r\n", expected.size()) ==
        expected);
  const std::string_view arity = "-ERR wrong number of arguments for 'mset' command\r\n";
  CHECK(at.ask(*client, request("MSET", 0, kKeys + 1), arity.size()) == arity);
  CHECK(at.ask(*client, "PING\r\n", 7) == "+PONG\r\n");
}

}  // namespace
