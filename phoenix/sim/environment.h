// What every room of the simulated machine shares: virtual time with the queue of what is due,
// chance, the fault plan, the counters, the trace and the place where the world can stop.
// Invariant: nothing here or elsewhere in the world depends on an address or on real time, so a
// seed and the same calls give the same run.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/sim/faults.h"

namespace phoenix::sim {

enum class EventKind : std::uint8_t {
  operation,   // A kernel operation has its effect.
  answer,      // An operation whose effect is past completes.
  wake,        // A wake reaches a ring.
  connect,     // A client's connection reaches a listener.
  accept,      // A listener hands a connection to its accept operation.
  receive,     // A socket hands bytes to its receive operation.
  to_server,   // Bytes of a client reach the server's socket.
  to_client,   // Bytes of the server's socket reach the client.
  late_write,  // A write of a killed process lands.
};

/// `index` and `generation` name the object; an event of an older generation is void.
struct Event {
  std::uint64_t at_ns = 0;
  std::uint64_t sequence = 0;  // Breaks ties in the order of scheduling.
  EventKind kind = EventKind::operation;
  std::uint32_t index = 0;
  std::uint32_t generation = 0;
};

inline constexpr std::uint64_t kNever = ~std::uint64_t{0};

/// Virtual time and what is due when: a heap ordered by time, then by order of scheduling.
class Timeline final {
 public:
  std::uint64_t now_ns() const { return now_ns_; }
  void move_to(std::uint64_t now_ns);
  void schedule(std::uint64_t delay_ns, EventKind kind, std::uint32_t index,
                std::uint32_t generation);
  /// kNever when nothing is scheduled.
  std::uint64_t next_ns() const { return heap_.empty() ? kNever : heap_.front().at_ns; }
  Event pop();
  /// A crash: nothing that was scheduled happens any more.
  void clear() { heap_.clear(); }

 private:
  std::uint64_t now_ns_ = 1'000'000'000;
  std::uint64_t sequence_ = 0;
  std::vector<Event> heap_;
};

/// One line of the trace: what happened and three numbers that say to whom and how.
struct TraceLine {
  std::uint64_t at_ns = 0;
  const char* what = "";
  std::uint64_t a = 0;
  std::uint64_t b = 0;
  std::uint64_t c = 0;
};

struct Environment {
  Environment(std::uint64_t seed, const FaultPlan& fault_plan)
      : plan(fault_plan), random(seed), faults(seed ^ 0x666175'6C7473U) {}

  /// True in `of_10k` cases of 10,000.
  bool chance(std::uint32_t of_10k) { return of_10k != 0 && faults.below(10'000) < of_10k; }
  /// As chance(), but also takes one of the plan's error budget.
  bool error_chance(std::uint32_t of_10k);
  bool coin() { return random.below(2) == 0; }
  std::uint64_t draw(Latency latency);

  /// Adds to the trace hash, and to the trace if somebody listens. `what` is a literal.
  void trace(const char* what, std::uint64_t a = 0, std::uint64_t b = 0, std::uint64_t c = 0);

  /// Called before each change of the disk, and before its effect. False: the world stops here and
  /// the change must not begin.
  [[nodiscard]] bool pass_point();

  FaultPlan plan;
  Counters counters;
  Timeline timeline;
  SeededRandom random;  // Order and latency.
  SeededRandom faults;  // Whether something goes wrong.

  bool down = false;
  std::uint64_t points = 0;
  std::uint64_t crash_at_point = kNever;
  std::function<void()> at_point;

  std::uint64_t trace_hash = 0x7068'6F65'6E69'78U;
  std::function<void(const TraceLine&)> at_trace;
};

}  // namespace phoenix::sim
