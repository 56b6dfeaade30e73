// Large values: what is let in of requests that make one longer, or copy one, under a memory
// budget, and how long a transaction may look at them.
#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "phoenix/server/encoder.h"
#include "phoenix/server/transaction.h"
#include "tests/unit/server_sim/shard_support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using Verdict = Shard::Verdict;

namespace {

constexpr std::string_view kNoMemory = "(error) OOM command not allowed when used memory";

/// Until the log has made the room that it wants, and what is done ahead is done; in `turns`.
Answer run(ShardWorld& world, std::string_view line, int* waited = nullptr) {
  Answer answer = world(line);
  int turns = 0;
  for (; answer.verdict == Verdict::wait; ++turns) {
    REQUIRE(turns < 1'000);
    world.seal();
    world.turn();
    answer = world(line);
  }
  if (waited != nullptr) *waited = turns;
  return answer;
}

TransactionJob job_of(ShardWorld& world, const std::vector<std::string_view>& lines) {
  TransactionJob job;
  for (const auto line : lines) {
    const auto words = commands::test::words_of(line);
    const commands::Command& row = row_of(world.table(), words[0]);
    commands::Request request;
    request.args = words;
    const auto first = static_cast<std::size_t>(row.keys.first);
    request.first_key_hash = world.shard().keyspace().hash_of(words[first]);
    job.requests.emplace_back(row, request);
  }
  return job;
}

/// What is said of a transaction, which is not run; the log may want to make room for it first.
std::string admit(ShardWorld& world, const std::vector<std::string_view>& lines) {
  TransactionJob job = job_of(world, lines);
  commands::test::TextSink reply;
  return world.shard().admit(job, reply) == Verdict::refused ? reply.take() : "";
}

TEST_CASE("a value that has no room in the budget is not begun") {
  ShardWorld world;  // Its share is 64 MiB.
  CHECK(run(world, "SETRANGE {t}a 39999999 x").text == "(integer) 40000000");
  world.settle();  // Until then the log holds the block.
  for (const std::string_view line :
       {"SETRANGE {t}a 80000000 x", "SETRANGE {t}b 40000000 x", "SETBIT {t}b 320000000 1",
        "BITFIELD {t}b SET u8 320000000 1", "COPY {t}a {t}b", "BITOP NOT {t}b {t}a"}) {
    CAPTURE(line);
    const Answer answer = run(world, line);
    CHECK(answer.verdict == Verdict::refused);
    CHECK(answer.text.starts_with(kNoMemory));
    CHECK(admit(world, {"SET {t}n 1", line}).starts_with("(error) EXECABORT"));
  }
  CHECK(world("EXISTS {t}b {t}n").text == "(integer) 0");
  CHECK(run(world, "SETRANGE {t}a 5 x").text == "(integer) 40000000");
  CHECK(run(world, "RENAME {t}a {t}d").text == "OK");
  world.settle();
}

TEST_CASE("an answer that has no room in the budget is not begun") {
  ShardWorld world(log::Durability::off);  // Its share is 64 MiB.
  CHECK(run(world, "SETRANGE {t}a 39999999 x").text == "(integer) 40000000");
  const Answer answer = run(world, "DUMP {t}a");
  CHECK(answer.verdict == Verdict::refused);
  CHECK(answer.text.starts_with(kNoMemory));
  CHECK(world.shard().long_jobs().empty());
  CHECK(run(world, "SETRANGE {t}b 1999999 x").text == "(integer) 2000000");
  CHECK(run(world, "DUMP {t}b").verdict == Verdict::execute);
}

TEST_CASE("what takes long is done ahead, and in a transaction at once") {
  ShardWorld world(log::Durability::off);
  CHECK(run(world, "SETRANGE {t}a 3999999 x").text == "(integer) 4000000");
  for (const std::string_view line : {"DUMP {t}a", "COPY {t}a {t}b"}) {
    CAPTURE(line);
    int turns = 0;
    CHECK(run(world, line, &turns).verdict == Verdict::execute);
    CHECK(turns >= 15);
    CHECK(world.shard().long_jobs().empty());
  }
  CHECK(admit(world, {"COPY {t}a {t}d"}).empty());
  CHECK(world.shard().long_jobs().empty());
}

TEST_CASE("what is done ahead counts once while its request waits") {
  ShardWorld world(log::Durability::off);  // Its share is 64 MiB.
  CHECK(run(world, "SETRANGE {t}a 24999999 x").text == "(integer) 25000000");
  CHECK(run(world, "COPY {t}a {t}b").text == "(integer) 1");
  CHECK(run(world, "COPY {t}a {t}c").text.starts_with(kNoMemory));
  CHECK(world("DEL {t}b").text == "(integer) 1");
  CHECK(world.shard().keyspace().has_more_to_free());
  CHECK(run(world, "COPY {t}a {t}c").text == "(integer) 1");  // What is being freed is room.
  CHECK(world.shard().budget().memory_bytes() > 75'000'000);
  while (world.shard().keyspace().free_some(1'000'000)) {
  }
  CHECK(world.shard().budget().memory_bytes() < 60'000'000);
}

TEST_CASE("the commands of a transaction share what memory there is") {
  ShardWorld world;
  CHECK(admit(world, {"SETRANGE {t}a 40000000 x"}).empty());
  CHECK(admit(world, {"SETRANGE {t}a 40000000 x", "SETBIT {t}a 300000000 1"}).empty());
  CHECK(admit(world, {"SETRANGE {t}a 40000000 x", "SETRANGE {t}b 40000000 x"})
            .starts_with("(error) EXECABORT"));
  CHECK(admit(world, {"SETRANGE {t}a 40000000 x", "COPY {t}a {t}b"})
            .starts_with("(error) EXECABORT"));
}

TEST_CASE("a value that somebody still sends is copied when a part changes, and counts for that") {
  ShardWorld world;
  CHECK(run(world, "SETRANGE a 39999999 x").text == "(integer) 40000000");
  world.settle();
  engine::EntryView entry;
  const engine::Key key{"a", world.shard().keyspace().hash_of("a")};
  REQUIRE(world.shard().keyspace().find(key, world.shard().now_ms(), entry));
  engine::LargeValueRef sent = *entry.large;
  for (const std::string_view line : {"SETRANGE a 5 x", "SETBIT a 7 1", "APPEND a x"}) {
    CAPTURE(line);
    CHECK(run(world, line).text.starts_with(kNoMemory));
  }
  sent.reset();
  CHECK(run(world, "SETRANGE a 5 x").text == "(integer) 40000000");
  world.settle();
}

TEST_CASE("a transaction that has taken long reads no more") {
  ShardWorld world;
  CHECK(run(world, "SETRANGE a 39999999 x").text == "(integer) 40000000");
  world.settle();
  TransactionJob job = job_of(world, std::vector<std::string_view>(100, "BITCOUNT a"));
  std::string reply;
  RespEncoder encoder;
  encoder.begin({Wire::resp2, 0}, reply);
  (void)world.shard().run(job, encoder, nullptr, world.meter());
  (void)encoder.finish();
  constexpr std::uint64_t kAllOfThem = 100 * std::uint64_t{40'000'000} / 8;
  CHECK(world.shard().steps_of_last() < kAllOfThem / 10 * 6);
  CHECK(world("GETRANGE a 0 0").text == "\"\\x00\"");
}

}  // namespace
