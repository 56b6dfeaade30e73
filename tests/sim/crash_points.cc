#include "tests/sim/crash_points.h"

#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/sim/last_words.h"
#include "tests/sim/process.h"
#include "tests/sim/user.h"
#include "tests/sim/verifier.h"

namespace phoenix::simtest {
namespace {

class CrashEverywhere final {
 public:
  CrashEverywhere(std::uint64_t seed, std::uint64_t count)
      : seed_(seed), left_(count), random_(seed), world_(seed, quiet()) {}

  /// Points checked.
  std::uint64_t run();
  const std::string& violation() const { return violation_; }

 private:
  static sim::FaultPlan quiet() {
    sim::FaultPlan plan;
    plan.write_back = 1'000;
    return plan;
  }
  bool start(unsigned cores);
  void serve(std::uint64_t replies_wanted);
  bool leave_a_database();
  void recover_a_copy();

  std::uint64_t seed_;
  std::uint64_t left_;
  std::uint64_t checked_ = 0;
  SeededRandom random_;
  sim::World world_;
  Truth truth_;
  std::vector<std::unique_ptr<User>> users_;
  std::unique_ptr<Process> process_;
  std::string violation_;
};

std::uint64_t CrashEverywhere::run() {
  constexpr std::uint64_t kRepliesWanted = 150;
  for (unsigned number = 0; number < 2; ++number) {
    users_.push_back(std::make_unique<User>(world_, truth_, random_, number));
  }
  // Every other run starts from what another number of cores has left.
  const bool has_database = seed_ % 4 >= 2;
  if (has_database && !leave_a_database()) return checked_;
  world_.on_point([this] { recover_a_copy(); });
  if (start(1 + static_cast<unsigned>(seed_ % 2))) serve(kRepliesWanted);
  world_.on_point({});
  world_.crash_now();
  users_.clear();
  process_.reset();
  return checked_;
}

bool CrashEverywhere::leave_a_database() {
  constexpr std::uint64_t kRepliesWanted = 60;
  if (!start(2 + static_cast<unsigned>(seed_ % 2))) return false;
  serve(kRepliesWanted);
  for (auto& user : users_) user->take_replies();
  world_.crash_now();
  process_.reset();
  world_.power_cut();
  for (auto& user : users_) user->lose_connection(false);
  return violation_.empty();
}

bool CrashEverywhere::start(unsigned cores) {
  process_ = std::make_unique<Process>(world_, small_config(cores));
  if (!process_->boot()) {
    violation_ = violation_.empty() ? "no start: " + process_->refusal() : violation_;
    return false;
  }
  verify_recovery(world_, *process_, truth_, random_);
  violation_ = violation_.empty() ? truth_.violation : violation_;
  return violation_.empty();
}

void CrashEverywhere::serve(std::uint64_t replies_wanted) {
  for (auto& user : users_) user->connect();
  const auto replies = [this] {
    std::uint64_t sum = 0;
    for (const auto& user : users_) sum += user->replies();
    return sum;
  };
  const std::uint64_t until = replies() + replies_wanted;
  while (replies() < until && left_ > 0 && violation_.empty()) {
    users_[random_.below(users_.size())]->act();
    flush_now_and_then(truth_, random_, users_);
    for (int step = 0; step < 4; ++step) process_->step(world_.now_ns() + 100'000);
    truth_.highest_wall_ms = std::max(truth_.highest_wall_ms, process_->highest_wall_ms());
    if (violation_.empty()) violation_ = truth_.violation;
  }
}

void CrashEverywhere::recover_a_copy() {
  if (left_ == 0 || !violation_.empty()) return;
  for (const auto& user : users_) user->take_replies();
  if (!violation_.empty()) return;
  --left_;
  ++checked_;
  const std::uint64_t copy_seed = seed_ * 1'000'003 + checked_;
  const bool is_power_cut = checked_ % 3 != 0;
  Truth truth = truth_;
  SeededRandom random(copy_seed);
  sim::World world(copy_seed, quiet(), world_.disk_after(is_power_cut, copy_seed));
  world.step_wall(world_.clock().wall_ms() - world.clock().wall_ms());
  const unsigned cores = 1 + static_cast<unsigned>(copy_seed % 3);
  Process process(world, small_config(cores));
  if (!process.boot()) {
    violation_ = "no start: " + process.refusal();
  } else {
    verify_recovery(world, process, truth, random);
    violation_ = truth.violation;
  }
  if (!violation_.empty()) violation_ = fmt::format("point {}: {}", checked_, violation_);
}

}  // namespace

bool run_crash_points(std::uint64_t from, std::uint64_t count) {
  std::uint64_t checked = 0;
  for (std::uint64_t seed = from; checked < count; ++seed) {
    note_running("crash points", seed, " --crash-points 1000");
    CrashEverywhere run(seed, count - checked);
    checked += run.run();
    if (!run.violation().empty()) {
      fmt::print("VIOLATION in seed {}, {}\n", seed, run.violation());
      return false;
    }
  }
  fmt::print("{} crash points recovered: no violation\n", checked);
  return true;
}

}  // namespace phoenix::simtest
