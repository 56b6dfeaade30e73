#include "phoenix/sim/ring.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/sim/world.h"

namespace phoenix::sim {
namespace {

// A loop around run_once that nothing can end would hang the test run.
constexpr std::uint64_t kIdleCallsMost = 1'000'000;

}  // namespace

Ring::Ring(World& world)
    : world_(world),
      index_(world.rings_of_process()),
      id_(world.add_ring(*this)),
      life_(world.life()),
      buffers_(world.plan().buffer_count, world.plan().buffer_bytes,
               world.plan().incremental_buffers) {
  world_.kernel().add_wake_target(*this);
}

Ring::~Ring() {
  world_.remove_ring(*this);
}

bool Ring::alive() const {
  return !world_.down() && world_.life() == life_;
}

void Ring::submit(const io::Operation& operation) {
  if (!alive()) return;
  queued_.push_back(operation);
  parked_ = false;
}

void Ring::release(io::BufferId buffer) {
  buffers_.release(buffer);
}

std::uint64_t Ring::due_ns() const {
  if (!parked_ || !ready_.empty()) return busy_until_ns_;
  return std::max(busy_until_ns_, deadline_ns_);
}

std::size_t Ring::run_once(std::span<io::Completion> out, std::uint64_t deadline_ns) {
  PHX_CHECK(!out.empty());
  count_idle_call();
  if (!alive()) return 0;
  busy_until_ns_ = world_.now_ns() + world_.begin_turn(*this);
  world_.kernel().submit(*this, std::exchange(queued_, {}));
  if (blocking_) wait_for_completions(deadline_ns);
  if (!alive()) return 0;
  Environment& environment = world_.environment();
  if (environment.chance(environment.plan.signals)) {
    ++environment.counters.signals;
    parked_ = false;
    return 0;
  }
  const std::size_t taken = take(out);
  parked_ = taken == 0;
  deadline_ns_ = deadline_ns;
  if (parked_ && environment.chance(environment.plan.signals)) {
    ++environment.counters.signals;
    const std::uint64_t sleep_ns = environment.random.below(environment.plan.stall_most_ns + 1);
    deadline_ns_ = std::min(deadline_ns, world_.now_ns() + sleep_ns);
  }
  return taken;
}

std::size_t Ring::take(std::span<io::Completion> out) {
  std::size_t count = std::min(out.size(), ready_.size());
  Environment& environment = world_.environment();
  if (count > 1 && environment.chance(environment.plan.split_completions)) {
    ++environment.counters.split_completions;
    count = 1 + environment.random.below(count - 1);
  }
  for (std::size_t i = 0; i < count; ++i) {
    out[i] = ready_.front();
    ready_.pop_front();
  }
  if (count > 0) idle_calls_ = 0;
  return count;
}

void Ring::wait_for_completions(std::uint64_t deadline_ns) {
  while (ready_.empty() && alive() && world_.now_ns() < deadline_ns) {
    if (!world_.advance_events(deadline_ns)) break;
  }
}

void Ring::count_idle_call() {
  if (world_.now_ns() != idle_at_ns_) idle_calls_ = 0;
  idle_at_ns_ = world_.now_ns();
  // Either the driver does not move time (see set_blocking), or the world is down and the loop does
  // not look, or nothing is left that could happen.
  PHX_CHECK(++idle_calls_ < kIdleCallsMost);
}

}  // namespace phoenix::sim
