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

/// How one seed's run goes.
struct Plan {
  unsigned users = 2;
  std::uint64_t replies = 150;
  std::uint64_t replies_before = 60;  // Of the run that leaves a database, if there is one.
  std::size_t part_bytes = 0;         // Of Habits.
  std::size_t slice_bytes = 0;        // Of what is streamed; 0: as it is.
  std::uint64_t tries_one_in = 1;     // Of the points.
  unsigned crashes_more = 0;          // Of what starts from a point, at most.
};

// Most parts are slices of some KiB, so that there are many points in little data. Some are of so
// many MiB that recovery, too, lets them stream by.
Plan plan_of(std::uint64_t seed, bool has_long_parts) {
  constexpr std::size_t kKiB = 1024;
  Plan plan;
  if (!has_long_parts) return plan;
  plan.replies = 50;
  plan.replies_before = 30;
  plan.crashes_more = 2;
  plan.part_bytes = (48 + 16 * (seed % 7)) * kKiB;
  plan.slice_bytes = (seed % 3 == 0 ? 4 : 32) * kKiB;
  if (seed % 64 != 2) return plan;
  plan.users = 1;
  plan.replies = 6;
  plan.replies_before = 3;
  plan.part_bytes = 10 * kKiB * kKiB;
  plan.slice_bytes = kKiB * kKiB;
  plan.tries_one_in = 64;
  return plan;
}

class CrashEverywhere final {
 public:
  CrashEverywhere(std::uint64_t seed, std::uint64_t count, bool has_long_parts)
      : seed_(seed),
        plan_(plan_of(seed, has_long_parts)),
        left_(count),
        random_(seed),
        world_(seed, quiet()) {}

  /// Points checked.
  std::uint64_t run();
  const std::string& violation() const { return violation_; }

 private:
  static sim::FaultPlan quiet() {
    sim::FaultPlan plan;
    plan.write_back = 1'000;
    return plan;
  }
  server::Config config(unsigned cores) const;
  Habits habits(std::uint64_t life) const;
  bool start(unsigned cores);
  void serve(std::uint64_t replies_wanted);
  bool leave_a_database();
  void recover_a_copy();
  std::string live_on(sim::World& world, Truth& truth, std::uint64_t seed) const;
  void serve_until_down(sim::World& world, Process& process, Truth& truth, SeededRandom& random,
                        std::uint64_t life) const;

  std::uint64_t seed_;
  Plan plan_;
  std::uint64_t left_;
  std::uint64_t checked_ = 0;
  std::uint64_t points_ = 0;
  SeededRandom random_;
  sim::World world_;
  Truth truth_;
  std::vector<std::unique_ptr<User>> users_;
  std::unique_ptr<Process> process_;
  std::string violation_;
};

std::uint64_t CrashEverywhere::run() {
  for (unsigned number = 0; number < plan_.users; ++number) {
    users_.push_back(std::make_unique<User>(world_, truth_, random_, number, habits(0)));
  }
  // Every other run starts from what another number of cores has left.
  const bool has_database = seed_ % 4 >= 2;
  if (has_database && !leave_a_database()) return checked_;
  world_.on_point([this] { recover_a_copy(); });
  if (start(1 + static_cast<unsigned>(seed_ % 2))) serve(plan_.replies);
  world_.on_point({});
  world_.crash_now();
  users_.clear();
  process_.reset();
  return checked_;
}

server::Config CrashEverywhere::config(unsigned cores) const {
  server::Config config = small_config(cores);
  if (plan_.slice_bytes != 0) config.log.slice_bytes = plan_.slice_bytes;
  return config;
}

Habits CrashEverywhere::habits(std::uint64_t life) const {
  constexpr std::uint64_t kValuesMost = 1'000'000;
  Habits habits;
  habits.part_bytes = plan_.part_bytes;
  habits.values_before = life * kValuesMost;
  return habits;
}

bool CrashEverywhere::leave_a_database() {
  if (!start(2 + static_cast<unsigned>(seed_ % 2))) return false;
  serve(plan_.replies_before);
  for (auto& user : users_) user->take_replies();
  world_.crash_now();
  process_.reset();
  world_.power_cut();
  for (auto& user : users_) user->lose_connection(false);
  return violation_.empty();
}

bool CrashEverywhere::start(unsigned cores) {
  process_ = std::make_unique<Process>(world_, config(cores));
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
  if (left_ == 0 || !violation_.empty() || points_++ % plan_.tries_one_in != 0) return;
  for (const auto& user : users_) user->take_replies();
  if (!violation_.empty()) return;
  --left_;
  ++checked_;
  const std::uint64_t copy_seed = seed_ * 1'000'003 + checked_;
  const bool is_power_cut = checked_ % 3 != 0;
  Truth truth = truth_;
  truth.flush = Flush::none;
  sim::World world(copy_seed, quiet(), world_.disk_after(is_power_cut, copy_seed));
  world.step_wall(world_.clock().wall_ms() - world.clock().wall_ms());
  violation_ = live_on(world, truth, copy_seed);
  if (!violation_.empty()) violation_ = fmt::format("point {}: {}", checked_, violation_);
}

// Starts the copy with some number of cores; some go down again, in that start or later, and start
// once more. The violation, or nothing.
std::string CrashEverywhere::live_on(sim::World& world, Truth& truth, std::uint64_t seed) const {
  constexpr std::uint64_t kPointsMost = 200;
  SeededRandom random(seed);
  const std::uint64_t crashes = random.below(plan_.crashes_more + 1);
  for (std::uint64_t life = 0; life <= crashes; ++life) {
    const bool is_last = life == crashes;
    const auto cores = 1 + static_cast<unsigned>(random.below(3));
    auto process = std::make_unique<Process>(world, config(cores));
    if (!is_last) world.crash_after(random.below(kPointsMost));
    const bool has_booted = process->boot();
    if (!has_booted && !world.down()) return "no start: " + process->refusal();
    if (has_booted) verify_recovery(world, *process, truth, random);
    if (is_last || !truth.violation.empty()) break;
    serve_until_down(world, *process, truth, random, life + 1);
    process.reset();
    random.below(3) == 0 ? world.kill() : world.power_cut();
  }
  return truth.violation;
}

// With the same users, who go on with what was recovered, if it comes to that.
void CrashEverywhere::serve_until_down(sim::World& world, Process& process, Truth& truth,
                                       SeededRandom& random, std::uint64_t life) const {
  std::vector<std::unique_ptr<User>> users;
  for (unsigned number = 0; number < plan_.users && !world.down(); ++number) {
    users.push_back(std::make_unique<User>(world, truth, random, number, habits(life)));
    users.back()->connect();
  }
  while (!world.down() && truth.violation.empty()) {
    users[random.below(users.size())]->act();
    for (int step = 0; step < 4; ++step) process.step(world.now_ns() + 100'000);
    truth.highest_wall_ms = std::max(truth.highest_wall_ms, process.highest_wall_ms());
  }
  for (auto& user : users) user->take_replies();
}

}  // namespace

bool run_crash_points(std::uint64_t from, std::uint64_t count, bool has_long_parts) {
  std::uint64_t checked = 0;
  for (std::uint64_t seed = from; checked < count; ++seed) {
    note_running("crash points", seed,
                 has_long_parts ? " --crash-points 1000 --long-parts" : " --crash-points 1000");
    CrashEverywhere run(seed, count - checked, has_long_parts);
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
