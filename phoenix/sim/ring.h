// The second implementation of the seam: one core's queue into the simulated kernel. It never
// blocks: run_once gives what has completed at the current virtual time, or nothing, and the driver
// moves time (World::advance) and chooses which core runs next (World::pick).
// A core whose run_once returned 0 before its deadline is asleep, as one that the real ring holds:
// its next turn comes with a completion, at the deadline, or with a signal. So what it tells other
// cores about being asleep (and in need of a wake) must stay true after such a return.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "phoenix/io/operation.h"
#include "phoenix/io/ring.h"
#include "phoenix/sim/buffers.h"

namespace phoenix::sim {

class World;

class Ring final : public io::Ring {
 public:
  /// Belongs to the process that the world runs now; after a crash it stays harmless and silent.
  explicit Ring(World& world);
  ~Ring() override;

  void submit(const io::Operation& operation) override;
  std::size_t run_once(std::span<io::Completion> out, std::uint64_t deadline_ns) override;
  void release(io::BufferId buffer) override;
  int wake_handle() const override { return kWakeHandles + static_cast<int>(id_); }
  std::uint64_t buffer_bytes() const override { return buffers_.memory_bytes(); }

  /// Place among the rings of this process, in the order they were made, from 0.
  std::size_t index() const { return index_; }
  /// For a driver with one ring: run_once moves time by itself until something has completed, the
  /// deadline has passed, the world is down or nothing is left to happen. Then loops such as
  /// io::Context::run_until work; with more rings they would starve the others.
  void set_blocking(bool blocking) { blocking_ = blocking; }
  /// Receive buffers that were handed out and not released.
  std::size_t buffers_lent() const { return buffers_.lent(); }

  // -- For the world ------------------------------------------------------------------------------

  static constexpr int kWakeHandles = 1'000'000;  // Far from any descriptor.

  std::uint32_t id() const { return id_; }
  void post(const io::Completion& completion) { ready_.push_back(completion); }
  Buffers& buffers() { return buffers_; }
  /// When its core has something to do; kNever while it only waits for completions.
  std::uint64_t due_ns() const;

 private:
  bool alive() const;
  void wait_for_completions(std::uint64_t deadline_ns);
  std::size_t take(std::span<io::Completion> out);
  void count_idle_call();

  World& world_;
  const std::size_t index_;
  const std::uint32_t id_;
  const std::uint64_t life_;
  Buffers buffers_;
  std::vector<io::Operation> queued_;
  std::deque<io::Completion> ready_;
  bool parked_ = false;  // Its last run_once found nothing.
  bool blocking_ = false;
  std::uint64_t deadline_ns_ = 0;
  std::uint64_t busy_until_ns_ = 0;
  std::uint64_t idle_calls_ = 0;  // Since time moved last.
  std::uint64_t idle_at_ns_ = 0;
};

}  // namespace phoenix::sim
