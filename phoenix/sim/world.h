// The simulated world: one machine with its disk and network, its clients, and the server on it,
// all in the calling thread, in virtual time, from one seed. The same seed, plan and calls give the
// same run and the same trace hash.
//
// A driver makes a World, a Host, a Ring per core, the server on top of them, and Clients; then
//
//   world.drive([&](const Ring& ring) { cores[ring.index()].turn(); },   // Calls run_once once.
//               [&] { return client.received() == "+OK"; });
//
// A crash: crash_after(n) lets the world go down at the nth point from now (each change of the disk
// passes one when it starts and one before its effect); or crash_now(), or Failure::raise. From
// then on nothing completes, and rings, hosts and failures of this process are silent and harmless.
// The driver destroys the server, then calls power_cut() or kill(), and starts the next one. Or it
// never crashes, and at each point takes disk_after() to recover from in a second World: every
// crash point of a run for one run.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/base/clock.h"
#include "phoenix/base/random.h"
#include "phoenix/io/ring.h"
#include "phoenix/sim/disk.h"
#include "phoenix/sim/environment.h"
#include "phoenix/sim/faults.h"
#include "phoenix/sim/kernel.h"
#include "phoenix/sim/network.h"

namespace phoenix::sim {

class Ring;

class World final {
 public:
  explicit World(std::uint64_t seed, const FaultPlan& plan = {});
  /// A machine that starts with this disk.
  World(std::uint64_t seed, const FaultPlan& plan, Disk disk);
  World(const World&) = delete;
  World& operator=(const World&) = delete;
  /// Rings, hosts and clients must be gone.
  ~World();

  /// What main hands to the server.
  const Clock& clock() const { return clock_; }
  Random& random() { return server_random_; }

  // -- Driving --------------------------------------------------------------------------------

  /// A ring whose core has something to do now, chosen by the seed among all such; null if none
  /// has, or the world is down.
  Ring* pick();
  /// Moves time to the next thing that happens (or to when a core is due), but not past `until_ns`.
  /// False when there is nothing before it, or the world is down. While a core is due, time stands
  /// still: pick() first.
  bool advance(std::uint64_t until_ns = io::kNoDeadline);
  /// As advance(), but lets the cores sleep on: only the kernel, the network and the clients go on.
  bool advance_events(std::uint64_t until_ns = io::kNoDeadline);
  /// Lets the cores take turns until done(), which is asked before each step. Returns done(): false
  /// when the world is down, `until_ns` has come or nothing is left to happen.
  template <typename Turn, typename Done>
  bool drive(Turn turn, Done done, std::uint64_t until_ns = io::kNoDeadline) {
    while (!done()) {
      if (Ring* const ring = pick()) {
        turn(*ring);
      } else if (!advance(until_ns)) {
        return done();
      }
    }
    return true;
  }
  std::uint64_t now_ns() const { return environment_.timeline.now_ns(); }
  /// The wall clock steps; it steps by itself if the plan says so.
  void step_wall(std::int64_t by_ms) { wall_offset_ms_ += by_ms; }

  // -- Crashes --------------------------------------------------------------------------------

  /// 0: at the very next point.
  void crash_after(std::uint64_t points);
  void crash_now();
  bool down() const { return environment_.down; }
  /// Points passed so far, in all lives.
  std::uint64_t points() const { return environment_.points; }
  /// Called at each point, before it is passed. May call disk_after().
  void on_point(std::function<void()> call) { environment_.at_point = std::move(call); }

  /// The machine loses power: the disk keeps what was durable and any part of the rest.
  void power_cut() { settle(true); }
  /// Only the process ends: caches stay; writes in flight land, wholly or in part or not at all, at
  /// the latest when the next process has locked their directory.
  void kill() { settle(false); }
  /// Processes that ended by a crash.
  std::uint64_t life() const { return life_; }

  /// The disk as such a crash at this moment would leave it. The world goes on.
  Disk disk_after(bool power_cut, std::uint64_t seed) const;

  // -- Faults, and looking ------------------------------------------------------------------------

  FaultPlan& plan() { return environment_.plan; }
  const Counters& counters() const { return environment_.counters; }
  Disk& disk() { return kernel_.disk(); }
  void fail_nth(const ChosenFault& fault) { kernel_.fail_nth(fault); }
  std::uint64_t trace_hash() const { return environment_.trace_hash; }
  /// Sees each line that goes into the hash.
  void on_trace(std::function<void(const TraceLine&)> call) {
    environment_.at_trace = std::move(call);
  }
  /// The seed and the hash, for the message of a failed check.
  std::string describe() const;

  // -- For ring, host and client ------------------------------------------------------------------

  Environment& environment() { return environment_; }
  Kernel& kernel() { return kernel_; }
  Network& network() { return kernel_.network(); }
  std::uint32_t add_ring(Ring& ring);
  std::size_t rings_of_process() const;
  void remove_ring(Ring& ring);
  std::uint32_t add_host() { return ++hosts_; }
  /// Happens once per turn: what it costs, and clocks that step.
  std::uint64_t begin_turn(const Ring& ring);

  /// The process that holds a directory's lock; 0: none.
  std::uint32_t& lock_holder(DirectoryId directory);

 private:
  class WallAndMonotonic final : public Clock {
   public:
    explicit WallAndMonotonic(const World& world) : world_(world) {}
    std::int64_t wall_ms() const override;
    std::uint64_t monotonic_ns() const override { return world_.now_ns(); }

   private:
    const World& world_;
  };

  bool advance_to(std::uint64_t next_ns, std::uint64_t until_ns);
  void settle(bool power_cut);

  const std::uint64_t seed_;
  Environment environment_;
  Kernel kernel_;
  WallAndMonotonic clock_{*this};
  SeededRandom server_random_;
  std::int64_t wall_offset_ms_ = 1'700'000'000'000;
  std::uint64_t life_ = 0;
  std::uint32_t hosts_ = 0;
  std::uint32_t rings_made_ = 0;
  std::vector<Ring*> rings_;  // Of the process that runs now.
  std::vector<Ring*> due_;
  std::vector<std::uint32_t> lock_holders_;
};

}  // namespace phoenix::sim
