// The end of a whole server: what SIGTERM sets off, in the simulated world.
#include <doctest/doctest.h>

#include "phoenix/sim/client.h"
#include "protocol/binary.h"
#include "tests/sim/process.h"

using namespace phoenix;
using namespace phoenix::simtest;

namespace {

void send_set(sim::Client& client, std::uint32_t id, std::string_view key) {
  std::string bytes;
  protocol::append_request(bytes, protocol::Opcode::set, 0, id, key, "value");
  client.send(bytes);
}

TEST_CASE("a stop answers what was accepted, and ends") {
  sim::World world(1);
  Process process(world, small_config(2));
  REQUIRE(process.boot());
  sim::Client client(world);
  client.connect(endpoint());
  for (std::uint32_t id = 1; id <= 20; ++id) send_set(client, id, "key" + std::to_string(id));
  REQUIRE(process.run_until([&] { return !client.received().empty(); }, kNanosPerSecond));
  CHECK(process.stop());
  CHECK(process.failure().empty());
  CHECK(client.received().size() == 20 * protocol::kHeaderBytes);
  CHECK(client.state() == sim::ClientState::ended);
  world.crash_now();
}

TEST_CASE("a stop answers all that was received, also to one who reads late") {
  sim::World world(1);
  Process process(world, small_config(2));
  REQUIRE(process.boot());
  sim::Client client(world);
  client.connect(endpoint());
  std::string requests;
  protocol::append_request(requests, protocol::Opcode::set, 0, 0, "key", std::string(1000, 'v'));
  constexpr std::uint32_t kReads = 3000;
  for (std::uint32_t id = 1; id <= kReads; ++id) {
    protocol::append_request(requests, protocol::Opcode::get, 0, id, "key", {});
  }
  client.send(requests);
  client.set_reading(false);
  const auto is_sent = [&] { return client.open() && client.unsent_bytes() == 0; };
  REQUIRE(process.run_until(is_sent, kNanosPerSecond));
  (void)process.run_until([] { return false; }, kNanosPerSecond);
  process.shared().stops = true;
  (void)process.run_until([] { return false; }, kNanosPerSecond);
  client.set_reading(true);
  CHECK(process.stop());
  const std::size_t expected = protocol::kHeaderBytes + kReads * (protocol::kHeaderBytes + 1000);
  CHECK(client.received().size() == expected);
  CHECK(client.state() == sim::ClientState::ended);
  world.crash_now();
}

TEST_CASE("a stop ends as a failure, in time, when the disk has ceased to answer") {
  sim::World world(1);
  Process process(world, small_config(2));
  REQUIRE(process.boot());
  sim::Client client(world);
  client.connect(endpoint());
  const auto is_open = [&] { return client.open(); };
  REQUIRE(process.run_until(is_open, kNanosPerSecond));
  world.plan().disk = {3'600 * kNanosPerSecond, 3'600 * kNanosPerSecond};
  send_set(client, 1, "key");
  (void)process.run_until([] { return false; }, kNanosPerSecond);
  const std::uint64_t asked_ns = world.now_ns();
  CHECK_FALSE(process.stop());
  CHECK(world.down());
  CHECK(process.failure().find("the disk has not completed") != std::string::npos);
  CHECK(world.now_ns() - asked_ns < 16 * kNanosPerSecond);
  CHECK(client.received().empty());
}

TEST_CASE("a stop ends also when nothing but a segment in the making is stuck") {
  sim::World world(1);
  Process process(world, small_config(1));
  REQUIRE(process.boot());
  world.plan().disk = {3'600 * kNanosPerSecond, 3'600 * kNanosPerSecond};
  const std::uint64_t asked_ns = world.now_ns();
  // The first segment is ready, and the next one is being filled: no batch waits for the disk.
  CHECK_FALSE(process.stop());
  CHECK(process.failure().find("the disk has not completed") != std::string::npos);
  CHECK(world.now_ns() - asked_ns < 16 * kNanosPerSecond);
}

}  // namespace
