// Runs that are crashed at each of their points: every start after a crash is judged, and a sample
// of those starts is crashed at its own points, three deep.
#pragma once

#include <cstdint>
#include <string>

#include "phoenix/base/random.h"
#include "tests/unit/log_crash/oracle.h"

namespace phoenix::log_test {

struct Setting {
  std::string name;
  log::Options options = small_options();
  sim::FaultPlan plan{};
  unsigned cores = 1;
  unsigned cores_after = 1;  // Half of the starts after a crash.
  unsigned lives = 2;        // Each is crashed at all its points, and ends orderly or by a crash.
  unsigned changes = 40;     // In each life.
  bool errors = false;       // Writes and syncs fail now and then: then the process ends by itself.
};

[[nodiscard]] Setting setting(const std::string& name);

/// A few changes, some of them sealed alone and some together, with turns in between.
void write_changes(Process& process, Oracle& oracle, SeededRandom& random, unsigned changes);

class Explorer final {
 public:
  Explorer(const Setting& setting, std::uint64_t seed)
      : setting_(setting), seed_(seed), random_(seed) {}

  /// Empty, or what was wrong first, with what repeats it.
  std::string run();
  std::uint64_t crashes() const { return crashes_; }

 private:
  static constexpr unsigned kDepth = 3;

  void live(sim::World& world, Oracle& oracle);
  void crash_here(sim::World& world, const Oracle& oracle, unsigned depth);
  void go_on(sim::World& world, Process& process, Oracle& oracle, unsigned depth);
  bool judge(const Oracle& oracle, const Process& process, const Result<void>& started);
  void wrong(const std::string& what);

  const Setting& setting_;
  const std::uint64_t seed_;
  SeededRandom random_;
  std::uint64_t crashes_ = 0;
  std::string failure_;
};

}  // namespace phoenix::log_test
