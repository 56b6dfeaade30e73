#include "tests/sim/verifier.h"

#include <algorithm>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace phoenix::simtest {
namespace {

class Verifier final {
 public:
  Verifier(sim::World& world, Process& process, Truth& truth, SeededRandom& random)
      : world_(world), process_(process), truth_(truth), random_(random) {}

  void check_recovery();

 private:
  void check_listing(const std::vector<std::string>& listed);
  bool ask(User& user, const std::function<void()>& send);

  sim::World& world_;
  Process& process_;
  Truth& truth_;
  SeededRandom& random_;
};

// Before anything is written: each key is read once, and tells what became of it.
void Verifier::check_recovery() {
  Truth unjudged;  // What was recovered is judged by recovered(), not as a reply to a read.
  Habits habits;
  habits.durability = process_.config().log.durability;
  habits.judges = false;
  // Only the native protocol can ask for an answer that is durable.
  habits.speaks_resp = habits.durability == log::Durability::always;
  User reader(world_, unjudged, random_, 99, habits);
  reader.connect();
  std::vector<std::string> keys;
  for (const auto& [key, history] : truth_.keys) keys.push_back(key);
  for (const auto& key : keys) {
    const std::int64_t asked_at_ms = world_.clock().wall_ms();
    const std::uint64_t steps_before = world_.counters().wall_steps;
    if (!ask(reader, [&] { reader.read(key); })) return;
    const std::uint64_t steps = world_.counters().wall_steps - steps_before;
    const std::int64_t asked_wall_ms =
        asked_at_ms - static_cast<std::int64_t>(steps) * world_.plan().wall_step_most_ms;
    truth_.highest_wall_ms = std::max(truth_.highest_wall_ms, process_.highest_wall_ms());
    const auto& value = reader.last_value();
    const ReadTime time{asked_wall_ms, truth_.highest_wall_ms};
    const auto span = truth_.keys[key].candidates(value, time);
    if (span) truth_.found.emplace(key, *span);
    const std::string wrong = truth_.keys[key].recovered(value, time);
    if (!wrong.empty()) {
      return truth_.violate("after crash " + std::to_string(world_.counters().crashes) + ": " +
                            key + ": " + wrong);
    }
    const auto counter = truth_.counters.find(key);
    if (counter != truth_.counters.end()) counter->second = value ? std::stoll(*value) : 0;
  }
  truth_.judge_groups();
  if (ask(reader, [&] { reader.list(); })) check_listing(reader.listed());
}

// Every key that is there for sure is listed once, and none that is not.
void Verifier::check_listing(const std::vector<std::string>& listed) {
  std::map<std::string, unsigned> times;
  for (const auto& key : listed) ++times[key];
  for (auto& [key, history] : truth_.keys) {
    bool may_be_gone = false;
    for (VersionNumber n = history.floor().number; n <= history.newest(); ++n) {
      const Version& version = history.version(n);
      may_be_gone = may_be_gone || (!version.is_void && (version.can_expire() || !version.value));
    }
    const unsigned count = times[key];
    const bool is_there = history.version(history.floor().number).value.has_value();
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
bool Verifier::ask(User& user, const std::function<void()>& send) {
  constexpr unsigned kAttempts = 30;
  for (unsigned attempt = 0; attempt < kAttempts; ++attempt) {
    if (user.is_broken()) {
      user.lose_connection(true);
      user.connect();
    }
    send();
    const auto is_over = [&] {
      user.take_replies();
      return user.is_idle() || user.is_broken();
    };
    process_.run_until(is_over, 120 * kNanosPerSecond);
    if (world_.down()) return false;
    if (user.is_idle()) return true;
    if (!user.is_broken()) break;
  }
  truth_.violate("a request got no answer");
  return false;
}

}  // namespace

void verify_recovery(sim::World& world, Process& process, Truth& truth, SeededRandom& random) {
  // Connections that break at every other segment would never let a long value through.
  const std::uint32_t resets = world.plan().resets;
  const std::size_t descriptors_most = world.plan().descriptors_most;
  world.plan().resets = 0;
  world.plan().descriptors_most = 0;
  Verifier(world, process, truth, random).check_recovery();
  world.plan().resets = resets;
  world.plan().descriptors_most = descriptors_most;
}

}  // namespace phoenix::simtest
