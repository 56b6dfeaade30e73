// Faults of stores, planted into histories that are right: the linearizability check finds every
// one of them, at its key, and blames no other.
#include <functional>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "bench/history/linearizability.h"
#include "tests/unit/bench/simulated_history.h"

using namespace phoenix;
using namespace phoenix::bench::history;
using test::SimulatedHistory;

namespace {

constexpr std::uint32_t kKey = 2;    // Where a fault is planted; nobody else uses it meanwhile.
constexpr std::uint32_t kOther = 3;  // Used by everybody.

struct Fault {
  const char* name;
  const char* told;  // Part of the sentence.
  std::function<void(SimulatedHistory&)> plant;
};

/// The server died: what had no answer cannot take effect any more.
void lose_answer(SimulatedHistory& simulated, Operation& operation) {
  operation.outcome = Outcome::unknown;
  operation.responded_ns += 5;
  simulated.wait_ns(20);
}

const std::vector<Fault> kFaults = {
    {"a stale read", "gone again while",
     [](SimulatedHistory& s) {
       const Value old = s.write(kKey).value;
       s.write(kKey);
       s.read(kKey, old);
     }},
    {"a first write is lost", "found nothing although",
     [](SimulatedHistory& s) {
       s.erase(kKey);
       s.write(kKey);
       s.read(kKey, kAbsent);
     }},
    {"an overwriting write is lost in a crash", "gone again while",
     [](SimulatedHistory& s) {
       const Value old = s.write(kKey).value;
       s.write(kKey);
       s.run(20, kKey);
       s.settle();
       s.read(kKey, old);
       s.force(kKey, old);
     }},
    {"a deleted value comes back", "delete was acknowledged while",
     [](SimulatedHistory& s) {
       const Value old = s.write(kKey).value;
       s.erase(kKey);
       s.run(20, kKey);
       s.settle();
       s.read(kKey, old);
       s.force(kKey, old);
     }},
    {"a deleted value comes back after a read found nothing", "while the key can only have held",
     [](SimulatedHistory& s) {
       const Value old = s.write(kKey).value;
       lose_answer(s, s.erase(kKey));
       s.read(kKey, kAbsent);
       s.read(kKey, old);
       s.force(kKey, old);
     }},
    {"a value that was never written", "never written",
     [](SimulatedHistory& s) { s.read(kKey, make_value(9, 9)); }},
    {"bytes that nobody sent", "bytes that nobody sent",
     [](SimulatedHistory& s) { s.read(kKey, kForeign); }},
    {"a value of another key", "never written to this key",
     [](SimulatedHistory& s) { s.read(kKey, s.write(kOther).value); }},
    {"a read from the future", "before it was written",
     [](SimulatedHistory& s) {
       const std::size_t read = s.history.operations.size();
       s.read(kKey);
       const Value later = s.write(kKey).value;
       s.history.operations[read].value = later;
     }},
    {"a refused write is seen", "what was refused",
     [](SimulatedHistory& s) {
       const Value before = s.write(kKey).value;
       Operation& refused = s.write(kKey);
       refused.outcome = Outcome::fail;
       s.read(kKey, refused.value);
       s.force(kKey, before);
     }},
    {"two reads that go back", "back and forth",
     [](SimulatedHistory& s) {
       const Value old = s.write(kKey).value;
       s.read(kKey, old);
       const Value pending = s.new_value();
       Operation& open = s.write(kKey);
       open.value = pending;
       open.responded_ns += 200;
       s.read(kKey, pending);
       s.read(kKey, old);
       s.wait_ns(300);
       s.read(kKey, pending);
       s.force(kKey, pending);
     }},
    {"a write without an answer vanishes in a crash after it was read", "while the key can only",
     [](SimulatedHistory& s) {
       const Value old = s.write(kKey).value;
       Operation& open = s.write(kKey);
       const Value seen = open.value;
       open.outcome = Outcome::unknown;
       open.responded_ns += 60;
       s.read(kKey, seen);
       s.wait_ns(100);
       s.settle();
       s.read(kKey, old);
       s.force(kKey, old);
     }},
    {"writes take effect in another order than they were answered", "gone again while",
     [](SimulatedHistory& s) {
       const Value first = s.write(kKey).value;
       s.write(kKey);
       s.wait_ns(50);
       s.read(kKey, first);
       s.force(kKey, first);
     }},
    {"overlapping writes are seen in two orders", "back and forth",
     [](SimulatedHistory& s) {
       Operation& one = s.write(kKey);
       one.responded_ns += 200;
       const Value first = one.value;
       Operation& two = s.write(kKey);
       two.responded_ns += 200;
       const Value second = two.value;
       s.read(kKey, first);
       s.read(kKey, second);
       s.read(kKey, first);
       s.wait_ns(300);
       s.read(kKey, second);
     }},
    {"a value is gone for a moment", "found nothing while",
     [](SimulatedHistory& s) {
       const Value value = s.write(kKey).value;
       s.read(kKey, value);
       s.read(kKey, kAbsent);
       s.read(kKey, value);
     }},
    {"a write of a dead process appears after the next start", "back and forth",
     [](SimulatedHistory& s) {
       const Value old = s.write(kKey).value;
       Operation& open = s.write(kKey);
       const Value late = open.value;
       lose_answer(s, open);
       s.read(kKey, old);
       s.wait_ns(50);
       s.read(kKey, late);
     }},
    {"one delete cannot explain two absences", "or it explains another read",
     [](SimulatedHistory& s) {
       s.write(kKey);
       Operation& erase = s.erase(kKey);
       erase.responded_ns += 500;
       s.read(kKey, kAbsent);
       s.write(kKey);
       s.read(kKey, kAbsent);
       s.wait_ns(600);
       s.force(kKey, kAbsent);
     }},
    {"a delete without an answer takes effect after its process died", "found nothing although",
     [](SimulatedHistory& s) {
       const Value value = s.write(kKey).value;
       lose_answer(s, s.erase(kKey));
       s.read(kKey, value);
       s.read(kKey, kAbsent);
       s.force(kKey, kAbsent);
     }},
    {"two writes of one value", "the history is broken",
     [](SimulatedHistory& s) {
       const Value value = s.write(kKey).value;
       s.write(kKey).value = value;
       s.force(kKey, value);
     }},
};

/// Right operations around the fault, which has its key for itself for as long as it takes.
History planted(const Fault* fault, std::uint64_t seed) {
  SimulatedHistory simulated(seed, 6);
  simulated.run(static_cast<int>(50 + simulated.random.below(200)));
  simulated.settle();
  simulated.close(kKey);
  if (fault != nullptr) fault->plant(simulated);
  simulated.settle();
  simulated.write(kKey);
  simulated.run(100);
  return simulated.history;
}

}  // namespace

TEST_CASE("every planted fault is found at its key, and nothing else is") {
  REQUIRE(kFaults.size() >= 12);
  for (const Fault& fault : kFaults) {
    for (std::uint64_t seed = 1; seed <= 60; ++seed) {
      const History history = planted(&fault, seed);
      const auto violations = check_linearizability(history, 10);
      INFO(std::string(fault.name), ", seed ", seed);
      REQUIRE(violations.size() == 1);
      const std::string text = violation_text(violations[0], history);
      CHECK(violations[0].key == kKey);
      CHECK(!violations[0].evidence.empty());
      CHECK_MESSAGE(text.find(fault.told) != std::string::npos, text);
    }
  }
}

TEST_CASE("without the fault the same histories are right") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const History history = planted(nullptr, seed);
    const auto violations = check_linearizability(history, 10);
    REQUIRE_MESSAGE(violations.empty(), violation_text(violations[0], history));
  }
}
