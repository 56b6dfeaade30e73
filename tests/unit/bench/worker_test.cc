#include "bench/load/worker.h"

#include <fcntl.h>

#include <string>

#include <doctest/doctest.h>

#include "bench/workload/workload.h"
#include "tests/unit/bench/fake_server.h"

using namespace phoenix;
using bench::FakeServer;
using bench::ManualClock;
using bench::Plan;
using bench::Shared;
using bench::Window;
using bench::Worker;

namespace {

constexpr std::uint64_t kWindowNs = 200 * FakeServer::kTurnNs;

Plan plan_of(double get_share, bool preload) {
  bench::RunOptions options;
  options.connections = 5;
  options.pipeline = 4;
  options.keys = 100;
  options.get_share = get_share;
  options.preload = preload;
  options.seed = 3;
  const bench::RequestShape shape{*bench::Keys::make(options.keys, options.key_bytes),
                                  options.value_bytes, protocol::kDoNotWait};
  return {options, shape, {.verify = true, .miss_is_error = preload}};
}

// A descriptor of its own for each connection; nobody reads or writes it.
Result<uring::UniqueFd> dummy() {
  return uring::UniqueFd(open("/dev/null", O_RDWR | O_CLOEXEC));
}

struct Fixture {
  Fixture(std::uint64_t seed, Plan the_plan) : plan(std::move(the_plan)), server(clock, seed) {
    REQUIRE(worker.connect(dummy));
  }

  Result<void> measure() {
    const Window window{clock.now_ns + kWindowNs, clock.now_ns + 2 * kWindowNs};
    return worker.measure(window, [this] { ++edges; });
  }

  Plan plan;
  ManualClock clock;
  FakeServer server;
  Shared shared;
  int edges = 0;
  Worker worker{plan, 0, server, clock, shared};
};

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
    std::string value(fixture.plan.shape.value_bytes, '\0');
    bench::ValuePattern(42).fill(value.data(), value.size());
    CHECK(fixture.server.stored["key:000000000042"] == value);

    REQUIRE(fixture.measure());
    const bench::WorkerResult& result = fixture.worker.result();
    CHECK(fixture.edges == 2);
    CHECK(result.window.replies > 0);
    CHECK(result.window.hits == result.window.replies);
    CHECK(result.latency_ns.count() == result.window.replies);
    CHECK(result.window_ns >= kWindowNs - FakeServer::kTurnNs);
    CHECK(result.all.replies == fixture.server.requests);
    CHECK(result.all.errors == 0);
    CHECK(result.all.mismatches == 0);
    CHECK(result.complaints.texts().empty());
  }
}

TEST_CASE("no connection has more than a pipeline of requests on its way") {
  Fixture fixture(1, plan_of(0.5, false));
  REQUIRE(fixture.measure());
  CHECK(fixture.server.outstanding_max == 4);
  const bench::Counts& all = fixture.worker.result().all;
  CHECK(all.hits + all.misses == fixture.server.gets);
  CHECK(all.misses > 0);
  CHECK(all.errors == 0);
}

TEST_CASE("a wrong value, a lost write and an error reply are each counted") {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    CAPTURE(seed);
    Fixture wrong(seed, plan_of(1, true));
    REQUIRE(wrong.worker.preload());
    wrong.server.faults.wrong_value_at = 150;
    REQUIRE(wrong.measure());
    CHECK(wrong.worker.result().all.mismatches == 1);
    CHECK(wrong.worker.result().complaints.texts().size() == 1);

    Fixture lost(seed, plan_of(1, true));
    lost.server.faults.lose_write_at = 50;
    REQUIRE(lost.worker.preload());
    REQUIRE(lost.measure());
    CHECK(lost.server.stored.size() == 99);
    CHECK(lost.worker.result().all.errors == lost.worker.result().all.misses);
    CHECK(lost.worker.result().all.errors > 0);

    Fixture error(seed, plan_of(0.5, false));
    error.server.faults.error_at = 30;  // In the warm-up: counted all the same.
    REQUIRE(error.measure());
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
  const auto out_of_order = swapped.measure();
  REQUIRE_FALSE(out_of_order);
  CHECK(out_of_order.error().message.find("out of order") != std::string::npos);

  Fixture closed(1, plan_of(1, false));
  closed.server.faults.close_at = 33;
  const auto ended = closed.measure();
  REQUIRE_FALSE(ended);
  CHECK(ended.error().message == "the server closed a connection");

  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    CAPTURE(seed);
    // A send that fails since the server has gone must not be what is told.
    Fixture refused(seed, plan_of(1, false));
    refused.server.faults.refuse_at = 33;
    const auto why = refused.measure();
    REQUIRE_FALSE(why);
    CHECK(why.error().message == "the server ended a connection: BUSY go away");
  }

  Fixture stalled(1, plan_of(1, false));
  stalled.server.faults.silent_from = 33;
  const auto silent = stalled.measure();
  REQUIRE_FALSE(silent);
  CHECK(silent.error().message == "5 connections got no more replies for 30 s");

  Fixture stuck(1, plan_of(1, true));
  stuck.server.faults.silent_from = 33;
  const auto preloaded = stuck.worker.preload();
  REQUIRE_FALSE(preloaded);
  CHECK(preloaded.error().message == "the preload stands still: no reply for 30 s");

  Fixture other(1, plan_of(1, false));
  other.shared.failed = true;
  CHECK_FALSE(other.measure());
}

TEST_CASE("threads share connections and keys without gap or overlap") {
  for (const std::uint32_t threads : {1U, 2U, 3U, 5U}) {
    CAPTURE(threads);
    Plan plan = plan_of(1, true);
    plan.options.threads = threads;
    ManualClock clock;
    Shared shared;
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
    CHECK(keys == plan.options.keys);
    CHECK(shared.keys_stored == plan.options.keys);
    CHECK(connections == 5);
  }
}
