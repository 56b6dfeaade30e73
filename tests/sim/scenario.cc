#include "tests/sim/scenario.h"

#include <algorithm>
#include <string>
#include <vector>

#include "tests/sim/follower.h"
#include "tests/sim/lister.h"
#include "tests/sim/verifier.h"

namespace phoenix::simtest {
namespace {

constexpr std::uint64_t kNever = std::uint64_t{1} << 60U;
constexpr std::uint32_t kIntervalMs = 5;
constexpr std::size_t kSliceBytes = std::size_t{16} << 10U;  // Long parts are many of them.

class Scenario final {
 public:
  Scenario(std::uint64_t seed, const ScenarioOptions& options)
      : options_(options),
        random_(seed * 0x9E3779B97F4A7C15U + 1),
        world_(seed, plan_of(seed, options)) {}

  ScenarioResult run();

 private:
  static sim::FaultPlan plan_of(std::uint64_t seed, const ScenarioOptions& options);
  bool live(bool is_last);
  server::Config config();
  bool boot(std::unique_ptr<Process>& process);
  void fill_or_heal_disk(Process& process, std::uint64_t step);
  void note_time(const Process& process);
  bool is_failed_without_cause(const Process& process) const;
  std::uint64_t reply_within_ns() const;
  void work(Process& process);
  void look_what_endures();
  bool all_are_answered(const Process& process);
  void await_answers(Process& process);
  void stop(Process& process);
  std::uint64_t disk_errors() const;
  void rot();
  void crash(std::unique_ptr<Process>& process);

  ScenarioOptions options_;
  SeededRandom random_;
  sim::World world_;
  Truth truth_;
  std::vector<std::unique_ptr<User>> users_;
  std::vector<std::unique_ptr<Lister>> listers_;
  std::vector<std::unique_ptr<Follower>> followers_;
  ScenarioResult result_;
  unsigned cores_ = 0;
  bool has_rotted_ = false;
  std::uint64_t errors_before_ = 0;  // Of the disk, before this life.
  std::uint64_t clock_steps_ = 0;    // Noted.
  std::uint64_t looked_ns_ = 0;      // When it was last seen what endures.
};

sim::FaultPlan Scenario::plan_of(std::uint64_t seed, const ScenarioOptions& options) {
  sim::FaultPlan plan;
  if (options.has_faults) plan = sim::FaultPlan::random(seed);
  if (options.has_slow_commits) plan.disk = {500'000, 4'000'000};
  plan.descriptors_most = options.descriptors_most;
  return plan;
}

ScenarioResult Scenario::run() {
  Habits habits = options_.habits;
  habits.durability = options_.durability;
  habits.crashes_at_expiries = options_.steps_clock_back;
  habits.reply_within_ns = reply_within_ns();
  for (unsigned number = 0; number < 3; ++number) {
    users_.push_back(std::make_unique<User>(world_, truth_, random_, number, habits));
  }
  for (unsigned i = 0; i < options_.listers; ++i) {
    listers_.push_back(std::make_unique<Lister>(world_, random_));
  }
  const bool is_durable = options_.durability == log::Durability::always;
  for (unsigned i = 0; i < options_.followers; ++i) {
    followers_.push_back(std::make_unique<Follower>(world_, truth_, random_, is_durable));
  }
  for (unsigned life = 0; life < options_.lives; ++life) {
    const bool is_last = life + 1 == options_.lives;
    if (!live(is_last) || !truth_.violation.empty()) break;
  }
  for (const auto& user : users_) result_.replies += user->replies();
  for (const auto& follower : followers_) result_.messages += follower->messages();
  users_.clear();
  listers_.clear();
  followers_.clear();
  result_.violation = truth_.violation;
  result_.trace_hash = world_.trace_hash();
  result_.crashes = world_.counters().crashes;
  return result_;
}

// In a world without faults: a wake that is lost would hide behind the tick, four times a second.
std::uint64_t Scenario::reply_within_ns() const {
  const bool is_quiet = !options_.has_faults && !options_.has_slow_commits &&
                        !options_.fills_disk && options_.descriptors_most == 0 &&
                        options_.habits.part_bytes == 0;
  return is_quiet ? 50 * kNanosPerMs : 0;
}

// One start of the server, until it crashes. False: no further life makes sense.
bool Scenario::live(bool is_last) {
  std::unique_ptr<Process> process;
  if (cores_ == 0 || (options_.changes_cores && random_.below(3) == 0)) {
    cores_ = 1 + static_cast<unsigned>(random_.below(options_.cores_max));
  }
  if (!boot(process)) return false;
  truth_.disk_may_be_full = world_.plan().no_space != 0;
  truth_.memory_may_be_full = options_.memory_bytes_max != 0;
  verify_recovery(world_, *process, truth_, random_);
  if (!truth_.violation.empty()) {
    process.reset();
    return false;
  }
  // Most lives end in the midst of things.
  const std::uint64_t end = random_.below(5);
  const bool ends_in_order = end == 1 && options_.stops;
  if (!world_.down() && !is_last && !ends_in_order) world_.crash_after(random_.below(400));
  if (!world_.down()) work(*process);
  if (end == 0) await_answers(*process);
  if (ends_in_order) stop(*process);
  crash(process);
  return true;
}

server::Config Scenario::config() {
  server::Config config = small_config(cores_);
  config.memory_bytes_max = options_.memory_bytes_max;
  config.log.durability = options_.durability;
  config.log.interval_ms = kIntervalMs;
  if (options_.habits.part_bytes != 0) config.log.slice_bytes = kSliceBytes;
  config.log.scheme =
      random_.below(2) == 0 ? log::CommitScheme::durable_write : log::CommitScheme::write_then_sync;
  config.log.mutations = options_.mutations;
  config.mutations = options_.server_mutations;
  config.bounds = options_.bounds;
  return config;
}

bool Scenario::boot(std::unique_ptr<Process>& process) {
  // Crashes in the middle of starts, one after the other, then one that gets through.
  constexpr unsigned kAttempts = 12;
  for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
    process = std::make_unique<Process>(world_, config());
    if (options_.followers > 0) process->tell_changes_of_keys();
    const bool may_crash = options_.crashes_during_boot && attempt < 3 && random_.below(3) == 0;
    if (may_crash) world_.crash_after(random_.below(150));
    const std::uint64_t errors_before = disk_errors();
    const bool has_booted = process->boot();
    if (has_booted && !world_.down()) {
      world_.crash_after(kNever);
      return true;
    }
    if (!world_.down() && !process->refusal().empty()) {
      ++result_.refused_starts;
      // An error of the disk may end a start; without one, what was durable must be found.
      if (has_rotted_) {  // As it should: nothing more can be said about this disk.
        process.reset();
        return false;
      }
      if (disk_errors() == errors_before) {
        truth_.violate("the server refused to start: " + process->refusal());
        process.reset();
        return false;
      }
    } else if (!world_.down()) {
      truth_.violate("the start neither ended nor failed: " + process->failure());
      process.reset();
      return false;
    }
    crash(process);
  }
  process.reset();
  return false;
}

std::uint64_t Scenario::disk_errors() const {
  const sim::Counters& counters = world_.counters();
  return counters.write_errors + counters.sync_errors + counters.read_errors +
         counters.entry_errors + counters.no_space + counters.short_writes;
}

// The process ended itself, and it was not the disk. In a world that is down all fails.
bool Scenario::is_failed_without_cause(const Process& process) const {
  return !process.failure().empty() && disk_errors() == errors_before_ &&
         process.failure().find("the simulated process has ended") == std::string::npos;
}

void Scenario::crash(std::unique_ptr<Process>& process) {
  if (is_failed_without_cause(*process)) {
    truth_.violate("the process ended without a cause: " + process->failure());
  }
  if (!world_.down()) world_.crash_now();
  note_time(*process);  // Also of a start that got nowhere: it may have left a stamp.
  process.reset();
  errors_before_ = disk_errors();
  world_.disk().set_foreign_bytes(0);
  if (random_.below(3) == 0) {
    world_.kill();
  } else {
    world_.power_cut();
  }
  for (auto& user : users_) user->lose_connection(false);
  for (auto& follower : followers_) follower->forget();
  truth_.sets.clear();
  truth_.flush = Flush::none;
  if (options_.durability == log::Durability::off) {
    for (auto& [key, history] : truth_.keys) history.lose();
    truth_.groups.clear();
  }
  if (options_.rots) rot();
  if (options_.steps_clock_back) {
    // Until the wall clock has passed the stamps again, the server's stands still.
    const bool is_far = random_.below(4) == 0;
    const std::uint64_t back_ms = is_far ? 2'000 + random_.below(5'000) : 60 + random_.below(60);
    world_.step_wall(-static_cast<std::int64_t>(back_ms));
  }
}

// One bit of one segment. Most bits are zeros that were never written: look for one that was.
void Scenario::rot() {
  sim::Disk& disk = world_.disk();
  const std::vector<std::string> names = disk.names("data");
  for (unsigned attempt = 0; attempt < 20 && !names.empty(); ++attempt) {
    const std::string& name = names[random_.below(names.size())];
    if (name.find(".seg") == std::string::npos) continue;
    const std::string content = disk.content("data", name);
    const std::size_t at = random_.below(content.size() + 1);
    if (at >= content.size() || content[at] == '\0') continue;
    disk.flip_bit("data", name, 8 * at + random_.below(8));
    has_rotted_ = true;
    return;
  }
}

void Scenario::work(Process& process) {
  for (auto& user : users_) user->connect();
  const std::uint64_t replies_before = result_.replies;
  std::uint64_t replies = 0;
  for (std::uint64_t step = 0; step < 200'000 && !world_.down(); ++step) {
    User& user = *users_[random_.below(users_.size())];
    if (random_.below(4) == 0) {
      if (user.is_broken()) {
        user.lose_connection(true);
        user.connect();
      }
      user.act();
    }
    for (auto& lister : listers_) lister->act();
    for (auto& follower : followers_) follower->act();
    if (!truth_.violation.empty()) return;
    if (options_.pauses && random_.below(1000) == 0) {
      (void)process.run_until([] { return false; }, kNanosPerSecond);
    }
    if (options_.fills_disk) fill_or_heal_disk(process, step);
    if (options_.habits.flushes && flush_now_and_then(truth_, random_, users_)) ++result_.flushes;
    process.step(world_.now_ns() + 100'000);
    note_time(process);
    look_what_endures();
    replies = 0;
    for (const auto& each : users_) replies += each->replies();
    if (replies - replies_before >= options_.requests_per_life * (1 + world_.counters().crashes)) {
      break;
    }
  }
  // What has arrived by the crash counts as seen.
  for (auto& user : users_) user->take_replies();
  for (auto& follower : followers_) follower->take_messages();
}

// Where nothing fails, what was answered is on disk soon, whatever the answer has waited for.
void Scenario::look_what_endures() {
  constexpr std::uint64_t kOnDiskWithinNs = (kIntervalMs + 50) * kNanosPerMs;
  if (reply_within_ns() == 0 || options_.durability == log::Durability::off) return;
  if (world_.down() || world_.now_ns() - looked_ns_ < kOnDiskWithinNs) return;
  looked_ns_ = world_.now_ns();
  for (auto& [key, history] : truth_.keys) history.endure_since_last_look();
}

void Scenario::note_time(const Process& process) {
  truth_.highest_wall_ms = std::max(truth_.highest_wall_ms, process.highest_wall_ms());
  const std::uint64_t steps = world_.counters().wall_steps - clock_steps_;
  if (steps == 0) return;
  clock_steps_ += steps;
  const std::int64_t back_ms = static_cast<std::int64_t>(steps) * world_.plan().wall_step_most_ms;
  for (auto& [key, history] : truth_.keys) history.step_clock_back(back_ms);
}

// A full disk refuses writes, and once there is room they go on by themselves.
void Scenario::fill_or_heal_disk(Process& process, std::uint64_t step) {
  constexpr std::uint64_t kStepsFull = 300;
  if (step % (3 * kStepsFull) == kStepsFull) {
    const io::SpaceInfo space = world_.disk().space();
    world_.disk().set_foreign_bytes(space.available_bytes - random_.below(4) * 64 * 1024);
    truth_.disk_may_be_full = true;
  } else if (step % (3 * kStepsFull) == 2 * kStepsFull) {
    world_.disk().set_foreign_bytes(0);
    (void)process.run_until([] { return false; }, 5 * kNanosPerSecond);
    await_answers(process);
    if (world_.down()) return;
    truth_.disk_may_be_full = world_.plan().no_space != 0;
  }
}

// Or have lost their connection, which only faults may do.
bool Scenario::all_are_answered(const Process& process) {
  note_time(process);
  bool are_all = true;
  for (auto& user : users_) {
    user->take_replies();
    if (!world_.down() && user->was_left_without_answers()) {
      truth_.violate("the server ended a connection without answering what came over it");
    }
    are_all = are_all && (user->is_idle() || user->is_broken());
  }
  return are_all || !truth_.violation.empty();
}

// Who goes on reading gets an answer to everything that was asked; who could not be accepted for
// want of descriptors is, once there are some.
void Scenario::await_answers(Process& process) {
  if (world_.down() || !truth_.violation.empty()) return;
  world_.plan().descriptors_most = 0;
  for (auto& user : users_) user->only_read();
  const auto are_all = [&] { return all_are_answered(process); };
  process.run_until(are_all, 300 * kNanosPerSecond);
  if (!world_.down() && !all_are_answered(process)) truth_.violate("a request got no answer");
  world_.plan().descriptors_most = options_.descriptors_most;
}

// As SIGTERM: in the midst of requests, with readers that may be slow.
void Scenario::stop(Process& process) {
  if (world_.down() || !truth_.violation.empty()) return;
  truth_.server_stops = true;
  const bool has_ended = process.stop();
  note_time(process);
  for (auto& user : users_) user->take_replies();
  truth_.server_stops = false;
  if (world_.down() || options_.durability == log::Durability::off) return;
  if (!has_ended) return truth_.violate("a stop did not end");
  for (auto& [key, history] : truth_.keys) history.endure();
}

}  // namespace

ScenarioResult run_scenario(std::uint64_t seed, const ScenarioOptions& options) {
  Scenario scenario(seed, options);
  return scenario.run();
}

}  // namespace phoenix::simtest
