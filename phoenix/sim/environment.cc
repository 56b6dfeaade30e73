#include "phoenix/sim/environment.h"

#include <algorithm>

#include "phoenix/base/check.h"

namespace phoenix::sim {
namespace {

bool later(const Event& a, const Event& b) {
  return a.at_ns != b.at_ns ? a.at_ns > b.at_ns : a.sequence > b.sequence;
}

constexpr std::uint64_t mix(std::uint64_t hash, std::uint64_t value) {
  hash = (hash ^ value) * 0x9FB21C651E98DF25U;
  return hash ^ hash >> 32U;
}

}  // namespace

void Timeline::move_to(std::uint64_t now_ns) {
  PHX_CHECK(now_ns >= now_ns_);
  now_ns_ = now_ns;
}

void Timeline::schedule(std::uint64_t delay_ns, EventKind kind, std::uint32_t index,
                        std::uint32_t generation) {
  heap_.push_back(Event{now_ns_ + delay_ns, sequence_++, kind, index, generation});
  std::push_heap(heap_.begin(), heap_.end(), later);
}

Event Timeline::pop() {
  PHX_CHECK(!heap_.empty());
  std::pop_heap(heap_.begin(), heap_.end(), later);
  const Event event = heap_.back();
  heap_.pop_back();
  return event;
}

bool Environment::error_chance(std::uint32_t of_10k) {
  if (plan.error_budget == 0 || !chance(of_10k)) return false;
  if (plan.error_budget != ~0U) --plan.error_budget;
  return true;
}

std::uint64_t Environment::draw(Latency latency) {
  PHX_CHECK(latency.least_ns <= latency.most_ns);
  return latency.least_ns + random.below(latency.most_ns - latency.least_ns + 1);
}

void Environment::trace(const char* what, std::uint64_t a, std::uint64_t b, std::uint64_t c) {
  const auto letter = static_cast<std::uint64_t>(static_cast<unsigned char>(what[0]));
  trace_hash = mix(mix(mix(mix(trace_hash, timeline.now_ns() ^ letter << 56U), a), b), c);
  if (at_trace) at_trace(TraceLine{timeline.now_ns(), what, a, b, c});
}

bool Environment::pass_point() {
  if (at_point) at_point();
  if (points++ != crash_at_point) return true;
  crash_at_point = kNever;
  down = true;
  trace("crash", points);
  return false;
}

}  // namespace phoenix::sim
