#include "tests/unit/bench/simulated_history.h"

#include <algorithm>

namespace phoenix::bench::history::test {

SimulatedHistory::SimulatedHistory(std::uint64_t seed, std::uint32_t keys) : random(seed) {
  for (std::uint32_t key = 0; key < keys; ++key) {
    history.keys.push_back("k" + std::to_string(key));
    state_[key] = kAbsent;
  }
}

Operation& SimulatedHistory::add(std::uint32_t key, Kind kind, Value value,
                                 std::uint64_t width_ns) {
  now_ns_ += 1 + random.below(10);
  Operation operation;
  operation.invoked_ns = std::max(settled_ns_, now_ns_ - random.below(width_ns + 1));
  operation.responded_ns = now_ns_ + random.below(width_ns + 1);
  operation.value = value;
  operation.key = key;
  operation.client = static_cast<std::uint32_t>(random.below(5));
  operation.kind = kind;
  operation.outcome = Outcome::ok;
  history.operations.push_back(operation);
  return history.operations.back();
}

void SimulatedHistory::run(int operations, std::uint32_t quiet_key) {
  for (int i = 0; i < operations; ++i) {
    if (random.below(60) == 0) settle();
    const auto key = static_cast<std::uint32_t>(random.below(history.keys.size()));
    if (key == quiet_key) continue;
    const std::uint64_t width_ns = random.below(4) == 0 ? 500 : 60;
    const std::uint64_t dice = random.below(10);
    if (dice < 5) {
      add(key, Kind::read, state_[key], width_ns);
      continue;
    }
    const Value value = dice < 8 ? new_value() : kAbsent;
    Operation& written = add(key, value == kAbsent ? Kind::erase : Kind::write, value, width_ns);
    const std::uint64_t fate = random.below(12);
    if (fate == 0) written.outcome = Outcome::fail;
    if (fate == 1 || fate == 2) {
      written.outcome = Outcome::unknown;
      if (random.below(2) == 0) written.responded_ns = kNever;
    }
    if (fate > 1) state_[key] = value;
  }
}

void SimulatedHistory::settle() {
  std::uint64_t end_ns = now_ns_;
  for (std::size_t i = unsettled_; i < history.operations.size(); ++i) {
    Operation& operation = history.operations[i];
    if (operation.responded_ns == kNever) continue;
    // A crash: whoever waits still for an answer gets none.
    if (operation.responded_ns > now_ns_ && operation.kind != Kind::read) {
      if (operation.outcome == Outcome::ok) operation.outcome = Outcome::unknown;
    }
    operation.responded_ns = std::min(operation.responded_ns, now_ns_ + 1);
    end_ns = now_ns_ + 1;
  }
  now_ns_ = end_ns + 10;
  settled_ns_ = now_ns_;
  unsettled_ = history.operations.size();
}

void SimulatedHistory::close(std::uint32_t key) {
  for (Operation& operation : history.operations) {
    if (operation.key == key) operation.responded_ns = std::min(operation.responded_ns, now_ns_);
  }
}

Operation& SimulatedHistory::write(std::uint32_t key) {
  wait_ns(10);
  state_[key] = new_value();
  return add(key, Kind::write, state_[key], 0);
}

Operation& SimulatedHistory::erase(std::uint32_t key) {
  wait_ns(10);
  state_[key] = kAbsent;
  return add(key, Kind::erase, kAbsent, 0);
}

Operation& SimulatedHistory::read(std::uint32_t key) {
  return read(key, state_[key]);
}

Operation& SimulatedHistory::read(std::uint32_t key, Value value) {
  wait_ns(10);
  return add(key, Kind::read, value, 0);
}

}  // namespace phoenix::bench::history::test
