// Latency under a rate that the server has no influence on: what stalls and overload look like in
// open loop, what closed loop hides of them, and that no second of it is lost. All on virtual time,
// so the right answer is known to the request.
#include <cmath>
#include <cstdint>
#include <vector>

#include <doctest/doctest.h>

#include "bench/load/schedule.h"
#include "bench/load/timeline.h"
#include "tests/unit/bench/worker_support.h"

using namespace phoenix;
using namespace phoenix::bench;

namespace {

constexpr std::uint64_t kMs = 1'000'000;
constexpr double kRate = 10'000;
// Measured from 1 s to 2 s; the server stalls from 1.3 s on.
constexpr std::uint64_t kWindowNs = kNanosPerSecond;
constexpr std::uint64_t kStallFromNs = 1300 * kMs;
constexpr std::uint64_t kStallNs = 100 * kMs;

Plan open_plan(double rate_per_s, Arrivals arrivals = Arrivals::constant) {
  Plan plan = plan_of(0.5, false);
  plan.options.rate_per_s = rate_per_s;
  plan.options.arrivals = arrivals;
  plan.options.pipeline = 1000;
  return plan;
}

/// How many lie above.
double count_above(const Histogram& histogram, std::uint64_t ns) {
  std::uint64_t count = 0;
  histogram.each_bucket([&](std::uint64_t highest, std::uint64_t times) {
    if (highest > ns) count += times;
  });
  return static_cast<double>(count);
}

void check_seconds(const WorkerFixture& fixture, const std::vector<TimelineSecond>& seconds) {
  Counts sum;
  double length_s = 0;
  for (const TimelineSecond& second : seconds) {
    CHECK(second.begin_s == doctest::Approx(length_s).epsilon(0.01));
    sum.add(second.counts);
    length_s += second.length_s;
  }
  const WorkerResult& result = fixture.worker.result();
  CHECK(sum.replies == result.window.replies);
  CHECK(sum.hits == result.window.hits);
  CHECK(sum.misses == result.window.misses);
  CHECK(length_s == doctest::Approx(static_cast<double>(result.window_ns) / 1e9));
}

}  // namespace

TEST_CASE("a schedule keeps its rate, and Poisson arrivals are exponential") {
  Schedule constant(3, Arrivals::constant, 1000, 1);
  std::uint64_t last = 0;
  for (int i = 0; i <= 3'000'000; ++i, constant.advance()) last = constant.due_ns();
  CHECK(last == 1000 + 1'000'000 * kNanosPerSecond);  // Rounding does not add up.

  for (const std::uint64_t seed : {1ULL, 2ULL, 3ULL}) {
    CAPTURE(seed);
    Schedule poisson(1e6, Arrivals::poisson, 0, seed);
    CHECK(poisson.due_ns() == 0);
    constexpr int kDraws = 100'000;
    int over_mean = 0;
    int over_three = 0;
    double before = 0;
    for (int i = 0; i < kDraws; ++i) {
      poisson.advance();
      const auto now = static_cast<double>(poisson.due_ns());
      CHECK(now >= before);
      if (now - before > 1000) ++over_mean;
      if (now - before > 3000) ++over_three;
      before = now;
    }
    CHECK(before / kDraws == doctest::Approx(1000).epsilon(0.02));
    CHECK(over_mean == doctest::Approx(kDraws * std::exp(-1)).epsilon(0.03));
    CHECK(over_three == doctest::Approx(kDraws * std::exp(-3)).epsilon(0.08));
  }
}

TEST_CASE("the rate is kept, and a quick server is told to be quick") {
  for (const Arrivals arrivals : {Arrivals::constant, Arrivals::poisson}) {
    WorkerFixture fixture(1, open_plan(kRate, arrivals));
    fixture.server.be_calm();
    REQUIRE(fixture.measure(kWindowNs));
    const WorkerResult& result = fixture.worker.result();
    // Six standard deviations for Poisson, none for constant gaps.
    const double spread = arrivals == Arrivals::poisson ? 600 : 1;
    CHECK(std::abs(static_cast<double>(fixture.latencies().count()) - kRate) <= spread);
    CHECK(std::abs(static_cast<double>(result.window.replies) - kRate) <= spread + 1);
    CHECK(fixture.latencies().max() < 20 * FakeServer::kTurnNs);
    CHECK(result.unsent == 0);
    CHECK(result.client_delay_ns.count() == fixture.latencies().count());
    CHECK(result.client_delay_ns.max() <= 4 * FakeServer::kTurnNs);
    CHECK(result.all.replies == fixture.server.requests);
  }
}

TEST_CASE("a stall shows in open loop with every request that it held up") {
  for (const Arrivals arrivals : {Arrivals::constant, Arrivals::poisson}) {
    for (const std::uint64_t seed : {1ULL, 2ULL}) {
      CAPTURE(seed);
      WorkerFixture fixture(seed, open_plan(kRate, arrivals));
      fixture.server.be_calm(kStallFromNs, kStallFromNs + kStallNs);
      REQUIRE(fixture.measure(kWindowNs));
      const Histogram latencies = fixture.latencies();
      // Whoever was due t before its end waits for t: rate x (stall - t) of them wait longer.
      for (const std::uint64_t over_ns : {1 * kMs, 10 * kMs, 50 * kMs, 90 * kMs}) {
        CAPTURE(over_ns);
        const double expected = kRate * static_cast<double>(kStallNs - over_ns) / 1e9;
        // A bucket is 0.8 % wide; Poisson's spread is the root.
        const double bucket = kRate * static_cast<double>(over_ns) / 1e9 / 64 + 2;
        const double spread = arrivals == Arrivals::poisson ? 6 * std::sqrt(expected) : 0;
        CHECK(std::abs(count_above(latencies, over_ns) - expected) <= bucket + spread);
      }
      CHECK(latencies.max() == doctest::Approx(kStallNs).epsilon(0.02));
      CHECK(latencies.percentile(99) > 80 * kMs);  // A tenth of the second stood still.
      CHECK(latencies.percentile(50) < kMs);
      CHECK(fixture.worker.result().unsent == 0);
      CHECK(static_cast<double>(latencies.count()) == doctest::Approx(kRate).epsilon(0.05));
    }
  }
}

TEST_CASE("requests that found all pipelines full count from when they were due") {
  Plan plan = open_plan(kRate);
  plan.options.pipeline = 4;  // Of five connections: 20 of the 1000 that the stall holds up.
  WorkerFixture fixture(1, plan);
  fixture.server.be_calm(kStallFromNs, kStallFromNs + kStallNs);
  REQUIRE(fixture.measure(kWindowNs));
  const Histogram latencies = fixture.latencies();
  CHECK(fixture.server.outstanding_max <= 4);
  CHECK(std::abs(count_above(latencies, 50 * kMs) - 500) <= 10);
  CHECK(std::abs(static_cast<double>(latencies.count()) - kRate) <= 1);
  CHECK(latencies.max() == doctest::Approx(kStallNs).epsilon(0.02));
  CHECK(fixture.worker.result().unsent == 0);
  // The wait for a pipeline is not the client's delay.
  CHECK(fixture.worker.result().client_delay_ns.max() < kMs);
}

TEST_CASE("closed loop hides the same stall: one batch of each connection saw it") {
  WorkerFixture fixture(1, plan_of(0.5, false));
  fixture.server.be_calm(220 * kMs, 220 * kMs + kStallNs);
  fixture.server.ns_per_request = 20'000;
  REQUIRE(fixture.measure(200 * kMs));
  const Histogram latencies = fixture.latencies();
  CHECK(count_above(latencies, 50 * kMs) == 5 * 4);  // Connections times pipeline.
  CHECK(latencies.max() == doctest::Approx(kStallNs).epsilon(0.02));
  CHECK(latencies.count() > 4000);
  CHECK(latencies.percentile(99) < 5 * kMs);  // Half of the window stood still.
}

TEST_CASE("overload: what was never sent is counted, with how long it had waited") {
  for (const Arrivals arrivals : {Arrivals::constant, Arrivals::poisson}) {
    Plan plan = open_plan(kRate, arrivals);
    plan.options.pipeline = 4;
    WorkerFixture fixture(1, plan);
    fixture.server.be_calm();
    fixture.server.ns_per_request = 200'000;  // Half of what is asked for.
    REQUIRE(fixture.measure(kWindowNs));
    const WorkerResult& result = fixture.worker.result();
    const bool is_poisson = arrivals == Arrivals::poisson;
    const Histogram latencies = fixture.latencies();
    CHECK(static_cast<double>(result.window.replies) == doctest::Approx(kRate / 2).epsilon(0.03));
    // Half of the warm-up's requests are still ahead of the window's: all of these are unsent.
    CHECK(static_cast<double>(result.unsent) ==
          doctest::Approx(kRate).epsilon(is_poisson ? 0.05 : 0.005));
    CHECK(result.unsent_ns.count() == result.unsent);
    CHECK(static_cast<double>(latencies.count()) ==
          doctest::Approx(kRate).epsilon(is_poisson ? 0.05 : 0.005));
    // Evenly from none to the whole window.
    CHECK(static_cast<double>(result.unsent_ns.percentile(50)) ==
          doctest::Approx(kWindowNs / 2).epsilon(0.03));
    CHECK(result.unsent_ns.max() <= kWindowNs);
    CHECK(result.unsent_ns.max() > kWindowNs * 95 / 100);
  }
}

TEST_CASE("a little more than the server bears: sent and unsent are together what was due") {
  Plan plan = open_plan(kRate);
  plan.options.pipeline = 4;
  WorkerFixture fixture(1, plan);
  fixture.server.be_calm();
  fixture.server.ns_per_request = 110'000;
  REQUIRE(fixture.measure(kWindowNs));
  const WorkerResult& result = fixture.worker.result();
  CHECK(result.unsent > 0);
  CHECK(std::abs(static_cast<double>(fixture.latencies().count()) - kRate) <= 2);
  CHECK(fixture.latencies().max() > 90 * kMs);
}

TEST_CASE("threads take turns: together they keep the gaps") {
  Plan plan = open_plan(kRate);
  plan.options.threads = 2;
  plan.options.connections = 2;
  ManualClock clock;
  const std::atomic<bool> stop{false};
  Shared shared(plan.options, stop);
  std::uint64_t due = 0;
  for (std::uint32_t index = 0; index < 2; ++index) {
    clock.now_ns = 1;
    FakeServer server(clock, index);
    server.be_calm();
    Worker worker(plan, index, server, clock, shared);
    REQUIRE(worker.connect(dummy));
    REQUIRE(worker.measure({kMs, 101 * kMs}, [] {}));
    for (const Histogram& each : worker.result().latency_ns) due += each.count();
  }
  CHECK(due == 1000);
  const auto seconds = shared.timeline.take_rest();
  REQUIRE(seconds.size() == 1);
  CHECK(seconds[0].length_s == doctest::Approx(0.1));
  CHECK(static_cast<double>(seconds[0].counts.replies) == doctest::Approx(1000).epsilon(0.01));
}

TEST_CASE("the seconds of a window add up to it") {
  for (const double rate_per_s : {0.0, 1000.0}) {
    CAPTURE(rate_per_s);
    Plan plan = open_plan(rate_per_s);
    plan.options.pipeline = 4;
    WorkerFixture fixture(1, plan);
    fixture.server.be_calm();
    fixture.server.ns_per_request = 500'000;
    REQUIRE(fixture.measure(3 * kNanosPerSecond + kNanosPerSecond / 2));
    std::vector<TimelineSecond> seconds =
        fixture.shared.timeline.take(std::chrono::milliseconds(0));
    CHECK(seconds.size() == 4);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(seconds[i].length_s == 1);
      CHECK(seconds[i].max_ns > 0);
    }
    CHECK(seconds.back().length_s == doctest::Approx(0.5).epsilon(0.02));
    CHECK(fixture.shared.timeline.take_rest().empty());
    check_seconds(fixture, seconds);
  }
}

TEST_CASE("a stall shows in its own second alone") {
  WorkerFixture fixture(1, open_plan(1000));
  // Measured from 3 s to 6 s.
  fixture.server.be_calm(4300 * kMs, 4300 * kMs + kStallNs);
  REQUIRE(fixture.measure(3 * kNanosPerSecond));
  const auto seconds = fixture.shared.timeline.take_rest();
  REQUIRE(seconds.size() == 3);
  CHECK(seconds[0].max_ns < kMs);
  CHECK(seconds[1].max_ns == doctest::Approx(kStallNs).epsilon(0.02));
  CHECK(seconds[1].p99_ns > 80 * kMs);
  CHECK(seconds[1].p50_ns < kMs);
  CHECK(seconds[2].max_ns < kMs);
}

TEST_CASE("a second is whole when every thread has handed in its part") {
  Timeline timeline(2);
  const auto part = [](std::uint64_t replies, std::uint64_t latency_ns) {
    Histogram latency;
    latency.record(latency_ns, replies);
    return std::pair(Counts{.replies = replies}, latency);
  };
  const auto nothing = std::chrono::milliseconds(0);
  const auto hand_in = [&](std::size_t second, double length_s, std::uint64_t replies,
                           std::uint64_t latency_ns) {
    const auto [counts, latency] = part(replies, latency_ns);
    timeline.add(second, length_s, counts, latency);
  };
  hand_in(0, 1, 10, 100);
  hand_in(1, 1, 20, 100);
  CHECK(timeline.take(nothing).empty());
  hand_in(0, 1, 5, 1'000'000);
  const auto first = timeline.take(nothing);
  REQUIRE(first.size() == 1);
  CHECK(first[0].begin_s == 0);
  CHECK(first[0].counts.replies == 15);
  CHECK(first[0].p50_ns == 100);
  CHECK(first[0].max_ns == 1'000'000);
  hand_in(2, 0.25, 7, 100);
  hand_in(1, 0.75, 1, 100);  // The other thread was stopped a little earlier.
  CHECK(timeline.take(nothing).size() == 1);
  timeline.thread_ended();
  CHECK_FALSE(timeline.all_ended());
  timeline.thread_ended();
  CHECK(timeline.all_ended());
  CHECK(timeline.take(std::chrono::hours(1)).empty());  // At once.
  const auto rest = timeline.take_rest();
  REQUIRE(rest.size() == 1);
  CHECK(rest[0].begin_s == 2);
  CHECK(rest[0].length_s == 0.25);
  CHECK(rest[0].counts.replies == 7);
}
