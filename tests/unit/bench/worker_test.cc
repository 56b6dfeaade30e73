// A worker in closed loop, against a server that sends in pieces and fails where it is told to.
#include "bench/load/worker.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/bench/worker_support.h"

using namespace phoenix;
using namespace phoenix::bench;
using Fixture = WorkerFixture;

namespace {

constexpr std::uint64_t kWindowNs = 200 * FakeServer::kTurnNs;

std::uint64_t count_of(const WorkerResult& result, Verb verb) {
  return result.latency_ns[static_cast<std::size_t>(verb)].count();
}

}  // namespace

TEST_CASE("preload stores every key with its own value, and then every GET hits") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    Fixture fixture(seed, plan_of(1, true));
    REQUIRE(fixture.worker.preload());
    CHECK(fixture.server.stored.size() == 100);
    CHECK(fixture.server.requests == 100);
    CHECK(fixture.shared.keys_stored == 100);
    CHECK(fixture.server.set_flags == protocol::kDoNotWait);
    std::string value(64, '\0');
    ValuePattern(42).fill(value.data(), value.size());
    CHECK(fixture.server.stored["key:000000000042"] == value);

    REQUIRE(fixture.measure(kWindowNs));
    const WorkerResult& result = fixture.worker.result();
    CHECK(fixture.edges == 2);
    CHECK(result.window.replies > 0);
    CHECK(result.window.hits == result.window.replies);
    CHECK(fixture.latencies().count() == result.window.replies);
    CHECK(count_of(result, Verb::get) == result.window.replies);
    CHECK(result.window_ns >= kWindowNs - FakeServer::kTurnNs);
    CHECK(result.all.replies == fixture.server.requests);
    CHECK(result.all.errors == 0);
    CHECK(result.all.mismatches == 0);
    CHECK(result.complaints.texts().empty());
    CHECK(result.unsent == 0);
  }
}

TEST_CASE("no connection has more than a pipeline of requests on its way") {
  Fixture fixture(1, plan_of(0.5, false));
  REQUIRE(fixture.measure(kWindowNs));
  CHECK(fixture.server.outstanding_max == 4);
  const WorkerResult& result = fixture.worker.result();
  CHECK(result.all.hits + result.all.misses == fixture.server.gets);
  CHECK(result.all.misses > 0);
  CHECK(result.all.errors == 0);
  CHECK(count_of(result, Verb::get) + count_of(result, Verb::set) == result.window.replies);
}

TEST_CASE("DEL, multi-gets, times to live and replayed commands are counted by their kind") {
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    Plan plan = plan_of(0.25, false);
    plan.options.workload.mix = {.get = 0.25, .set = 0.25, .del = 0.25, .multi_get = 0.25};
    plan.shape.ttl = {1000, 2000};
    Fixture fixture(seed, plan);
    REQUIRE(fixture.measure(kWindowNs));
    const WorkerResult& result = fixture.worker.result();
    CHECK(result.all.replies == fixture.server.requests);
    CHECK(result.all.errors + result.all.mismatches == 0);
    CHECK((fixture.server.set_flags & protocol::kHasTtl) != 0);
    std::uint64_t replies = 0;
    for (const Verb verb : {Verb::get, Verb::set, Verb::del, Verb::multi_get}) {
      CHECK(count_of(result, verb) > 0);
      replies += count_of(result, verb);
    }
    CHECK(replies == result.window.replies);

    CHECK(result.all.hits + result.all.misses > fixture.server.gets);

    Plan replay = plan_of(1, false);
    replay.options.connections = 1;
    replay.shape.replayed = {{"A", "1"}, {"B"}, {"C", "2", "3"}};
    Fixture replayed(seed, replay);
    REQUIRE(replayed.measure(kWindowNs));
    const std::vector<std::string>& commands = replayed.server.commands;
    CHECK(commands.size() == replayed.worker.result().all.replies);
    for (std::size_t i = 0; i < commands.size(); ++i) {
      CHECK(commands[i] == std::string(1, static_cast<char>('A' + i % 3)));
    }
  }
}

TEST_CASE("a wrong value, a lost write and an error reply are each counted") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Fixture wrong(seed, plan_of(1, true));
    REQUIRE(wrong.worker.preload());
    wrong.server.faults.wrong_value_at = 150;
    REQUIRE(wrong.measure(kWindowNs));
    CHECK(wrong.worker.result().all.mismatches == 1);
    CHECK(wrong.worker.result().complaints.texts().size() == 1);

    Fixture lost(seed, plan_of(1, true));
    lost.server.faults.lose_write_at = 50;
    REQUIRE(lost.worker.preload());
    REQUIRE(lost.measure(kWindowNs));
    CHECK(lost.server.stored.size() == 99);
    CHECK(lost.worker.result().all.errors == lost.worker.result().all.misses);
    CHECK(lost.worker.result().all.errors > 0);

    Fixture error(seed, plan_of(0.5, false));
    error.server.faults.error_at = 30;  // In the warm-up: counted all the same.
    REQUIRE(error.measure(kWindowNs));
    CHECK(error.worker.result().all.errors == 1);
    CHECK(error.worker.result().window.errors == 0);
    CHECK(error.worker.result().complaints.texts().front().find("the log has no room") !=
          std::string::npos);
  }
}

TEST_CASE("an error ends the preload") {
  Fixture fixture(1, plan_of(1, true));
  fixture.server.faults.error_at = 10;
  const auto done = fixture.worker.preload();
  REQUIRE_FALSE(done);
  CHECK(done.error().message.starts_with("the preload failed: SET key:0000000000"));
}

TEST_CASE("what no measurement survives ends it, with the reason") {
  Fixture swapped(1, plan_of(1, false));
  swapped.server.faults.swap_ids_at = 33;
  const auto out_of_order = swapped.measure(kWindowNs);
  REQUIRE_FALSE(out_of_order);
  CHECK(out_of_order.error().message.find("out of order") != std::string::npos);

  Fixture closed(1, plan_of(1, false));
  closed.server.faults.close_at = 33;
  const auto ended = closed.measure(kWindowNs);
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message == "the server closed a connection");

  // What was measured before is kept.
  Fixture died(1, plan_of(1, false));
  died.server.faults.close_at = 2000;
  REQUIRE_FALSE(died.measure(kWindowNs));
  CHECK(died.edges == 2);
  CHECK(died.worker.result().window.replies > 0);
  CHECK(died.worker.result().window.replies < 2000);
  CHECK(died.worker.result().window_ns > 0);

  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    // A send that fails since the server has gone must not be what is told.
    Fixture refused(seed, plan_of(1, false));
    refused.server.faults.refuse_at = 33;
    const auto why = refused.measure(kWindowNs);
    REQUIRE_FALSE(why);
    CHECK(why.error().message == "the server ended a connection: BUSY go away");
  }

  Fixture stalled(1, plan_of(1, false));
  stalled.server.faults.silent_from = 33;
  const auto silent = stalled.measure(kWindowNs);
  REQUIRE_FALSE(silent);
  CHECK(silent.error().message == "5 connections got no more replies for 30 s");

  Fixture stuck(1, plan_of(1, true));
  stuck.server.faults.silent_from = 33;
  const auto preloaded = stuck.worker.preload();
  REQUIRE_FALSE(preloaded);
  CHECK(preloaded.error().message == "the preload stands still: no reply for 30 s");

  Fixture other(1, plan_of(1, false));
  other.shared.failed = true;
  CHECK_FALSE(other.measure(kWindowNs));
}

TEST_CASE("whoever stops a run gets what was measured so far") {
  for (const double rate_per_s : {0.0, 200'000.0}) {
    CAPTURE(rate_per_s);
    Plan plan = plan_of(1, false);
    plan.options.rate_per_s = rate_per_s;
    Fixture fixture(2, plan);
    constexpr std::uint64_t kLongNs = 10'000'000;
    fixture.server.stop_at_ns = kLongNs + kLongNs / 4;  // A quarter of the window.
    REQUIRE(fixture.measure(kLongNs));
    const WorkerResult& result = fixture.worker.result();
    CHECK(fixture.edges == 2);
    CHECK(result.window_ns == doctest::Approx(kLongNs / 4.0).epsilon(0.01));
    CHECK(result.window.replies > 0);
    CHECK(result.all.replies == fixture.server.requests);
    if (rate_per_s == 0) CHECK(fixture.latencies().count() == result.window.replies);
    if (rate_per_s == 0) continue;
    CHECK(fixture.latencies().count() == doctest::Approx(500).epsilon(0.01));
    CHECK(result.unsent <= 1);
  }
}

TEST_CASE("a stop before anything was measured says so") {
  for (const double rate_per_s : {0.0, 1e8}) {  // Also where more is due than can be sent.
    Plan plan = plan_of(1, true);
    plan.options.rate_per_s = rate_per_s;
    Fixture early(1, plan);
    early.server.stop = true;
    const auto preloaded = early.worker.preload();
    REQUIRE_FALSE(preloaded);
    CHECK(preloaded.error().message == "stopped during the preload: nothing is measured");
    Fixture late(1, plan);
    REQUIRE(late.worker.preload());
    late.server.stop_at_ns = late.clock.now_ns + kWindowNs / 2;
    const auto measured = late.measure(kWindowNs);
    REQUIRE_FALSE(measured);
    CHECK(measured.error().message == "stopped during the warm-up: nothing is measured");
    CHECK(late.worker.result().unsent == 0);
  }
}

TEST_CASE("a stop is seen although no reply comes") {
  Fixture fixture(1, plan_of(1, false));
  fixture.server.be_calm(0, ~std::uint64_t{0});  // Never a reply.
  fixture.server.stop_at_ns = 300'000'000;
  const auto measured = fixture.measure(3600 * kNanosPerSecond);
  REQUIRE_FALSE(measured);
  CHECK(fixture.clock.now_ns < kNanosPerSecond);
}

TEST_CASE("a stop gets what was measured although the server has fallen silent") {
  for (const double rate_per_s : {0.0, 1000.0}) {
    CAPTURE(rate_per_s);
    Plan plan = plan_of(1, false);
    plan.options.rate_per_s = rate_per_s;
    Fixture fixture(1, plan);
    // Measured from 1 s on, silent from 1.5 s on, stopped at 2 s.
    fixture.server.be_calm(3 * kNanosPerSecond / 2, ~std::uint64_t{0});
    fixture.server.ns_per_request = 100'000;
    fixture.server.stop_at_ns = 2 * kNanosPerSecond;
    REQUIRE(fixture.worker.measure({kNanosPerSecond, 3600 * kNanosPerSecond}, [] {}));
    const WorkerResult& result = fixture.worker.result();
    CHECK(fixture.clock.now_ns < 4 * kNanosPerSecond);
    CHECK(result.window.replies > 400);
    CHECK(result.unanswered == 5 * 4);
    if (rate_per_s == 0) continue;
    // All that were due, with waits until the end of the waiting or of the window.
    CHECK(fixture.latencies().count() == doctest::Approx(1000).epsilon(0.01));
    CHECK(fixture.latencies().max() > kNanosPerSecond);
  }
}

TEST_CASE("threads share connections and keys without gap or overlap") {
  for (const std::uint32_t threads : {1U, 2U, 3U, 5U}) {
    CAPTURE(threads);
    Plan plan = plan_of(1, true);
    plan.options.threads = threads;
    ManualClock clock;
    const std::atomic<bool> stop{false};
    Shared shared(plan.options, stop);
    std::size_t keys = 0;
    int connections = 0;
    for (std::uint32_t index = 0; index < threads; ++index) {
      FakeServer server(clock, index);
      Worker worker(plan, index, server, clock, shared);
      REQUIRE(worker.connect([&] {
        ++connections;
        return dummy();
      }));
      REQUIRE(worker.preload());
      keys += server.stored.size();
    }
    CHECK(keys == plan.options.workload.keys);
    CHECK(shared.keys_stored == plan.options.workload.keys);
    CHECK(connections == 5);
  }
}
