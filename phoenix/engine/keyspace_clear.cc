// What is freed bit by bit: after removing everything at once the rooms that held it, in whose
// place fresh ones have taken; and large values that nobody holds any more.
#include <utility>

#include "phoenix/engine/keyspace_parts.h"

namespace phoenix::engine {
namespace {

// What the steps take, in nanoseconds, about.
constexpr std::uint64_t kWorkPerLine = 512;       // Its entries have to be fetched from memory.
constexpr std::uint64_t kWorkPerRegion = 32'768;  // 2 MiB go back to the system.
constexpr std::uint64_t kBytesPerWork = 4;        // Of a large value, likewise.

// A clear frees so much of it on the spot: what is small is gone then.
constexpr std::uint64_t kClearWork = 4 * kWorkPerRegion;

}  // namespace

// Only for what is not in the slab anybody has to look.
std::uint64_t Keyspace::Parts::free_line() {
  const std::uint64_t large_bytes_before = large_value_bytes;
  freed_to = index.visit_line(freed_to, [this](char* at) {
    const Entry entry(at);
    if (has_outside_memory(entry.shape())) release(entry);
  });
  return kWorkPerLine + (large_bytes_before - large_value_bytes) / kBytesPerWork;
}

Keyspace::Parts::~Parts() {
  while (entries_outside_slab != 0) free_line();  // The slab and the index go as they are.
}

std::uint64_t Keyspace::Parts::free_step() {
  if (entries_outside_slab != 0) return free_line();
  return slab.free_region() || index.free_region() ? kWorkPerRegion : 0;
}

void Keyspace::Parts::go_on_from(const Parts& before) {
  heap.set_now(before.heap.now_ms());
  expiry_seen_ms = before.expiry_seen_ms;
  expiry_listener = before.expiry_listener;
  patches_held_values = before.patches_held_values;
}

void Keyspace::set_aside() {
  auto fresh = std::make_unique<Parts>(hash_key_, parts_->large_meter, parts_->chance.next());
  fresh->go_on_from(*parts_);
  cleared_bytes_ += parts_->memory_bytes();
  cleared_large_bytes_ += parts_->large_value_bytes;
  cleared_.push_back(std::exchange(parts_, std::move(fresh)));
}

void Keyspace::clear() {
  if (parts_->index.size() == 0) return;
  set_aside();
  sink_.emit({.kind = Effect::Kind::clear, .key = {}, .value = {}});
  free_some(kClearWork);
}

// The more there is, the more at a time: whoever lets go of much in every turn must not get ahead.
std::uint64_t Keyspace::free_large(std::uint64_t work_max) {
  constexpr std::uint64_t kTurns = 128;
  LargeMeter& meter = *parts_->large_meter;
  const std::uint64_t bytes_max =
      std::max(work_max * kBytesPerWork, meter.bytes_to_free() / kTurns);
  return meter.free_some(bytes_max) / kBytesPerWork;
}

bool Keyspace::has_more_to_free() const {
  return !cleared_.empty() || parts_->large_meter->bytes_to_free() > 0;
}

bool Keyspace::free_some(std::uint64_t work_max) {
  std::uint64_t work = free_large(work_max);
  while (!cleared_.empty() && work < work_max) {
    Parts& parts = *cleared_.back();
    cleared_bytes_ -= parts.memory_bytes();
    cleared_large_bytes_ -= parts.large_value_bytes;
    const std::uint64_t taken = parts.free_step();
    if (taken == 0) {
      cleared_.pop_back();
    } else {
      cleared_bytes_ += parts.memory_bytes();
      cleared_large_bytes_ += parts.large_value_bytes;
    }
    work += std::max(taken, kWorkPerLine);
  }
  return has_more_to_free();
}

}  // namespace phoenix::engine
