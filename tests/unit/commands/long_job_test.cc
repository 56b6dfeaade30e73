// Work that is done ahead of a request in slices: answers and values are those of the same request
// in one go, whatever happens between the slices.
#include "phoenix/commands/long_job.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/commands/harness.h"

using namespace phoenix;
using namespace phoenix::commands;
using namespace phoenix::commands::test;

namespace {

constexpr std::size_t kSlice = 1000;
constexpr std::size_t kNeverAhead = std::size_t{1} << 40U;

std::string random_value(SeededRandom& random, std::size_t size_bytes) {
  std::string value(size_bytes, '\0');
  // Mostly zeros: a bit that is looked for may be far away.
  for (std::size_t i = 0; i < 50; ++i) {
    value[random.below(size_bytes)] = static_cast<char>(random.below(256));
  }
  return value;
}

/// The same requests, in slices and in one go.
class Twins final {
 public:
  Twins() {
    sliced.long_jobs.set_slice(kSlice);
    whole.long_jobs.set_slice(kNeverAhead);
  }

  /// What both answer; fails the test when they do not agree.
  std::string run(const std::vector<std::string_view>& words, const Extras& extras = {}) {
    const std::string reply = sliced.run(words, extras);
    CHECK(whole.run(words, extras) == reply);
    CHECK(whole.waits == 0);
    CHECK(sliced.long_jobs.empty());
    return reply;
  }
  std::string operator()(std::string_view line) { return run(words_of(line)); }
  /// Whether that was done ahead, in several turns.
  bool has_waited() { return std::exchange(sliced.waits, 0) > 1; }

  Harness sliced;
  Harness whole;
};

/// Somebody who still sends a value.
engine::LargeValueRef hold(Harness& harness, std::string_view key) {
  engine::EntryView entry;
  REQUIRE(harness.keyspace.find(harness.key(key), harness.now_ms, entry));
  REQUIRE(entry.large != nullptr);
  return *entry.large;
}

/// A job of so many bytes that counts them, and takes whose it is from `detail`.
LongJob counting_job(std::uint64_t detail, std::size_t size_bytes) {
  const auto step = [](LongJob& job, std::size_t begin, std::size_t end) {
    CHECK(job.number == begin);
    job.number = end;
  };
  LongJob job{step, size_bytes};
  job.detail = detail;
  return job;
}

/// The same of a block.
LongJob counting_job(std::uint64_t detail, std::size_t size_bytes,
                     const engine::LargeValueRef& block) {
  LongJob job = counting_job(detail, size_bytes);
  job.sources = {block};
  return job;
}

/// Asks for it in `turns` turns. Whether it was done.
bool ask(LongJobs& jobs, const LongJob& job, int turns) {
  for (int i = 0; i < turns; ++i) {
    jobs.begin_turn();
    if (jobs.advance(job)) return true;
  }
  return false;
}

TEST_CASE("long jobs: of those with the same block the first is done first") {
  LongJobs jobs(kSlice);
  const auto block = std::make_shared<engine::LargeValue>();
  const LongJob reader = counting_job(1, 10 * kSlice, block);
  const LongJob writer = counting_job(2, 10 * kSlice, block);
  const LongJob other = counting_job(3, 10 * kSlice, std::make_shared<engine::LargeValue>());
  CHECK_FALSE(ask(jobs, reader, 5));
  CHECK_FALSE(ask(jobs, writer, 100));
  CHECK(ask(jobs, other, 10));
  CHECK(ask(jobs, reader, 5));
  CHECK_FALSE(ask(jobs, writer, 100));  // The reader has yet to take it.
  CHECK(jobs.take(reader).is_done());
  CHECK_FALSE(ask(jobs, writer, 5));
  CHECK_FALSE(ask(jobs, reader, 100));  // The next one is behind the writer.
  CHECK(ask(jobs, writer, 5));
}

TEST_CASE("long jobs: what nobody waits for holds up nobody, and gives its place away") {
  LongJobs jobs(kSlice);
  const auto block = std::make_shared<engine::LargeValue>();
  CHECK_FALSE(ask(jobs, counting_job(1, 10 * kSlice, block), 5));
  const LongJob writer = counting_job(2, 10 * kSlice, block);
  for (int tick = 0; tick < 2; ++tick) {
    CHECK_FALSE(ask(jobs, writer, 100));
    jobs.tick();
  }
  CHECK(ask(jobs, writer, 10));
  for (std::uint64_t detail = 3; detail < 5; ++detail) {
    CHECK_FALSE(ask(jobs, counting_job(detail, 10 * kSlice), 1));
  }
  const LongJob late = counting_job(9, 10 * kSlice);
  jobs.tick();
  CHECK(ask(jobs, late, 10));                                  // In the place of the reader.
  CHECK_FALSE(ask(jobs, counting_job(10, 10 * kSlice), 100));  // The others still have theirs.
}

TEST_CASE("long jobs: what only reads answers the same in slices") {
  Twins twins;
  SeededRandom random(1);
  for (int round = 0; round < 20; ++round) {
    const std::string value = random_value(random, 40'000 + random.below(20'000));
    twins.run({"SET", "a", value});
    twins("BITCOUNT a");
    CHECK(twins.has_waited());
    twins("DUMP a");
    CHECK(twins.has_waited());
    for (int i = 0; i < 20; ++i) {
      const std::string first = std::to_string(random.below(600'000));
      const std::string last = std::to_string(random.below(600'000));
      const char* const unit = i % 2 == 0 ? "BIT" : "BYTE";
      twins.run({"BITCOUNT", "a", first, "-1", unit});
      twins.run({"BITCOUNT", "a", first, last, unit});
      twins.run({"BITPOS", "a", "1", first, last, unit});
      twins.run({"BITPOS", "a", "0", first, "-1", unit});
    }
  }
  const std::string zeros(50'000, '\0');
  twins.run({"SET", "a", zeros});
  CHECK(twins("BITPOS a 1") == "(integer) -1");
  CHECK(twins.has_waited());
  CHECK(twins("BITPOS a 0") == "(integer) 0");
  const std::string ones(50'000, '\xFF');
  twins.run({"SET", "a", ones});
  CHECK(twins("BITPOS a 0") == "(integer) 400000");
  CHECK(twins.has_waited());
}

TEST_CASE("long jobs: what makes another value makes the same in slices") {
  Twins twins;
  SeededRandom random(2);
  const std::string a = random_value(random, 60'000);
  const std::string b = random_value(random, 50'000);
  twins.run({"SET", "a", a});
  twins.run({"SET", "b", b});
  twins("SET short xyz");
  CHECK(twins("COPY a c") == "(integer) 1");
  CHECK(twins.has_waited());
  CHECK(twins("GET c") == quoted(a));
  CHECK(twins("COPY a c") == "(integer) 0");
  CHECK_FALSE(twins.has_waited());
  CHECK(hold(twins.sliced, "a") != hold(twins.sliced, "c"));
  for (const char* const operation : {"AND", "OR", "XOR"}) {
    CHECK(twins.run({"BITOP", operation, "d", "a", "short", "b", "none"}) == "(integer) 60000");
    CHECK(twins.has_waited());
    twins("GET d");
  }
  CHECK(twins("BITOP NOT d d") == "(integer) 60000");
  CHECK(twins.has_waited());
  twins("GET d");
  twins("BITOP NOT d a b");
  CHECK_FALSE(twins.has_waited());
}

TEST_CASE("long jobs: RESTORE of a block checks and stores it in slices") {
  Twins twins;
  SeededRandom random(3);
  const std::string value = random_value(random, 70'000);
  twins.run({"SET", "a", value});
  twins.sliced("DUMP a");
  const std::string payload(twins.sliced.reply.large_value()->view());
  twins.sliced.waits = 0;
  twins.whole("DUMP a");
  const auto restore = [&](const std::string& bytes) {
    const auto block = std::make_shared<engine::LargeValue>();
    REQUIRE(block->append(bytes));
    const engine::LargeValueRef large = block;
    return twins.run({"RESTORE", "r", "0", large->view(), "REPLACE"}, {.large = &large});
  };
  CHECK(restore(payload) == "OK");
  CHECK(twins.has_waited());
  CHECK(twins("GET r") == quoted(value));
  constexpr std::string_view kWrong = "(error) ERR DUMP payload version or checksum are wrong";
  for (const std::size_t place : {std::size_t{0}, std::size_t{5}, payload.size() / 2,
                                  payload.size() - 10, payload.size() - 1}) {
    std::string damaged = payload;
    damaged[place] = static_cast<char>(damaged[place] ^ 1);
    CHECK(restore(damaged) == kWrong);
  }
  CHECK(restore(payload.substr(0, 40'000)) == kWrong);
  CHECK(twins("GET r") == quoted(value));
}

TEST_CASE("long jobs: a value that somebody sends is copied ahead of a change") {
  Twins twins;
  const std::string value(60'000, 'v');
  const std::vector<std::vector<std::string_view>> changes = {
      {"SETRANGE", "a", "7", "x"},
      {"APPEND", "a", "yz"},
      {"SETBIT", "a", "12", "1"},
      {"BITFIELD", "a", "SET", "u8", "#100", "1", "INCRBY", "u4", "80000", "3"},
  };
  for (const auto& change : changes) {
    twins.run({"SET", "a", value});
    const engine::LargeValueRef reader = hold(twins.sliced, "a");
    const engine::LargeValueRef other = hold(twins.whole, "a");
    twins.run(change);
    CHECK(twins.has_waited());
    CHECK(reader->view() == value);
    CHECK(twins("GET a") != quoted(value));
    twins("STRLEN a");  // The last reply holds what it refers to.
    CHECK(twins.sliced.keyspace.large_value_bytes() == hold(twins.sliced, "a")->memory_bytes());
    const engine::LargeValue* const block = hold(twins.sliced, "a").get();
    twins.run(change);  // Its own by now.
    CHECK_FALSE(twins.has_waited());
    CHECK(hold(twins.sliced, "a").get() == block);
  }
  const engine::LargeValueRef reader = hold(twins.sliced, "a");
  twins("BITFIELD a GET u8 0");
  CHECK_FALSE(twins.has_waited());
}

TEST_CASE("long jobs: what changes between the slices is not mixed into the answer") {
  Harness harness;
  harness.long_jobs.set_slice(kSlice);
  const std::string value(50'000, '\x01');
  harness.run({"SET", "a", value});
  const Command& command = *harness.table.find("BITCOUNT");
  const std::string_view words[] = {"BITCOUNT", "a"};
  Request request;
  request.args = words;
  request.first_key_hash = harness.keyspace.hash_of("a");
  Context context{harness.keyspace, harness.now_ms, harness.reply, harness.table, nullptr};
  for (int i = 0; i < 3; ++i) {
    CHECK_FALSE(harness.long_jobs.advance(command.long_job(context, request)));
    harness.long_jobs.begin_turn();
  }
  CHECK(harness("SETRANGE a 100 \x03") == "(integer) 50000");
  CHECK(harness("SETRANGE a 49000 \x07") == "(integer) 50000");
  CHECK(harness("BITCOUNT a") == "(integer) 50003");
  CHECK(harness("DEL a") == "(integer) 1");
  CHECK(harness("BITCOUNT a") == "(integer) 0");
}

TEST_CASE("long jobs: one slice in a turn, a few jobs at a time, and who is not asked for goes") {
  LongJobs jobs(kSlice);
  CHECK(jobs.advance(LongJob()));
  CHECK(jobs.advance(counting_job(0, 3 * kSlice)));  // Too short to be worth it.
  CHECK(jobs.empty());
  CHECK_FALSE(jobs.goes_on());
  const LongJob first = counting_job(1, 5 * kSlice);
  CHECK_FALSE(jobs.advance(first));
  CHECK_FALSE(jobs.advance(first));  // In the same turn nothing is done.
  CHECK(jobs.take(first).done_bytes == 0);
  for (int i = 0; i < 3; ++i) {
    CHECK(jobs.begin_turn());
    CHECK_FALSE(jobs.advance(first));
  }
  jobs.begin_turn();
  for (std::uint64_t i = 2; i <= 4; ++i) CHECK_FALSE(jobs.advance(counting_job(i, 4 * kSlice)));
  CHECK_FALSE(jobs.has(counting_job(5, 4 * kSlice)));
  CHECK_FALSE(jobs.advance(counting_job(5, 4 * kSlice)));  // There are four.
  jobs.begin_turn();
  CHECK(jobs.advance(first));
  CHECK(jobs.advance(first));  // It stays done.
  const LongJob done = jobs.take(first);
  CHECK(done.is_done());
  CHECK(done.number == 5 * kSlice);
  CHECK_FALSE(jobs.has(first));
  CHECK(jobs.begin_turn());  // Who waited for a place is to ask again.
  CHECK_FALSE(jobs.advance(counting_job(5, 4 * kSlice)));
  CHECK(jobs.has(counting_job(5, 4 * kSlice)));
  for (int i = 0; i < 9; ++i) {
    jobs.begin_turn();
    jobs.advance(counting_job(5, 4 * kSlice));
    jobs.tick();
  }
  CHECK(jobs.has(counting_job(5, 4 * kSlice)));
  CHECK_FALSE(jobs.has(counting_job(2, 4 * kSlice)));
  CHECK_FALSE(jobs.has(counting_job(4, 4 * kSlice)));
}

}  // namespace
