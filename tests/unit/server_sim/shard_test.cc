// What a reply waits for, who is let in when memory or disk are full, and time, on a real log.
#include <doctest/doctest.h>

#include "tests/unit/server_sim/shard_support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using log::Durability;
using Verdict = Shard::Verdict;

namespace {

TEST_CASE("key_range finds the keys as the rows tell") {
  const commands::Table table;
  struct Case {
    std::string_view name;
    std::size_t words;
    std::size_t first;
    std::size_t end;
    std::size_t step;
    std::size_t count;
  };
  const Case cases[] = {
      {"GET", 2, 1, 2, 1, 1},  {"SET", 3, 1, 2, 1, 1},  {"SET", 7, 1, 2, 1, 1},
      {"DEL", 2, 1, 2, 1, 1},  {"DEL", 5, 1, 5, 1, 4},  {"MGET", 3, 1, 3, 1, 2},
      {"MSET", 3, 1, 3, 2, 1}, {"MSET", 7, 1, 7, 2, 3}, {"EXPIRE", 3, 1, 2, 1, 1},
  };
  for (const Case& one : cases) {
    CAPTURE(one.name);
    CAPTURE(one.words);
    const KeyRange range = key_range(row_of(table, one.name), one.words);
    CHECK(range.first == one.first);
    CHECK(range.end == one.end);
    CHECK(range.step == one.step);
    CHECK(range.count() == one.count);
  }
  for (const std::string_view name : {"PING", "LIST", "DBSIZE", "HELP"}) {
    CHECK(key_range(row_of(table, name), 3).count() == 0);
  }
  CHECK(key_range(row_of(table, "GET"), 1).count() == 0);  // Too few words: no key.
  CHECK(key_range(row_of(table, "MGET"), 1).count() == 0);
}

TEST_CASE("a write waits for its batch, and nothing once that is durable") {
  ShardWorld world;
  const log::Position first = world.position_of("SET a 1");
  CHECK(first == world.log().emitted_position());
  CHECK(first > world.log().commit_position());
  CHECK(world.position_of("SET b 1") == first);  // One batch a turn.
  CHECK(world.position_of("MSET c 1 d 2") == first);
  world.settle();
  CHECK(world.log().commit_position() >= first);
  const log::Position second = world.position_of("INCR n");
  CHECK(second > first);
  CHECK(second > world.log().commit_position());
}

TEST_CASE("a read waits for the batch of what it saw, and only for that") {
  ShardWorld world;
  const std::string b = world.key_apart_from("a");
  CHECK(world.position_of("GET a") == 0);
  const log::Position first = world.position_of("SET a 1");
  for (const std::string& line :
       {std::string("GET a"), std::string("EXISTS a"), std::string("TTL a"),
        std::string("SET a 2 NX"), "MGET a " + b, "EXISTS " + b + " a"}) {
    CAPTURE(line);
    CHECK(world.position_of(line) == first);
  }
  CHECK(world.position_of("GET " + b) == 0);
  CHECK(world.position_of("MGET " + b + " " + b) == 0);
  CHECK(world.position_of("PING") == 0);
  world.seal();
  const log::Position second = world.position_of("SET " + b + " 1");
  CHECK(second > first);
  CHECK(world.position_of("GET a") == first);
  CHECK(world.position_of("GET " + b) == second);
  CHECK(world.position_of("MGET a " + b) == second);
  CHECK(world.position_of("DBSIZE") == second);  // They see everything.
  CHECK(world.position_of("LIST") == second);
  world.settle();
  for (const std::string_view line : {"GET a", "DBSIZE", "LIST"}) {
    CHECK(world.position_of(line) == 0);
  }
  CHECK(world.position_of("MGET a " + b) == 0);
}

TEST_CASE("a miss waits for the delete that made it") {
  ShardWorld world;
  CHECK(world("SET a text").text == "OK");
  world.settle();
  CHECK(world.position_of("GET a") == 0);
  const Answer deleted = world("DEL a");
  CHECK(deleted.text == "(integer) 1");
  CHECK(deleted.position > world.log().commit_position());
  CHECK(world("GET a").text == "(nil)");
  CHECK(world.position_of("GET a") == deleted.position);
  CHECK(world.position_of("DEL a") == deleted.position);  // A write that changed nothing reads.
  CHECK(world.position_of("EXPIRE a 5") == deleted.position);
  world.settle();
  CHECK(world.position_of("GET a") == 0);
}

TEST_CASE("after FLUSHALL every read waits for it, of a key that never was too") {
  ShardWorld world;
  CHECK(world("SET a text").text == "OK");
  world.settle();
  const Answer flushed = world("FLUSHALL");
  CHECK(flushed.text == "OK");
  CHECK(flushed.position > world.log().commit_position());
  CHECK(world("GET a").text == "(nil)");
  for (const std::string_view line : {"GET a", "GET never", "MGET x y", "DBSIZE", "DEL a"}) {
    CAPTURE(line);
    CHECK(world.position_of(line) == flushed.position);
  }
  CHECK(world.position_of("FLUSHDB SYNC") == flushed.position);  // Changes nothing: it reads.
  world.seal();
  CHECK(world.position_of("SET a 2") > flushed.position);
  CHECK(world.position_of("GET a") > flushed.position);
  CHECK(world.position_of("GET never") == flushed.position);
  world.settle();
  CHECK(world.position_of("GET never") == 0);
}

TEST_CASE("an error waits for what it was judged by") {
  ShardWorld world;
  const log::Position written = world.position_of("SET a text");
  const Answer refused = world("INCR a");
  CHECK(refused.text == "(error) ERR value is not an integer or out of range");
  CHECK(refused.position == written);
}

TEST_CASE("mode and flags decide whether a reply waits at all") {
  using protocol::kDoNotWait;
  using protocol::kWaitDurable;
  struct Case {
    Durability durability;
    std::uint16_t flags;
    bool waits;
  };
  for (const Case one :
       {Case{Durability::always, 0, true}, Case{Durability::always, kWaitDurable, true},
        Case{Durability::always, kDoNotWait, false}, Case{Durability::interval, 0, false},
        Case{Durability::interval, kWaitDurable, true},
        Case{Durability::interval, kDoNotWait, false}, Case{Durability::off, 0, false},
        Case{Durability::off, kDoNotWait, false}}) {
    CAPTURE(static_cast<int>(one.durability));
    CAPTURE(one.flags);
    ShardWorld world(one.durability);
    const Answer written = world("SET a 1", one.flags);
    CHECK(written.text == "OK");
    CHECK((written.position > 0) == one.waits);
    CHECK((world.position_of("GET a", one.flags) > 0) == one.waits);
    CHECK((world.position_of("DBSIZE", one.flags) > 0) == one.waits);
    world.settle();
    CHECK(world.log().commit_position() >= written.position);
  }
}

TEST_CASE("a write that wants to be on disk is refused where nothing is") {
  ShardWorld world(Durability::off);
  const Answer refused = world("SET a 1", protocol::kWaitDurable);
  CHECK(refused.text.find("wait-durable") != std::string::npos);
  CHECK(world("GET a", protocol::kWaitDurable).text == "(nil)");
}

TEST_CASE("SAVE and LASTSAVE wait for the disk in every mode, and are refused without one") {
  for (const Durability durability : {Durability::always, Durability::interval}) {
    ShardWorld world(durability);
    CHECK(world.position_of("SAVE") == 0);
    CHECK(world("SET a 1").text == "OK");
    for (const auto flags : {std::uint16_t{0}, std::uint16_t{protocol::kDoNotWait}}) {
      CHECK(world.position_of("SAVE", flags) == world.log().emitted_position());
      CHECK(world.position_of("LASTSAVE", flags) == world.log().emitted_position());
    }
    world.settle();
    CHECK(world.log().commit_position() == world.log().emitted_position());
    CHECK(world.position_of("SAVE") == 0);
  }
}

TEST_CASE("WAITAOF waits for all that was emitted, whatever the mode and the request say") {
  for (const Durability durability : {Durability::always, Durability::interval}) {
    for (const bool may_leave : {false, true}) {
      const std::uint16_t flags =
          may_leave ? std::uint16_t{protocol::kDoNotWait} : std::uint16_t{0};
      ShardWorld world(durability);
      CHECK(world.position_of("WAITAOF 1 0 0", flags) == 0);  // Nothing was.
      (void)world("SET a 1", protocol::kDoNotWait);
      CHECK(world.position_of("WAITAOF 1 0 0", flags) == world.log().emitted_position());
      CHECK(world.log().commit_position() < world.log().emitted_position());
      world.settle();
      CHECK(world.position_of("WAITAOF 1 0 0", flags) == 0);
    }
  }
}

TEST_CASE("look-ups are counted for requests that only read") {
  ShardWorld world;
  for (const std::string_view line : {"SET a 1", "INCR a", "GET a", "GET b", "MGET a b a"}) {
    (void)world(line);
  }
  CHECK(world.shard().lookups().all == 5);
  CHECK(world.shard().lookups().hits == 3);
  world.shard().reset_lookups();
  CHECK(world.shard().lookups().all == 0);
}

TEST_CASE("time never steps back") {
  ShardWorld world;
  const std::int64_t now_ms = world.shard().now_ms();
  world.shard().advance_time(now_ms - 1000);
  CHECK(world.shard().now_ms() == now_ms);
  CHECK(world("SET a v PX 10").text == "OK");
  world.shard().advance_time(now_ms + 10);
  world.shard().advance_time(now_ms);
  CHECK(world("GET a").text == "(nil)");
}

TEST_CASE("when memory is full what may take more is refused, the rest goes on") {
  ShardWorld world;
  CHECK(world("MSET a 1 b 2 c 3").text == "OK");
  CHECK(world("EXPIRE c 100").text == "(integer) 1");
  // Buffers count as well as entries: they take what is left.
  const MemoryBudget& budget = world.shard().budget();
  const std::uint64_t entries = world.shard().keyspace().used_bytes();
  CHECK(entries > 0);
  CHECK(budget.buffer_bytes() == 0);
  world.buffers().output = budget.bytes_max() - entries - 1;
  CHECK_FALSE(budget.is_full());
  CHECK(budget.is_full(1));
  world.buffers().hops = 1;
  REQUIRE(budget.is_full());
  const log::Position emitted = world.log().emitted_position();
  for (const std::string_view line : {"SET a 9", "SET new 1", "MSET x 1 y 2", "INCR a"}) {
    CAPTURE(line);
    const Answer refused = world(line);
    CHECK(refused.verdict == Verdict::refused);
    CHECK(refused.position == 0);
    CHECK(refused.text ==
          "(error) OOM command not allowed when used memory > 'maxmemory': core 3 uses 64.0 MiB of "
          "its share of 64.0 MiB of --max-memory 256 MiB: delete keys, or start the server with a "
          "larger one");
  }
  CHECK(world.log().emitted_position() == emitted);
  CHECK(world("MGET a new x").text == "[\"1\", (nil), (nil)]");
  CHECK(world("EXPIRE a 10").text == "(integer) 1");  // What it takes is bounded.
  CHECK(world("PERSIST c").text == "(integer) 1");
  CHECK(world("DEL b").text == "(integer) 1");
  CHECK(world("EXPIRE c 0").text == "(integer) 1");  // Removes it.
  CHECK(world("PEXPIRE a -1").text == "(integer) 1");
  CHECK(world("MGET a c").text == "[(nil), (nil)]");
  CHECK(world("PING").text == "PONG");
  world.buffers().output = 0;
  CHECK(world("SET a 9").text == "OK");
}

TEST_CASE("without the replicas that are asked for nothing is written") {
  ShardWorld world;
  CHECK(world("SET a 1").text == "OK");
  world.shard().set_lacks_replicas(true);
  for (const std::string_view line : {"SET a 2", "DEL a", "EXPIRE a 10", "MSET a 1 b 2"}) {
    CAPTURE(line);
    const Answer refused = world(line);
    CHECK(refused.verdict == Verdict::refused);
    CHECK(refused.text == "(error) NOREPLICAS Not enough good replicas to write.");
  }
  CHECK(world("GET a").text == "\"1\"");
  world.shard().set_lacks_replicas(false);
  CHECK(world("SET a 2").text == "OK");
}

TEST_CASE("a large value counts once, from when it arrives until the last who sends it lets go") {
  ShardWorld world(log::Durability::off);
  const MemoryBudget& budget = world.shard().budget();
  engine::Keyspace& keyspace = world.shard().keyspace();
  const engine::Key key{"a", keyspace.hash_of("a")};
  const std::uint64_t before = budget.used_bytes();
  constexpr std::uint64_t kBytes = std::uint64_t{1} << 20U;
  const auto is_about = [](std::uint64_t bytes, std::uint64_t expected) {
    return bytes >= expected && bytes < expected + kBytes / 4;
  };
  auto arriving = std::make_shared<engine::LargeValue>(world.buffers().large);
  REQUIRE(arriving->reserve(kBytes));
  REQUIRE(arriving->append(std::string(kBytes, 'v')));
  CHECK(is_about(budget.used_bytes(), before + kBytes));
  CHECK(is_about(budget.buffer_bytes(), kBytes));
  engine::LargeValueRef sent = arriving;
  keyspace.put(key, engine::NewValue::adopt(std::move(arriving)), engine::kNoExpiry);
  CHECK(is_about(budget.used_bytes(), before + kBytes));
  CHECK(budget.buffer_bytes() == 0);
  CHECK(world("SET a small").text == "OK");
  CHECK(is_about(budget.used_bytes(), before + kBytes));
  CHECK(is_about(budget.buffer_bytes(), kBytes));
  sent.reset();
  CHECK(budget.used_bytes() < before + kBytes / 4);
  CHECK(budget.buffer_bytes() == 0);
  CHECK(world.run({"SET", "a", std::string(kBytes, 'w')}).text == "OK");  // Copied into a block.
  CHECK(is_about(budget.used_bytes(), before + kBytes));
  CHECK(world("DEL a").text == "(integer) 1");
  CHECK(world.buffers().large->bytes() == 0);
}

TEST_CASE("a write that finds no room in the log waits, unchanged, and then goes on") {
  ShardWorld world;
  const std::string value(20'000, 'v');
  unsigned waited = 0;
  for (int i = 0; i < 100; ++i) {
    const std::string key = "key" + std::to_string(i);
    Answer answer = world.run({"SET", key, value});
    for (int turns = 0; answer.verdict == Verdict::wait; ++turns) {
      ++waited;
      REQUIRE(turns < 1'000);
      CHECK(world.shard().keyspace().size() == static_cast<std::size_t>(i));
      world.seal();
      world.turn();
      answer = world.run({"SET", key, value});
    }
    CHECK(answer.text == "OK");
  }
  CHECK(waited > 0);
  CHECK(world("DBSIZE").text == "(integer) 100");
  world.settle();
}

/// Writes until the disk refuses even the smallest; the number of keys that were stored.
unsigned fill_disk(ShardWorld& world, Answer& refused) {
  unsigned stored = 0;
  std::string value(4'000, 'v');
  for (unsigned turns = 0; turns < 20'000; ++turns) {
    const std::string key = "key" + std::to_string(stored);
    refused = world.run({"SET", key, value});
    if (refused.verdict == Verdict::refused && value.empty()) return stored;
    if (refused.verdict == Verdict::refused) value.clear();
    if (refused.verdict == Verdict::execute) ++stored;
    world.seal();
    if (!world.log().idle() || refused.verdict == Verdict::wait) world.turn();
  }
  FAIL("the disk did not fill up");
  return stored;
}

TEST_CASE("when the disk is full writes are refused before they change anything") {
  sim::FaultPlan plan;
  plan.disk_bytes = std::uint64_t{4} << 20U;
  ShardWorld world(Durability::always, {}, plan);
  Answer refused;
  const unsigned stored = fill_disk(world, refused);
  CHECK(stored > 100);
  CHECK(refused.text ==
        "(error) DISKFULL the disk has no room for the log: nothing was changed; free disk space, "
        "and writes go on by themselves");
  CHECK(world("DBSIZE").text == "(integer) " + std::to_string(stored));
  CHECK(world("EXISTS key" + std::to_string(stored)).text == "(integer) 0");
  CHECK(world("EXISTS key0").text == "(integer) 1");
  // Deletes have a reserve.
  Answer deleted = world("DEL key0");
  for (int turns = 0; deleted.verdict == Verdict::wait && turns < 1'000; ++turns) {
    world.seal();
    world.turn();
    deleted = world("DEL key0");
  }
  CHECK(deleted.text == "(integer) 1");
  world.settle();
  CHECK(world.log().commit_position() >= deleted.position);
}

TEST_CASE("each planted fault breaks its own promise, and only that") {
  {
    Mutations mutations;
    mutations.hits_do_not_wait = true;
    ShardWorld world(Durability::always, mutations);
    CHECK(world.position_of("SET a 1") > 0);
    CHECK(world.position_of("GET a") == 0);
    CHECK(world.position_of("DEL a") > 0);
    CHECK(world.position_of("GET a") > 0);
  }
  Mutations mutations;
  mutations.misses_do_not_wait = true;
  ShardWorld world(Durability::always, mutations);
  CHECK(world.position_of("SET a 1") > 0);
  CHECK(world.position_of("GET a") > 0);
  CHECK(world.position_of("DEL a") > 0);
  CHECK(world.position_of("GET a") == 0);
}

}  // namespace
