// Peers that do not go on, in virtual time: who has begun a frame must end it, who asks must take
// what it gets, and who must give a password gives it. Nobody else may notice.
#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/server/limits.h"
#include "phoenix/sim/client.h"
#include "protocol/binary.h"
#include "tests/sim/process.h"

using namespace phoenix;
using namespace phoenix::simtest;

namespace {

using protocol::Opcode;

server::Config config_with(const std::string& password) {
  server::Config config = small_config(2);
  config.password = password;
  return config;
}

std::string get_frame(std::string_view key) {
  std::string bytes;
  protocol::append_request(bytes, Opcode::get, 0, 7, key, {});
  return bytes;
}

class Deadlines final {
 public:
  explicit Deadlines(const std::string& password = "") : process_(world_, config_with(password)) {
    REQUIRE(process_.boot());
  }
  ~Deadlines() { world_.crash_now(); }
  Deadlines(const Deadlines&) = delete;
  Deadlines& operator=(const Deadlines&) = delete;

  sim::World& world() { return world_; }
  Process& process() { return process_; }
  std::uint64_t buffer_bytes() {
    std::uint64_t sum = 0;
    for (unsigned core = 0; core < process_.shared().cores(); ++core) {
      sum += process_.shared().metrics[core].buffer_bytes.get();
    }
    return sum;
  }

  void connect(sim::Client& client) {
    client.connect(endpoint());
    REQUIRE(process_.run_until([&] { return client.open(); }, kNanosPerSecond));
  }
  void pass(std::uint64_t ns) {
    (void)process_.run_until([] { return false; }, ns);
  }
  /// One request and its whole answer.
  void check_served(sim::Client& client) {
    client.send(get_frame("missing"));
    const auto is_answered = [&] { return client.received().size() >= protocol::kHeaderBytes; };
    CHECK(process_.run_until(is_answered, kNanosPerSecond));
    CHECK(client.take().size() == protocol::kHeaderBytes);
  }
  std::uint64_t counted() {
    std::uint64_t sum = 0;
    for (unsigned core = 0; core < process_.shared().cores(); ++core) {
      sum += process_.shared().metrics[core].closed_by_deadline.get();
    }
    return sum;
  }

 private:
  sim::World world_{1};
  Process process_;
};

std::string refusal_in(std::string_view bytes) {
  REQUIRE(bytes.size() >= protocol::kHeaderBytes);
  protocol::ReplyHeader header;
  REQUIRE(protocol::decode_reply_header(bytes.data(), header).text.empty());
  CHECK(protocol::is_error(header.status));
  CHECK(header.id == 0);
  return std::string(bytes.substr(protocol::kHeaderBytes));
}

constexpr std::uint64_t kTwoTicksNs = 2 * server::kTickNs;

TEST_CASE("a frame that has begun must end within 60 s") {
  Deadlines server;
  sim::Client slow(server.world());
  sim::Client other(server.world());
  server.connect(slow);
  server.connect(other);
  const std::string frame = get_frame("a key of some length");
  slow.send(std::string_view(frame).substr(0, frame.size() - 1));
  server.pass(server::kPartialFrameNs - kTwoTicksNs);
  CHECK(slow.open());
  CHECK(slow.received().empty());
  CHECK(server.counted() == 0);
  server.pass(2 * kTwoTicksNs);
  CHECK(refusal_in(slow.received()).find("not complete within 60 s") != std::string::npos);
  server.pass(kTwoTicksNs);
  CHECK(slow.state() == sim::ClientState::ended);
  CHECK(server.counted() == 1);
  server.check_served(other);
}

TEST_CASE("a frame that comes slowly but steadily is waited for") {
  Deadlines server;
  sim::Client steady(server.world());
  server.connect(steady);
  std::string frame;
  protocol::append_request(frame, Opcode::set, 0, 1, "key", std::string(2'400'000, 'v'));
  constexpr std::size_t kBytesPerSecond = 20'000;  // 120 s.
  for (std::size_t at = 0; at < frame.size(); at += kBytesPerSecond) {
    steady.send(std::string_view(frame).substr(at, kBytesPerSecond));
    server.pass(kNanosPerSecond);
  }
  CHECK(steady.open());
  CHECK(steady.take().size() == protocol::kHeaderBytes);
  CHECK(server.counted() == 0);
  server.check_served(steady);
}

// What the log of another core has no room for yet holds up the WATCH behind it, and that what its
// session has sent since: not the peer's fault.
TEST_CASE("a frame whose end waits behind a WATCH on another core is complete") {
  Deadlines server;
  server.world().plan().disk = {70 * kNanosPerSecond, 70 * kNanosPerSecond};
  const std::string value(10'000, 'v');
  std::vector<std::unique_ptr<sim::Client>> clients;
  for (const std::string key : {"a", "b"}) {  // Each of another core: one of them is away.
    clients.push_back(std::make_unique<sim::Client>(server.world()));
    server.connect(*clients.back());
    std::string lines;
    for (unsigned i = 0; i < 40; ++i) lines += "SET " + key + " " + value + "\r\n";
    clients.back()->send(lines + "WATCH " + key + "\r\nPIN");
  }
  server.pass(kNanosPerSecond);
  for (const auto& client : clients) client->send("G\r\n");
  server.world().plan().disk = {kNanosPerMs, kNanosPerMs};
  server.pass(80 * kNanosPerSecond);
  for (const auto& client : clients) CHECK(client->take().ends_with("+OK\r\n+PONG\r\n"));
  CHECK(server.counted() == 0);
}

// Asks for more than the sockets and the session take together.
void ask_for_much(Deadlines& server, sim::Client& client) {
  std::string requests;
  protocol::append_request(requests, Opcode::set, 0, 1, "key", std::string(30'000, 'v'));
  for (std::uint32_t id = 2; id < 100; ++id) requests += get_frame("key");
  client.set_reading(false);
  client.send(requests);
  server.pass(kNanosPerSecond);
}

TEST_CASE("a reader that takes nothing for 60 s is cut off") {
  Deadlines server;
  sim::Client stalled(server.world());
  sim::Client other(server.world());
  server.connect(stalled);
  server.connect(other);
  ask_for_much(server, stalled);
  server.pass(server::kStalledReaderNs - kNanosPerSecond - kTwoTicksNs);
  CHECK(server.counted() == 0);
  server.check_served(other);
  server.pass(2 * kTwoTicksNs + kNanosPerSecond);
  CHECK(server.counted() == 1);
  stalled.set_reading(true);
  server.pass(kNanosPerSecond);
  CHECK_FALSE(stalled.open());
  CHECK(stalled.received().size() < 98 * 30'000);
  server.check_served(other);
}

TEST_CASE("a reader that takes its bytes slowly but steadily gets them all") {
  Deadlines server;
  sim::Client steady(server.world());
  server.connect(steady);
  ask_for_much(server, steady);
  // In each 10 s it reads for a moment: some 64 KiB of 3 MB.
  std::size_t taken = 0;
  const std::size_t expected = protocol::kHeaderBytes + 98 * (protocol::kHeaderBytes + 30'000);
  for (unsigned round = 0; round < 200 && taken < expected; ++round) {
    steady.set_reading(true);
    server.pass(kNanosPerMs / 5);
    steady.set_reading(false);
    taken += steady.take().size();
    server.pass(10 * kNanosPerSecond);
    REQUIRE(steady.open());
  }
  CHECK(taken == expected);
  CHECK(server.counted() == 0);
}

TEST_CASE("who must give a password has 10 s for it") {
  Deadlines server("secret");
  sim::Client silent(server.world());
  sim::Client known(server.world());
  server.connect(silent);
  server.connect(known);
  std::string auth;
  protocol::append_argv_request(auth, 0, 1, {"AUTH", "secret"});
  known.send(auth);
  server.pass(server::kUnauthenticatedNs - kTwoTicksNs);
  CHECK(known.take().size() == protocol::kHeaderBytes);
  CHECK(silent.received().empty());
  CHECK(server.counted() == 0);
  server.pass(2 * kTwoTicksNs);
  CHECK(silent.received() == "-NOAUTH no AUTH within 10 s\r\n");
  server.pass(kTwoTicksNs);
  CHECK(silent.state() == sim::ClientState::ended);
  CHECK(server.counted() == 1);
  server.pass(10 * server::kUnauthenticatedNs);
  server.check_served(known);
  CHECK(server.counted() == 1);
}

TEST_CASE("who RESETs has 10 s again for the password") {
  Deadlines server("secret");
  sim::Client client(server.world());
  server.connect(client);
  client.send("AUTH secret\r\n");
  server.pass(2 * server::kUnauthenticatedNs);
  client.send("RESET\r\n");
  server.pass(server::kUnauthenticatedNs / 2);
  client.send("AUTH secret\r\n");
  server.pass(2 * server::kUnauthenticatedNs);
  CHECK(client.take() == "+OK\r\n+RESET\r\n+OK\r\n");
  CHECK(client.open());
}

TEST_CASE("a timeout ends who is idle, not who waits for messages") {
  Deadlines server;
  server.process().shared().settings.set(commands::Setting::client_timeout_s, 10);
  sim::Client idle(server.world());
  sim::Client subscriber(server.world());
  sim::Client monitor(server.world());
  sim::Client held(server.world());
  for (auto* client : {&idle, &subscriber, &monitor, &held}) server.connect(*client);
  idle.send("PING\r\n");
  subscriber.send("SUBSCRIBE news\r\n");
  monitor.send("MONITOR\r\n");
  server.pass(kNanosPerSecond);
  held.send("CLIENT PAUSE 20000\r\nPING\r\n");
  server.pass(30 * kNanosPerSecond);
  CHECK(idle.state() == sim::ClientState::ended);
  CHECK(subscriber.open());
  CHECK(monitor.open());
  CHECK(held.take() == "+OK\r\n+PONG\r\n");
}

TEST_CASE("what expires while clients are paused is hidden, and goes once the pause is over") {
  Deadlines server;
  sim::Client client(server.world());
  server.connect(client);
  const auto ask = [&](const std::string& lines) {
    client.send(lines);
    server.pass(kNanosPerSecond);
    return client.take();
  };
  CHECK(ask("MSET a 1 b 2\r\nPEXPIRE a 10\r\nPEXPIRE b 10\r\nCLIENT PAUSE 5000 WRITE\r\n") ==
        "+OK\r\n:1\r\n:1\r\n+OK\r\n");
  CHECK(ask("GET a\r\nEXISTS b\r\nDBSIZE\r\n") == "$-1\r\n:0\r\n:2\r\n");
  server.pass(4 * kNanosPerSecond);
  CHECK(ask("DBSIZE\r\n") == ":0\r\n");
  CHECK(ask("SET a 1 PX 10\r\nCLIENT PAUSE 100000 WRITE\r\n") == "+OK\r\n+OK\r\n");
  CHECK(ask("DBSIZE\r\nCLIENT UNPAUSE\r\n") == ":1\r\n+OK\r\n");
  CHECK(ask("DBSIZE\r\n") == ":0\r\n");
}

TEST_CASE("what a stalled subscriber has to be sent keeps nothing of the others alive") {
  Deadlines server;
  sim::Client stalled(server.world());
  sim::Client other(server.world());
  server.connect(stalled);
  server.connect(other);
  stalled.send("SUBSCRIBE news\r\n");
  server.pass(kNanosPerSecond);
  stalled.set_reading(false);
  const std::string value(30'000, 'v');
  const auto ask = [&](const std::string& line) {
    other.send(line + "\r\n");
    server.pass(kNanosPerMs);
    CHECK_FALSE(other.take().empty());
  };
  ask("SET key " + value);
  for (unsigned i = 0; i < 50; ++i) ask("PUBLISH news " + value);
  const std::uint64_t before = server.buffer_bytes();
  for (unsigned i = 0; i < 300; ++i) {
    ask("PUBLISH news short");
    ask("GET key");
  }
  server.pass(kNanosPerSecond);
  CHECK(stalled.open());
  CHECK(server.buffer_bytes() < before + 1'000'000);
}

}  // namespace
