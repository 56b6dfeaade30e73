// Which requests are timed, and which are kept.
#include "phoenix/server/slow_watch.h"

#include <vector>

#include <doctest/doctest.h>

#include "phoenix/commands/table.h"

using namespace phoenix;
using namespace phoenix::server;
using commands::Setting;

namespace {

class CountedClock final : public Clock {
 public:
  std::int64_t wall_ms() const override { return 5'000; }
  std::uint64_t monotonic_ns() const override {
    ++reads;
    return now_ns;
  }
  std::uint64_t now_ns = 1;
  mutable int reads = 0;
};

struct Watched {
  Watched(std::int64_t slow_us, std::int64_t latency_ms) {
    settings.set(Setting::slow_log_us, slow_us);
    settings.set(Setting::latency_ms, latency_ms);
    watch.apply(settings);
  }
  void begin() {
    watch.begin();
    place = 0;
  }
  /// A request that does `work` and takes `took_us`; keeps it if it is to be kept.
  bool run(std::string_view name, std::uint64_t work, std::uint64_t took_us,
           bool is_first = false) {
    clock.now_ns += took_us * 1000;
    const std::size_t its_place = place++;
    if (!watch.looks_at(work, is_first)) return false;
    const std::uint64_t took_ns = watch.lap(work, its_place);
    last_us = took_ns / 1000;
    if (!watch.is_slow(work, took_ns)) return false;
    const std::array<std::string_view, 2> words{name, "a"};
    watch.keep(*table.find(name), words, took_ns, 5'000, {"1.2.3.4:5", "shop"});
    return true;
  }

  commands::Table table;
  CountedClock clock;
  std::atomic<std::int64_t> ids{0};
  commands::SlowLog log{ids};
  commands::Latency latency;
  commands::Settings settings;
  SlowWatch watch{clock, log, latency};
  std::size_t place = 0;
  std::uint64_t last_us = 0;
};

TEST_CASE("requests that did little cost no look at the clock") {
  Watched watched(10'000, 0);
  watched.begin();
  for (int i = 0; i < 100; ++i) CHECK_FALSE(watched.run("GET", 1000, 1));
  CHECK(watched.clock.reads == 1);
  CHECK_FALSE(watched.run("GET", 5'000'000, 9'000));  // It did much, and was fast all the same.
  CHECK(watched.clock.reads == 2);
  CHECK(watched.run("GET", 5'000'000, 12'000));
  REQUIRE(watched.log.entries().size() == 1);
  const auto& entry = watched.log.entries()[0];
  CHECK(entry.took_us == 12'000);
  CHECK(entry.at_s == 5);
  CHECK(entry.words == std::vector<std::string>{"GET", "a"});
  CHECK(entry.client.address == "1.2.3.4:5");
}

TEST_CASE("a threshold that small requests reach lets each be timed") {
  Watched watched(0, 0);
  watched.begin();
  CHECK(watched.run("GET", 64, 0));
  CHECK(watched.run("GET", 64, 3));
  REQUIRE(watched.log.entries().size() == 2);
  CHECK(watched.log.entries()[0].took_us == 3);
  CHECK(watched.log.entries()[0].id == 1);
}

TEST_CASE("what may hold a password is not kept") {
  Watched watched(0, 0);
  watched.begin();
  CHECK(watched.run("AUTH", 64, 3));
  CHECK(watched.log.entries().empty());
}

TEST_CASE("nothing is kept when nobody wants to know") {
  Watched watched(-1, 0);
  watched.begin();
  CHECK_FALSE(watched.run("GET", 1'000'000'000, 1'000'000));
  CHECK(watched.last_us == 1'000'000);  // But it is timed.
}

TEST_CASE("the first calls of a command are timed, and share what passed since the last look") {
  Watched watched(10'000, 0);
  watched.begin();
  CHECK_FALSE(watched.run("GET", 100, 3, true));
  CHECK(watched.last_us == 3);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(watched.run("GET", 100, 5));
  CHECK_FALSE(watched.run("SET", 100, 5, true));
  CHECK(watched.last_us == 5);
  CHECK_FALSE(watched.run("SET", 100, 20'000, true));  // The kernel held it up.
  CHECK(watched.log.entries().empty());
  CHECK_FALSE(watched.run("GET", 100, 1));
  CHECK_FALSE(watched.run("BITCOUNT", 100'000, 9'000));  // It took most of what passed.
  CHECK(watched.last_us == 9'001);
}

TEST_CASE("one request in 64 is timed by itself, now here and now there") {
  Watched watched(10'000, 0);
  std::vector<std::size_t> places(128);
  std::size_t samples = 0;
  constexpr std::size_t kBatches = 2000;
  for (std::size_t batch = 0; batch < kBatches; ++batch) {
    watched.begin();
    std::size_t place = 0;
    while (true) {
      place += watched.watch.before_sample(places.size() - place);
      if (place == places.size()) break;
      watched.clock.now_ns += 700'000;
      watched.watch.begin_sample();
      watched.place = 0;
      CHECK_FALSE(watched.run("GET", 100, 1));
      CHECK(watched.last_us == 1);
      watched.watch.end_sample();
      ++samples;
      ++places[place++];
    }
  }
  CHECK(samples > kBatches * 2 * 9 / 10);
  CHECK(samples < kBatches * 2 * 11 / 10);
  for (const auto count : places) CHECK(count > 0);
}

TEST_CASE("the latency monitor has a threshold of its own, for commits too") {
  Watched watched(-1, 100);
  watched.begin();
  CHECK(watched.run("GET", 1'000'000'000, 150'000));
  CHECK_FALSE(watched.run("GET", 1'000'000'000, 50'000));
  watched.watch.keep_commit(99 * kNanosPerMs, 5'000);
  watched.watch.keep_commit(120 * kNanosPerMs, 5'000);
  CHECK(watched.log.entries().empty());
  std::size_t samples = 0;
  for (std::size_t event = 0; event < commands::Latency::kEvents; ++event) {
    samples += watched.latency.history(event).samples.size();
  }
  CHECK(samples == 2);
  const auto commit = static_cast<std::size_t>(commands::Latency::Event::commit);
  CHECK(watched.latency.history(commit).longest_ms == 120);
}

}  // namespace
