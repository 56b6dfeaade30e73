// What a shard answers of keys that have expired, and when it removes them, on a real log.
#include <doctest/doctest.h>

#include "tests/unit/server_sim/shard_support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using log::Durability;

namespace {

TEST_CASE("'it has expired' waits for a durable stamp, and asks for one") {
  ShardWorld world;
  CHECK(world("SET a v PX 10").text == "OK");
  world.settle();
  CHECK(world("GET a").position == 0);
  world.pass_ms(10);
  const Answer miss = world("GET a");
  CHECK(miss.text == "(nil)");
  CHECK(miss.position == world.log().open_position());
  CHECK_FALSE(world.log().idle());  // An empty batch will say it.
  CHECK(world.position_of("TTL a") == miss.position);
  CHECK(world.position_of("GET a", protocol::kDoNotWait) == 0);
  world.settle();
  CHECK(world.log().commit_position() >= miss.position);
  CHECK(world.log().durable_stamp_ms() >= world.shard().now_ms());
  CHECK(world("GET a").text == "(nil)");
  CHECK(world.position_of("GET a") == 0);
}

TEST_CASE("a write behind an expiry waits for both") {
  ShardWorld world;
  CHECK(world("SET a 5 PX 10").text == "OK");
  world.settle();
  world.pass_ms(10);
  const Answer counted = world("INCR a");
  CHECK(counted.text == "(integer) 1");
  CHECK(counted.position == world.log().emitted_position());
  CHECK(counted.position >= world.log().open_position());
}

TEST_CASE("expired entries are removed once the time that says so is durable") {
  ShardWorld world;
  CHECK(world.shard().remove_expired(64) == 0);
  CHECK(world("SET a v PX 10").text == "OK");
  CHECK(world("SET b v PX 60000").text == "OK");
  const std::int64_t b_expires_ms = world.shard().now_ms() + 60'000;
  world.settle();
  world.pass_ms(10);
  const std::int64_t again_ms = world.shard().remove_expired(64);
  CHECK(world.shard().keyspace().size() == 2);
  CHECK(again_ms > world.shard().now_ms());
  CHECK(world.log().idle());  // Nobody waits for it: perhaps a batch comes by itself.
  world.pass_ms(again_ms - world.shard().now_ms());
  CHECK(world.shard().remove_expired(64) > world.shard().now_ms());
  CHECK(world.shard().keyspace().size() == 2);
  CHECK_FALSE(world.log().idle());
  world.settle();
  const std::int64_t next_ms = world.shard().remove_expired(64);
  CHECK(world.shard().keyspace().size() == 1);
  CHECK(next_ms > world.shard().now_ms());
  CHECK(next_ms <= b_expires_ms);
  CHECK(world.log().idle());
}

TEST_CASE("keys that expire one after the other share the empty batches that say so") {
  ShardWorld world;
  for (int i = 0; i < 500; ++i) {
    CHECK(world("SET key" + std::to_string(i) + " v PX " + std::to_string(10 + i)).text == "OK");
  }
  world.settle();
  const std::uint64_t before = world.log().statistics().batches;
  for (int ms = 0; ms < 3000; ++ms) {
    world.pass_ms(1);
    (void)world.shard().remove_expired(64);
    if (!world.log().idle()) world.settle();
  }
  CHECK(world.shard().keyspace().size() == 0);
  CHECK(world.log().statistics().batches - before <= 2);
}

TEST_CASE("entries may go only as far as somebody has found them expired") {
  ShardWorld world(Durability::off);
  CHECK(world("SET a v PX 10").text == "OK");
  CHECK(world("SET b v PX 20").text == "OK");
  world.pass_ms(30);
  CHECK(world.shard().expiry_seen_ms() == engine::kNoExpiry);
  const std::int64_t a_expires_ms = world.shard().now_ms() - 20;
  CHECK(world("GET a").text == "(nil)");
  CHECK(world.shard().expiry_seen_ms() == a_expires_ms);
  world.shard().remove_expired(64, world.shard().expiry_seen_ms());
  CHECK(world.shard().keyspace().size() == 1);
  CHECK(world("GET b").text == "(nil)");
  world.shard().remove_expired(64, world.shard().expiry_seen_ms());
  CHECK(world.shard().keyspace().size() == 0);
}

TEST_CASE("expired entries are removed in slices") {
  ShardWorld world(Durability::off);
  for (int i = 0; i < 300; ++i) {
    CHECK(world("SET key" + std::to_string(i) + " v PX 10").text == "OK");
  }
  world.pass_ms(20);
  CHECK(world.shard().remove_expired(64) == world.shard().now_ms());
  CHECK(world.shard().keyspace().size() >= 300 - 64);
  unsigned slices = 1;
  while (world.shard().remove_expired(64) != 0) REQUIRE(++slices < 100);
  CHECK(world.shard().keyspace().size() == 0);
}

TEST_CASE("without a log an expiry is believed at once, and removed") {
  for (const Durability durability : {Durability::off, Durability::interval}) {
    ShardWorld world(durability);
    CHECK(world("SET a v PX 10").text == "OK");
    world.pass_ms(10);
    CHECK(world("GET a").text == "(nil)");
    CHECK(world.position_of("GET a") == 0);
    CHECK(world.shard().remove_expired(64) == 0);
    CHECK(world.shard().keyspace().size() == 0);
  }
}

TEST_CASE("with an interval 'it has expired' waits for a stamp when the request wants to be sure") {
  ShardWorld world(Durability::interval);
  CHECK(world("SET a v PX 10").text == "OK");
  world.settle();
  world.pass_ms(10);
  CHECK(world.position_of("GET a") == 0);
  CHECK(world.position_of("GET a", protocol::kWaitDurable) == world.log().open_position());
  // Also when nothing is left that could say why it is gone.
  CHECK(world.shard().remove_expired(64) == 0);
  CHECK(world.shard().keyspace().size() == 0);
  CHECK(world.position_of("GET a") == 0);
  CHECK(world.position_of("GET a", protocol::kWaitDurable) == world.log().open_position());
  world.settle();
  CHECK(world.position_of("GET a", protocol::kWaitDurable) == 0);
}

}  // namespace
