// Histories of registers that are right by construction, by seed: a simulated store takes each
// operation at one instant, and what its client sees of it is a window around that instant. With
// crashes, answers that never came, and refusals. The faults of the tests are planted into these.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "bench/history/operation.h"
#include "phoenix/base/random.h"

namespace phoenix::bench::history::test {

class SimulatedHistory final {
 public:
  SimulatedHistory(std::uint64_t seed, std::uint32_t keys);

  /// Random operations by random clients on all keys, except on `quiet_key`.
  void run(int operations, std::uint32_t quiet_key = kNoKey);
  /// From here on nothing that has begun can take effect, and everything before has ended.
  void settle();
  /// What never got an answer on this key has taken effect by now or will not: otherwise a delete
  /// could explain any later absence.
  void close(std::uint32_t key);

  // A step alone, which ends before the next one begins: it must be explained by the register.
  Operation& write(std::uint32_t key);
  Operation& erase(std::uint32_t key);
  Operation& read(std::uint32_t key);
  /// A read that returned `value`, right or wrong.
  Operation& read(std::uint32_t key, Value value);
  /// The register's state becomes `value`; tells nobody.
  void force(std::uint32_t key, Value value) { state_[key] = value; }

  Value state(std::uint32_t key) const { return state_.at(key); }
  std::uint64_t now_ns() const { return now_ns_; }
  void wait_ns(std::uint64_t ns) { now_ns_ += ns; }
  Value new_value() { return make_value(7, ++written_); }

  History history;
  SeededRandom random;

  static constexpr std::uint32_t kNoKey = 0xFFFFFFFF;

 private:
  Operation& add(std::uint32_t key, Kind kind, Value value, std::uint64_t width_ns);

  std::map<std::uint32_t, Value> state_;
  std::uint64_t now_ns_ = 1000;
  std::uint64_t settled_ns_ = 0;  // No window reaches back over this.
  std::size_t unsettled_ = 0;     // First operation since.
  std::uint64_t written_ = 0;
};

}  // namespace phoenix::bench::history::test
