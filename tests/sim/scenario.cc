#include "tests/sim/scenario.h"

#include <algorithm>
#include <functional>
#include <map>

namespace phoenix::simtest {
namespace {

class Scenario final {
 public:
  Scenario(std::uint64_t seed, const ScenarioOptions& options)
      : options_(options),
        random_(seed * 0x9E3779B97F4A7C15U + 1),
        world_(seed, options.has_faults ? sim::FaultPlan::random(seed) : sim::FaultPlan{}) {}

  ScenarioResult run();

 private:
  bool live(bool is_last);
  bool boot(std::unique_ptr<Process>& process);
  void work(Process& process);
  void check_recovery(Process& process);
  bool ask(Process& process, User& user, const std::function<void()>& send);
  void check_listing(const std::vector<std::string>& listed);
  void crash(std::unique_ptr<Process>& process);

  ScenarioOptions options_;
  SeededRandom random_;
  sim::World world_;
  Truth truth_;
  std::vector<std::unique_ptr<User>> users_;
  ScenarioResult result_;
  unsigned cores_ = 0;
};

ScenarioResult Scenario::run() {
  for (unsigned number = 0; number < 3; ++number) {
    users_.push_back(std::make_unique<User>(world_, truth_, random_, number));
  }
  for (unsigned life = 0; life < options_.lives; ++life) {
    const bool is_last = life + 1 == options_.lives;
    if (!live(is_last) || !truth_.violation.empty()) break;
  }
  for (const auto& user : users_) result_.replies += user->replies();
  users_.clear();
  result_.violation = truth_.violation;
  result_.trace_hash = world_.trace_hash();
  result_.crashes = world_.counters().crashes;
  return result_;
}

// One start of the server, until it crashes. False: no further life makes sense.
bool Scenario::live(bool is_last) {
  std::unique_ptr<Process> process;
  if (cores_ == 0 || (options_.changes_cores && random_.below(3) == 0)) {
    cores_ = 1 + static_cast<unsigned>(random_.below(options_.cores_max));
  }
  if (!boot(process)) return false;
  check_recovery(*process);
  if (!truth_.violation.empty()) {
    process.reset();
    return false;
  }
  if (!world_.down() && !is_last) world_.crash_after(random_.below(400));
  if (!world_.down()) work(*process);
  crash(process);
  return true;
}

bool Scenario::boot(std::unique_ptr<Process>& process) {
  // Crashes in the middle of starts, one after the other, then one that gets through.
  constexpr unsigned kAttempts = 12;
  for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
    server::Config config = small_config(cores_);
    config.log.mutations = options_.mutations;
    config.mutations = options_.server_mutations;
    process = std::make_unique<Process>(world_, config);
    const bool may_crash = options_.crashes_during_boot && attempt < 3 && random_.below(3) == 0;
    if (may_crash) world_.crash_after(random_.below(150));
    const bool has_booted = process->boot();
    if (has_booted && !world_.down()) {
      world_.crash_after(~std::uint64_t{0});
      return true;
    }
    if (!world_.down() && !process->refusal().empty()) {
      ++result_.refused_starts;
      // Errors of the disk may end a start; anything else that was durable must be found.
      const bool is_transient = world_.plan().error_budget > 0 && options_.has_faults;
      if (process->refusal().find("damage") != std::string::npos || !is_transient) {
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

void Scenario::crash(std::unique_ptr<Process>& process) {
  if (!world_.down()) world_.crash_now();
  process.reset();
  for (auto& user : users_) user->lose_connection();
  if (random_.below(3) == 0) {
    world_.kill();
  } else {
    world_.power_cut();
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
        user.lose_connection();
        user.connect();
      }
      user.act();
    }
    if (!truth_.violation.empty()) return;
    process.step(world_.now_ns() + 100'000);
    replies = 0;
    for (const auto& each : users_) replies += each->replies();
    if (replies - replies_before >= options_.requests_per_life * (1 + world_.counters().crashes)) {
      break;
    }
  }
  // What has arrived by the crash counts as seen.
  for (auto& user : users_) user->take_replies();
}

// Before anything is written: each key is read once, and tells what became of it.
void Scenario::check_recovery(Process& process) {
  Truth unjudged;  // What was recovered is judged by recovered(), not as a reply to a read.
  User reader(world_, unjudged, random_, 99);
  reader.connect();
  std::vector<std::string> keys;
  for (const auto& [key, history] : truth_.keys) keys.push_back(key);
  for (const auto& key : keys) {
    const std::int64_t asked_wall_ms = world_.clock().wall_ms();
    if (!ask(process, reader, [&] { reader.read(key); })) return;
    truth_.highest_wall_ms = std::max(truth_.highest_wall_ms, world_.clock().wall_ms());
    const auto& value = reader.last_value();
    const std::string wrong =
        truth_.keys[key].recovered(value, asked_wall_ms, truth_.highest_wall_ms);
    if (!wrong.empty()) {
      return truth_.violate("after crash " + std::to_string(world_.counters().crashes) + ": " +
                            key + ": " + wrong);
    }
    const auto counter = truth_.counters.find(key);
    if (counter != truth_.counters.end()) counter->second = value ? std::stoll(*value) : 0;
  }
  if (ask(process, reader, [&] { reader.list(); })) check_listing(reader.listed());
}

// Every key that is there for sure is listed once, and none that is not.
void Scenario::check_listing(const std::vector<std::string>& listed) {
  std::map<std::string, unsigned> times;
  for (const auto& key : listed) ++times[key];
  for (auto& [key, history] : truth_.keys) {
    bool may_be_gone = false;
    for (VersionNumber n = history.floor(); n <= history.newest(); ++n) {
      const Version& version = history.version(n);
      may_be_gone = may_be_gone || (!version.is_void && (version.can_expire() || !version.value));
    }
    const unsigned count = times[key];
    const bool is_there = history.version(history.floor()).value.has_value();
    if (count > 1 || (count == 0 && is_there && !may_be_gone) || (count == 1 && !is_there)) {
      return truth_.violate("LIST after a crash gave " + key + " " + std::to_string(count) +
                            " times");
    }
    times.erase(key);
  }
  if (!times.empty()) truth_.violate("LIST gave " + times.begin()->first + ", never written");
}

// Sends a request and runs until it is answered, on a new connection when one breaks. False when
// the world is down, or when no answer comes: that is a violation.
bool Scenario::ask(Process& process, User& user, const std::function<void()>& send) {
  constexpr unsigned kAttempts = 30;
  for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
    if (user.is_broken()) {
      user.lose_connection();
      user.connect();
    }
    send();
    const auto is_over = [&] {
      user.take_replies();
      return user.is_idle() || user.is_broken();
    };
    process.run_until(is_over, 120 * kNanosPerSecond);
    if (world_.down()) return false;
    if (user.is_idle()) return true;
    if (!user.is_broken()) break;
  }
  truth_.violate("a request got no answer");
  return false;
}

}  // namespace

ScenarioResult run_scenario(std::uint64_t seed, const ScenarioOptions& options) {
  Scenario scenario(seed, options);
  return scenario.run();
}

}  // namespace phoenix::simtest
