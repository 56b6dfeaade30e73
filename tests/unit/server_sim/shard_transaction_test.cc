// Transactions on the core that has their keys: what they reserve in the log, and what WATCH sees.
#include <functional>
#include <set>
#include <string>

#include <doctest/doctest.h>
#include <fmt/format.h>

#include "phoenix/server/encoder.h"
#include "phoenix/server/transaction.h"
#include "tests/unit/server_sim/shard_support.h"

using namespace phoenix;
using namespace phoenix::server;
using namespace phoenix::server::test;
using commands::test::Harness;

namespace {

using Line = std::vector<std::string>;

std::vector<std::string_view> views_of(const Line& line) {
  return {line.begin(), line.end()};
}

void queue(TransactionJob& job, ShardWorld& world, const Line& line) {
  const auto words = views_of(line);
  const commands::Command& row = row_of(world.table(), words[0]);
  commands::Request request;
  request.args = words;
  const auto first = static_cast<std::size_t>(row.keys.first);
  if (first > 0) request.first_key_hash = world.shard().keyspace().hash_of(words[first]);
  job.requests.emplace_back(row, request);
}

/// As EXEC: the reply in RESP2.
Answer exec(ShardWorld& world, TransactionJob& job) {
  Answer answer;
  RespEncoder encoder;
  encoder.begin({Wire::resp2, 0}, answer.text);
  answer.verdict = world.shard().admit(job, encoder);
  if (answer.verdict == Shard::Verdict::wait) return answer;
  if (answer.verdict == Shard::Verdict::execute) {
    answer.position = world.shard().run(job, encoder, nullptr, world.meter()).position;
  }
  (void)encoder.finish();
  return answer;
}

Answer exec(ShardWorld& world, const std::vector<Line>& lines) {
  TransactionJob job;
  for (const auto& line : lines) queue(job, world, line);
  return exec(world, job);
}

/// Draws requests that write, of every row that does.
class Writer final {
 public:
  explicit Writer(std::uint64_t seed) : random_(seed) {}

  Line draw(std::string_view name) {
    const std::string to = key();
    const std::string from = key();
    if (name == "BITFIELD") return bitfield();
    if (name == "BITOP") return {"BITOP", "OR", to, from, key()};
    if (name == "COPY") return {"COPY", from, to, "REPLACE"};
    if (name == "RENAME" || name == "RENAMENX") return {std::string(name), from, to};
    if (name == "SETRANGE") return {"SETRANGE", to, number(6000), bytes()};
    if (name == "SETBIT") return {"SETBIT", to, number(60'000), number(2)};
    if (name == "RESTORE") return {"RESTORE", to, "0", compressed(), "REPLACE"};
    if (name == "MSET" || name == "MSETNX") return {std::string(name), to, bytes(), from, bytes()};
    if (name == "INCRBYFLOAT") return {"INCRBYFLOAT", to, number(2) == "0" ? "1e300" : "0.5"};
    if (name == "SETEX" || name == "PSETEX") return {std::string(name), to, "1000", bytes()};
    if (name == "APPEND" || name == "SETNX" || name == "GETSET") {
      return {std::string(name), to, bytes()};
    }
    if (name == "SET") return {"SET", to, bytes(), number(2) == "0" ? "KEEPTTL" : "GET"};
    if (name == "GETEX") return {"GETEX", to, "PERSIST"};
    if (name == "INCRBY" || name == "DECRBY") return {std::string(name), to, "1234567890"};
    if (name.find("EXPIRE") != std::string_view::npos) return {std::string(name), to, time(name)};
    const bool is_of_all = name.starts_with("FLUSH");
    return is_of_all ? Line{std::string(name)} : Line{std::string(name), to};
  }
  std::uint64_t below(std::uint64_t bound) { return random_.below(bound); }

 private:
  std::string key() { return {1, "abc"[below(3)]}; }
  std::string number(std::uint64_t bound) { return std::to_string(below(bound)); }
  std::string bytes() {
    constexpr std::size_t kSizes[] = {0, 1, 20, 400, 600, 3000};
    return std::string(kSizes[below(6)], 'v');
  }
  Line bitfield() {
    Line line{"BITFIELD", key()};
    for (std::uint64_t i = below(3); i < 3; ++i) {
      line.insert(line.end(), {"SET", "u63", number(below(2) == 0 ? 100 : 400'000), number(99)});
    }
    return line;
  }
  // Of the past, or not.
  std::string time(std::string_view name) {
    const bool is_absolute = name.ends_with("AT");
    return below(4) == 0 ? "1" : is_absolute ? "1900000000000" : "100000";
  }
  // 1000 times the same byte in a few: a literal and a long back reference, four times.
  static std::string compressed() {
    Harness harness;
    harness.run({"SET", "k", std::string(1000, 'r')});
    const auto* const dump = harness.find({"DUMP"});
    commands::Request request;
    const std::vector<std::string_view> words{"DUMP", "k"};
    request.args = words;
    request.first_key_hash = harness.keyspace.hash_of("k");
    std::string payload;
    RespEncoder encoder;
    encoder.begin({Wire::resp2, 0}, payload);
    commands::Context context{harness.keyspace, harness.now_ms, encoder, harness.table, nullptr};
    dump->run(context, request);
    (void)encoder.finish();
    const std::size_t begin = payload.find('\n') + 1;
    return payload.substr(begin, payload.size() - begin - 2);
  }

  SeededRandom random_;
};

std::vector<std::string_view> names_of_writes(const commands::Table& table) {
  std::vector<std::string_view> names;
  for (const auto* row : table.all()) {
    if (row->name == "MOVE") continue;  // Its other database is never there.
    if (has(row->flags, commands::Flags::write)) names.push_back(row->name);
  }
  return names;
}

TEST_CASE("a transaction of any commands writes no more than it has reserved") {
  ShardWorld world(log::Durability::off);
  Harness harness;  // Does the same, and counts.
  harness.now_ms = world.shard().now_ms();
  Writer writer(7);
  const auto names = names_of_writes(world.table());
  std::set<std::string, std::less<>> changed;
  for (int round = 0; round < 1500; ++round) {
    TransactionJob job;
    std::vector<Line> lines;
    for (std::uint64_t i = writer.below(12); i < 12; ++i) {
      const auto name = names[writer.below(names.size())];
      if (name.starts_with("FLUSH") && writer.below(4) != 0) continue;
      lines.push_back(writer.draw(name));
      queue(job, world, lines.back());
    }
    RespEncoder encoder;
    std::string reply;
    encoder.begin({}, reply);
    const Shard::LogNeed need = world.shard().need_of(job, encoder);
    const std::uint64_t before = harness.effects.bytes;
    std::string told;
    for (const auto& line : lines) {
      const std::uint64_t count = harness.effects.count;
      for (const auto& word : line) told += word.substr(0, 20) + ' ';
      told += "; ";
      harness.run(views_of(line));
      if (harness.effects.count > count) changed.insert(line[0]);
    }
    constexpr std::uint64_t kRecordBytes = 27;
    REQUIRE_MESSAGE(
        need.payload_bytes + need.effects * kRecordBytes >= harness.effects.bytes - before, told);
    REQUIRE(exec(world, job).verdict == Shard::Verdict::execute);
  }
  for (const auto name : names) CHECK_MESSAGE(changed.contains(name), name);
}

TEST_CASE("what is written at an offset where a command before has removed the key is reserved") {
  ShardWorld world(log::Durability::off);
  world.run({"SET", "a", std::string(1000, 'v')});
  RespEncoder encoder;
  std::string reply;
  encoder.begin({}, reply);
  for (const Line& last :
       {Line{"SETRANGE", "a", "500000", "x"}, Line{"SETBIT", "a", "4000000", "1"},
        Line{"BITFIELD", "a", "SET", "u8", "4000000", "1"}}) {
    CAPTURE(last[0]);
    TransactionJob job;
    queue(job, world, {"DEL", "a"});
    queue(job, world, last);
    CHECK(world.shard().need_of(job, encoder).payload_bytes > 500'000);
  }
}

TEST_CASE("many small changes of a long value reserve little") {
  ShardWorld world(log::Durability::off);
  world.run({"SETRANGE", "bits", "8000000", "x"});
  TransactionJob job;
  for (int i = 0; i < 1000; ++i)
    queue(job, world, {"SETBIT", "bits", std::to_string(i * 999), "1"});
  RespEncoder encoder;
  std::string reply;
  encoder.begin({}, reply);
  CHECK(world.shard().need_of(job, encoder).payload_bytes < 1'000'000);
}

TEST_CASE("what is told of the server is more work than what is copied, seen or not") {
  ShardWorld world(log::Durability::off);
  TransactionJob job;
  for (const auto* const line : {"INFO", "GET"}) queue(job, world, {line, "all"});
  std::string reply;
  RespEncoder encoder;
  encoder.begin({Wire::resp2, 0}, reply);
  encoder.begin_list(3);
  encoder.bytes(std::string(1000, 'v'));
  TransactionWork work;
  const std::uint64_t told = work.take(job.requests[0], 10, encoder, 0);
  const std::uint64_t copied = work.take(job.requests[1], 10, encoder, 0);
  CHECK(copied > 1000);
  CHECK(told > 20 * copied);
  CHECK(work.sum() == told + copied);
  // The list becomes too long. What would still be in it cannot be counted, but takes its time.
  encoder.bytes(std::string(kReplyBytesMax, 'v'));
  REQUIRE(encoder.is_refused());
  CHECK(work.take(job.requests[0], 10, encoder, encoder.size_bytes()) > 20 * copied);

  const auto& get = row_of(world.table(), "GET");
  CHECK_FALSE(work.leaves_out(get));
  (void)work.take(job.requests[1], 300'000'000, encoder, encoder.size_bytes());
  for (const auto* const name : {"GET", "INFO", "KEYS", "CONFIG|GET", "CLIENT|LIST"}) {
    CHECK_MESSAGE(work.leaves_out(*world.table().find_row(name)), name);
  }
  for (const auto* const name : {"SET", "FLUSHALL", "PUBLISH", "SUBSCRIBE", "CLIENT|SETNAME"}) {
    CHECK_MESSAGE(!work.leaves_out(*world.table().find_row(name)), name);
  }
  encoder.end();
}

/// EXEC of a GET after `key` was watched, and `line` done by somebody else.
std::string exec_after(ShardWorld& world, std::string_view key, const Line& line) {
  TransactionJob job;
  job.watches.push_back(world.shard().watch({key, world.shard().keyspace().hash_of(key)}));
  world.run(views_of(line));
  queue(job, world, {"GET", "missing"});
  return exec(world, job).text;
}

TEST_CASE("EXEC answers nil when a watched key was changed in any way, or its time has come") {
  for (const auto durability : {log::Durability::off, log::Durability::always}) {
    ShardWorld world(durability);
    const std::string nil = "*-1\r\n";
    const std::string run = "*1\r\n$-1\r\n";
    CHECK(exec_after(world, "a", {"GET", "a"}) == run);
    CHECK(exec_after(world, "a", {"SET", "a", "1"}) == nil);
    CHECK(exec_after(world, "a", {"GET", "a"}) == run);
    CHECK(exec_after(world, "a", {"SET", world.key_apart_from("a"), "1"}) == run);
    CHECK(exec_after(world, "a", {"SET", "a", "1"}) == nil);  // The same value.
    CHECK(exec_after(world, "a", {"APPEND", "a", std::string(2000, 'v')}) == nil);
    CHECK(exec_after(world, "a", {"SETRANGE", "a", "7", "w"}) == nil);
    CHECK(exec_after(world, "a", {"EXPIRE", "a", "100"}) == nil);
    CHECK(exec_after(world, "a", {"PERSIST", "a"}) == nil);
    CHECK(exec_after(world, "a", {"PERSIST", "a"}) == run);
    CHECK(exec_after(world, "a", {"RENAME", "a", "b"}) == nil);
    CHECK(exec_after(world, "b", {"FLUSHALL"}) == nil);
    CHECK(exec_after(world, "b", {"FLUSHALL"}) == run);
    world.run({"SET", "a", "1", "PX", "50"});
    TransactionJob job;
    job.watches.push_back(world.shard().watch({"a", world.shard().keyspace().hash_of("a")}));
    world.pass_ms(100);
    CHECK(exec(world, job).text == nil);
  }
}

TEST_CASE("nil waits for what changed the watched key") {
  ShardWorld world;
  world.run({"SET", "a", "1"});
  world.settle();
  TransactionJob job;
  job.watches.push_back(world.shard().watch({"a", world.shard().keyspace().hash_of("a")}));
  const auto position = world.run({"FLUSHALL"}).position;
  CHECK(position > 0);
  CHECK(exec(world, job).position == position);
}

TEST_CASE("all effects of a transaction are one batch, however long it is") {
  ShardWorld world;
  std::vector<Line> lines;
  for (int i = 0; i < 50; ++i) {
    lines.push_back({"SET", "key" + std::to_string(i), std::string(5000, 'v')});
  }
  Answer answer = exec(world, lines);
  while (answer.verdict == Shard::Verdict::wait) {
    CHECK(world.run({"EXISTS", "key0"}).text == "(integer) 0");
    world.seal();
    world.turn();
    answer = exec(world, lines);
  }
  CHECK(answer.verdict == Shard::Verdict::execute);
  CHECK(answer.position > 0);
  CHECK(answer.position == world.position_of("GET key0"));
  CHECK(answer.position == world.position_of("GET key49"));
}

TEST_CASE("what a transaction may not do is told before any of it is done") {
  ShardWorld world(log::Durability::off);
  world.shard().set_memory_share({});  // Memory is not what is short.
  world.run({"SETRANGE", "a", "60000000", "x"});
  std::vector<Line> lines{{"SET", "b", "1"}};
  for (int i = 0; i < 10; ++i) lines.push_back({"COPY", "a", "c" + std::to_string(i)});
  CHECK(exec(world, lines).text ==
        "-EXECABORT Transaction discarded because of: what it writes may be over 513 MiB\r\n");
  CHECK(world.run({"EXISTS", "b"}).text == "(integer) 0");
}

}  // namespace
