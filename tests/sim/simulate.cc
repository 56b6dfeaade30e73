// Runs seeded scenarios and canaries: the tests of the simulated server, and the tool for long
// runs. A violation prints the seed that repeats it and ends with 1.
#include <CLI/CLI.hpp>
#include <sys/random.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "tests/sim/canaries.h"
#include "tests/sim/crash_points.h"
#include "tests/sim/last_words.h"
#include "tests/sim/worlds.h"

using namespace phoenix;
using namespace phoenix::simtest;

namespace {

struct Arguments {
  std::uint64_t from = 1;
  std::uint64_t count = 100;
  std::uint64_t crash_points = 0;
  double hours = 0;
  bool fresh = false;
  bool canaries = false;
  bool twice = false;
  bool by_level = false;
  bool long_parts = false;
};

std::uint64_t fresh_seed() {
  std::uint64_t seed = 0;
  // Any seed will do if the kernel has none to give.
  (void)!getrandom(&seed, sizeof seed, 0);
  return seed % 1'000'000'000'000;
}

class Runs final {
 public:
  /// False after a violation.
  bool run(std::uint64_t seed, bool twice) {
    note_running("a scenario", seed, " --count 1");
    const ScenarioResult result = run_scenario(seed, world_of(seed));
    ++scenarios_;
    crashes_ += result.crashes;
    replies_ += result.replies;
    flushes_ += result.flushes;
    messages_ += result.messages;
    if (!result.violation.empty()) {
      fmt::print(
          "VIOLATION in seed {}: {}\nits world: {}\nrepeat: phoenix-simulate --from {} --count 1\n",
          seed, result.violation, describe(world_of(seed)), seed);
      return false;
    }
    if (!twice) return true;
    const ScenarioResult again = run_scenario(seed, world_of(seed));
    if (again.trace_hash == result.trace_hash) return true;
    fmt::print("NOT DETERMINISTIC: seed {} gave trace {:x}, then {:x}\n", seed, result.trace_hash,
               again.trace_hash);
    return false;
  }
  void print() const {
    fmt::print(
        "{} scenarios, {} crashes, {} replies, {} flushes, {} messages checked: no violation\n",
        scenarios_, crashes_, replies_, flushes_, messages_);
  }

 private:
  std::uint64_t scenarios_ = 0;
  std::uint64_t crashes_ = 0;
  std::uint64_t replies_ = 0;
  std::uint64_t flushes_ = 0;
  std::uint64_t messages_ = 0;
};

// As the end-to-end tests have it: quick under sanitizers, normal in scripts/test, full in CI.
std::uint64_t by_level(std::uint64_t count) {
  const char* const level = std::getenv("PHOENIX_TEST_LEVEL");
  const std::string_view name = level == nullptr ? "normal" : level;
  if (name == "quick") return count / 80;  // Under sanitizers a scenario takes a second.
  return name == "full" ? count : count / 4;
}

int run(Arguments arguments) {
  if (arguments.by_level) {
    arguments.count = std::max<std::uint64_t>(by_level(arguments.count), 1);
    arguments.crash_points = by_level(arguments.crash_points);
  }
  if (arguments.canaries) return run_canaries() ? 0 : 1;
  if (arguments.crash_points > 0)
    return run_crash_points(arguments.from, arguments.crash_points, arguments.long_parts) ? 0 : 1;
  const std::uint64_t from = arguments.fresh ? fresh_seed() : arguments.from;
  if (arguments.fresh) fmt::print("fresh seeds from {}\n", from);
  Runs runs;
  const auto begin = std::chrono::steady_clock::now();
  const std::chrono::duration<double, std::ratio<3600>> limit(arguments.hours);
  for (std::uint64_t i = 0;; ++i) {
    const bool goes_by_time = arguments.hours > 0;
    if (goes_by_time ? std::chrono::steady_clock::now() - begin > limit : i == arguments.count)
      break;
    if (!runs.run(from + i, arguments.twice)) return 1;
  }
  runs.print();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  CLI::App app("Simulates Phoenix DB with crashes and faults, from seeds.", "phoenix-simulate");
  app.add_option("--from", arguments.from, "First seed");
  app.add_option("--count", arguments.count, "Seeds to run");
  app.add_option("--hours", arguments.hours, "Run for this long instead");
  app.add_option("--crash-points", arguments.crash_points,
                 "Crash at every point of quiet runs until there were this many");
  app.add_flag("--long-parts", arguments.long_parts,
               "Crash within the slices of what is streamed: long parts of long values");
  app.add_flag("--fresh", arguments.fresh, "Draw the first seed, and print it");
  app.add_flag("--canaries", arguments.canaries, "Show that planted bugs are caught");
  app.add_flag("--by-level", arguments.by_level,
               "Counts are those of PHOENIX_TEST_LEVEL=full; less for normal (default) and quick");
  app.add_flag("--twice", arguments.twice, "Run each seed twice and compare the traces");
  CLI11_PARSE(app, argc, argv);
  (void)std::setvbuf(stdout, nullptr, _IOLBF, 0);  // What was said is said, however it ends.
  prepare_last_words();
  return run(arguments);
}
