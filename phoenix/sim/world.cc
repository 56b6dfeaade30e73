#include "phoenix/sim/world.h"

#include <algorithm>

#include "phoenix/base/check.h"
#include "phoenix/sim/ring.h"

namespace phoenix::sim {

World::World(std::uint64_t seed, const FaultPlan& plan)
    : World(seed, plan, Disk(plan.disk_bytes)) {}

World::World(std::uint64_t seed, const FaultPlan& plan, Disk disk)
    : seed_(seed),
      environment_(seed, plan),
      kernel_(environment_, std::move(disk)),
      server_random_(seed ^ 0x7365'7276'6572U) {}

World::~World() {
  PHX_CHECK(rings_.empty());
}

std::int64_t World::WallAndMonotonic::wall_ms() const {
  return world_.wall_offset_ms_ + static_cast<std::int64_t>(world_.now_ns() / kNanosPerMs);
}

Ring* World::pick() {
  if (environment_.down) return nullptr;
  due_.clear();
  for (Ring* const ring : rings_) {
    if (ring->due_ns() <= now_ns()) due_.push_back(ring);
  }
  return due_.empty() ? nullptr : due_[environment_.random.below(due_.size())];
}

bool World::advance(std::uint64_t until_ns) {
  std::uint64_t next_ns = environment_.timeline.next_ns();
  for (const Ring* const ring : rings_) next_ns = std::min(next_ns, ring->due_ns());
  return advance_to(next_ns, until_ns);
}

bool World::advance_events(std::uint64_t until_ns) {
  return advance_to(environment_.timeline.next_ns(), until_ns);
}

// At most one event, so that a driver can look at the world after each.
bool World::advance_to(std::uint64_t next_ns, std::uint64_t until_ns) {
  if (environment_.down) return false;
  const std::uint64_t to_ns = std::max(now_ns(), std::min(next_ns, until_ns));
  if (to_ns == kNever) return false;
  environment_.timeline.move_to(to_ns);
  if (next_ns > until_ns) return false;
  if (environment_.timeline.next_ns() <= to_ns) kernel_.handle(environment_.timeline.pop());
  return true;
}

void World::crash_after(std::uint64_t points) {
  environment_.crash_at_point = environment_.points + points;
}

void World::crash_now() {
  if (environment_.down) return;
  environment_.down = true;
  environment_.trace("crash", environment_.points);
  kernel_.capture();
}

void World::settle(bool power_cut) {
  crash_now();
  environment_.crash_at_point = kNever;
  environment_.timeline.clear();
  rings_.clear();
  lock_holders_.clear();
  kernel_.settle(power_cut);
  environment_.down = false;
  ++environment_.counters.crashes;
  ++life_;
  environment_.trace("life", life_, power_cut ? 1 : 0);
}

Disk World::disk_after(bool power_cut, std::uint64_t seed) const {
  SeededRandom random(seed);
  return kernel_.disk_after(power_cut, random);
}

std::string World::describe() const {
  return "seed " + std::to_string(seed_) + ", life " + std::to_string(life_) + ", point " +
         std::to_string(points()) + ", trace hash " + std::to_string(trace_hash());
}

std::uint32_t World::add_ring(Ring& ring) {
  rings_.push_back(&ring);
  return rings_made_++;
}

std::size_t World::rings_of_process() const {
  return rings_.size();
}

void World::remove_ring(Ring& ring) {
  kernel_.forget(ring);
  rings_.erase(std::remove(rings_.begin(), rings_.end(), &ring), rings_.end());
}

std::uint64_t World::begin_turn(const Ring& ring) {
  ++environment_.counters.turns;
  environment_.trace("turn", ring.id());
  std::uint64_t cost_ns = environment_.draw(environment_.plan.turn);
  if (environment_.chance(environment_.plan.core_stalls)) {
    ++environment_.counters.core_stalls;
    cost_ns += environment_.random.below(environment_.plan.stall_most_ns + 1);
  }
  if (environment_.chance(environment_.plan.wall_steps)) {
    ++environment_.counters.wall_steps;
    const auto most = static_cast<std::uint64_t>(environment_.plan.wall_step_most_ms);
    step_wall(static_cast<std::int64_t>(environment_.random.below(2 * most + 1)) -
              environment_.plan.wall_step_most_ms);
  }
  return cost_ns;
}

std::uint32_t& World::lock_holder(DirectoryId directory) {
  if (directory >= lock_holders_.size()) lock_holders_.resize(directory + 1);
  return lock_holders_[directory];
}

}  // namespace phoenix::sim
