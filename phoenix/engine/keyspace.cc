#include "phoenix/engine/keyspace.h"

#include <algorithm>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/engine/keyspace_parts.h"

namespace phoenix::engine {
namespace {

// What the index takes per entry, about: measured 13.3 bytes, at whatever size.
constexpr std::uint64_t kIndexShareBytes = 14;
// The heap has a node for each entry that dies, 7 of them in a chunk of 64 bytes.
constexpr std::uint64_t kHeapShareBytes = 10;

void check_bounds(std::string_view key, const NewValue& value, ExpiryMs expires_at_ms) {
  PHX_CHECK(key.size() <= kEntryKeyBytesMax);
  PHX_CHECK(value.bytes.size() <= kEntryValueBytesMax);
  PHX_CHECK(expires_at_ms >= 0);
  PHX_CHECK(expires_at_ms <= kExpiryMsMax);
}

}  // namespace

Entry Keyspace::Parts::create(const Key& key, const NewValue& value, const EntryShape& shape,
                              ExpiryMs expires_at_ms) {
  const Entry entry =
      Entry::create(slab.allocate(shape.size_bytes()), shape, key.bytes, expires_at_ms);
  if (has_outside_memory(shape)) ++entries_outside_slab;
  Entry made = entry;
  if (shape.kind != ValueKind::large) {
    if (!value.bytes.empty()) {
      std::memcpy(made.stored_value(), value.bytes.data(), value.bytes.size());
    }
    return made;
  }
  auto large = std::make_unique<LargeValueRef>(value.large);
  if (*large == nullptr) {  // Plain bytes that are too many to copy into an entry.
    const auto block = std::make_shared<LargeValue>();
    PHX_CHECK(block->reserve(value.bytes.size()));
    PHX_CHECK(block->append(value.bytes));
    *large = block;
  }
  (*large)->count_by(large_meter);
  large_value_bytes += (*large)->memory_bytes();
  made.set_large(large.release());
  return made;
}

// True when the new value and expiry fit where the old ones are. The value may view the old one.
inline bool Keyspace::Parts::overwrite(Entry entry, const EntryShape& shape, const NewValue& value,
                                       ExpiryMs expires_at_ms) {
  if (shape.kind == ValueKind::large || shape.kind != entry.kind()) return false;
  if (shape.has_expiry != entry.has_expiry_field()) return false;
  const bool has_same_size = shape.value_bytes == entry.stored_value_bytes();
  if (!has_same_size && !Slab::same_slot(shape.size_bytes(), entry.shape().size_bytes())) {
    return false;
  }
  if (!value.bytes.empty()) {
    std::memmove(entry.stored_value(), value.bytes.data(), value.bytes.size());
  }
  entry.set_value_bytes(value.bytes.size());
  if (shape.has_expiry) entry.set_expiry(expires_at_ms);
  return true;
}

Entry Keyspace::Parts::store(const Key& key, const NewValue& value, ExpiryMs expires_at_ms) {
  const EntryShape shape =
      EntryShape::of(key.bytes.size(), value.bytes.size(), expires_at_ms != kNoExpiry);
  const Index::Place place = find(key);
  if (!place) {
    const Entry entry = create(key, value, shape, expires_at_ms);
    index.insert(key.hash, entry.address());
    rearm(key.hash, entry, kNoExpiry, expires_at_ms);
    return entry;
  }
  const Entry old(Index::entry_at(place));
  const ExpiryMs old_expiry = old.expiry();
  if (overwrite(old, shape, value, expires_at_ms)) {
    rearm(key.hash, old, old_expiry, expires_at_ms);
    return old;
  }
  Entry entry = create(key, value, shape, expires_at_ms);
  entry.set_arm(old.arm());
  Index::replace(place, entry.address());
  release(old);
  rearm(key.hash, entry, old_expiry, expires_at_ms);
  return entry;
}

// After a change of the expiry: counts it, and sees that the heap has a node early enough.
inline void Keyspace::Parts::rearm(std::uint64_t hash, Entry entry, ExpiryMs old_expiry,
                                   ExpiryMs expires_at_ms) {
  if (old_expiry != kNoExpiry) --with_expiry;
  if (expires_at_ms != kNoExpiry) {
    ++with_expiry;
    // A node that comes too early finds the later expiry then, and is armed anew.
    const bool has_node = old_expiry != kNoExpiry && old_expiry <= expires_at_ms;
    if (!has_node) arm_anew(hash, entry, expires_at_ms);
  }
  bound_heap();
}

// Another number than before, by chance: older nodes of the entry no longer fit it. Of those that a
// former entry of the same key left behind, one in 8 does, until the next sweep draws again.
void Keyspace::Parts::arm_anew(std::uint64_t hash, Entry entry, ExpiryMs expires_at_ms) {
  const auto step = static_cast<unsigned>(chance.below(Entry::kArmNumbers - 1)) + 1;
  const unsigned arm = (entry.arm() + step) % Entry::kArmNumbers;
  entry.set_arm(arm);
  heap.arm({.ref = hash, .at_ms = expires_at_ms, .arm = arm});
}

Entry Keyspace::Parts::reshape(Index::Place place, const EntryShape& shape) {
  const Entry old(Index::entry_at(place));
  const EntryShape old_shape = old.shape();
  Entry entry = Entry::create(slab.allocate(shape.size_bytes()), shape, old.key(), old.expiry());
  std::memcpy(entry.stored_value(), old.stored_value(),
              std::min(old_shape.value_bytes, shape.value_bytes));
  entry.set_position(old.position());
  entry.set_arm(old.arm());
  Index::replace(place, entry.address());
  if (has_outside_memory(shape)) ++entries_outside_slab;
  if (has_outside_memory(old_shape)) --entries_outside_slab;
  slab.release(old.address(), old_shape.size_bytes());
  return entry;
}

Entry Keyspace::Parts::change_expiry(const Key& key, Index::Place place, ExpiryMs expires_at_ms) {
  Entry entry(Index::entry_at(place));
  const ExpiryMs old_expiry = entry.expiry();
  if (expires_at_ms != kNoExpiry && !entry.has_expiry_field()) {
    EntryShape shape = entry.shape();
    shape.has_expiry = true;
    entry = reshape(place, shape);
  }
  if (entry.has_expiry_field()) entry.set_expiry(expires_at_ms);
  rearm(key.hash, entry, old_expiry, expires_at_ms);
  return entry;
}

Entry Keyspace::Parts::unlink(std::uint64_t hash, Index::Place place) {
  const Entry entry(Index::entry_at(place));
  index.erase(hash, place);
  if (entry.expiry() != kNoExpiry) --with_expiry;
  return entry;
}

void Keyspace::Parts::release(Entry entry) {
  const EntryShape shape = entry.shape();
  if (has_outside_memory(shape)) --entries_outside_slab;
  if (shape.kind == ValueKind::large) {
    const std::unique_ptr<LargeValueRef> large(entry.large());
    large_value_bytes -= (*large)->memory_bytes();
  }
  slab.release(entry.address(), shape.size_bytes());
}

// Does what `node` reminds of; true when there was something. 48 bits of hash may name several
// entries, and each of them is asked.
bool Keyspace::Parts::resolve_one(const ExpiryNode& node, std::int64_t until_ms) {
  const auto concerns = [&](char* at) {
    const Entry entry(at);
    const ExpiryMs expiry = entry.expiry();
    if (expiry == kNoExpiry) return false;
    if (expiry > until_ms && (entry.arm() != node.arm || expiry < node.at_ms)) return false;
    return (hash_of_entry(&hash_key, at) & kIndexHashBits) == node.ref;
  };
  const Index::Place place = index.find(node.ref, concerns);
  if (!place) return false;
  const Entry entry(Index::entry_at(place));
  const std::uint64_t hash = hash_of_entry(&hash_key, entry.address());
  if (entry.expired_at(until_ms)) {
    if (expiry_listener != nullptr) expiry_listener->expired(entry.key());
    remove(hash, place);
  } else {
    arm_anew(hash, entry, entry.expiry());
  }
  return true;
}

std::size_t Keyspace::Parts::resolve(const ExpiryHeap::Taken& taken, std::int64_t until_ms) {
  const std::size_t size_before = index.size();
  const auto nodes = std::span(taken.nodes).first(taken.count);
  for (const ExpiryNode& node : nodes) index.prefetch_line(node.ref);
  for (const ExpiryNode& node : nodes) index.prefetch_entry(node.ref);
  for (const ExpiryNode& node : nodes) {
    const Index::Place likely = index.find(node.ref, [](char*) { return true; });
    if (likely) Slab::prefetch_release(Index::entry_at(likely));
  }
  for (const ExpiryNode& node : nodes) {
    while (resolve_one(node, until_ms)) {
    }
  }
  return size_before - index.size();
}

Keyspace::Keyspace(const HashKey& hash_key, EffectSink& sink, LargeMeterRef meter)
    : hash_key_(hash_key),
      sink_(sink),
      parts_(std::make_unique<Parts>(hash_key, std::move(meter), hash_key.constants[0])) {}

Keyspace::~Keyspace() = default;

void Keyspace::prefetch_index(std::uint64_t hash) const {
  parts_->index.prefetch_line(hash);
}
void Keyspace::prefetch_entry(std::uint64_t hash) const {
  parts_->index.prefetch_entry(hash);
}

bool Keyspace::find(const Key& key, std::int64_t now_ms, EntryView& entry) {
  const Index::Place place = parts_->find_live(key, now_ms);
  ++lookups_.all;
  if (!place) return false;
  ++lookups_.hits;
  entry = view_of(Entry(Index::entry_at(place)));
  return true;
}

// Effects are emitted with views of what is stored: the caller's views may have pointed to what was
// just replaced.
void Keyspace::put(const Key& key, const NewValue& value, ExpiryMs expires_at_ms) {
  check_bounds(key.bytes, value, expires_at_ms);
  Entry entry = parts_->store(key, value, expires_at_ms);
  Effect effect{.kind = Effect::Kind::put, .key = entry.key(), .hash = key.hash};
  effect.value.bytes = entry.value();
  if (entry.is_large()) effect.value.large = *entry.large();
  effect.expires_at_ms = expires_at_ms;
  entry.set_position(sink_.emit(effect));
}

bool Keyspace::erase(const Key& key, std::int64_t now_ms) {
  const Index::Place place = parts_->find_live(key, now_ms);
  if (!place) return false;
  const Entry entry = parts_->unlink(key.hash, place);
  sink_.emit({.kind = Effect::Kind::erase, .key = entry.key(), .hash = key.hash, .value = {}});
  parts_->release(entry);
  parts_->bound_heap();
  return true;
}

bool Keyspace::set_expiry(const Key& key, ExpiryMs expires_at_ms, std::int64_t now_ms) {
  check_bounds(key.bytes, {}, expires_at_ms);
  const Index::Place place = parts_->find_live(key, now_ms);
  if (!place) return false;
  Entry entry = parts_->change_expiry(key, place, expires_at_ms);
  entry.set_position(sink_.emit({.kind = Effect::Kind::expiry,
                                 .key = entry.key(),
                                 .hash = key.hash,
                                 .value = {},
                                 .expires_at_ms = expires_at_ms}));
  return true;
}

void Keyspace::apply(const Effect& effect, LogPosition position) {
  check_bounds(effect.key, effect.value, effect.expires_at_ms);
  parts_->large_meter->free_some(parts_->large_meter->bytes_to_free());  // Nobody waits here.
  const Key key{effect.key, effect.hash};
  if (effect.kind == Effect::Kind::put) {
    parts_->store(key, effect.value, effect.expires_at_ms).set_position(position);
    return;
  }
  if (effect.kind == Effect::Kind::clear) {
    if (parts_->index.size() != 0) set_aside();
    return;
  }
  const Index::Place place = parts_->find(key);
  switch (effect.kind) {
    case Effect::Kind::erase:
    case Effect::Kind::expired:
      if (place) parts_->remove(key.hash, place);
      parts_->bound_heap();
      return;
    case Effect::Kind::expiry:
      if (place) parts_->change_expiry(key, place, effect.expires_at_ms).set_position(position);
      return;
    case Effect::Kind::patch:
      check_part(effect.patch_offset, effect.value.bytes);
      if (place) {
        parts_->patch(place, effect.patch_offset, effect.value.bytes).set_position(position);
      }
      return;
    case Effect::Kind::put:
    case Effect::Kind::clear:
      return;
  }
}

ExpiryMs Keyspace::take_expiry_seen() {
  return std::exchange(parts_->expiry_seen_ms, kNoExpiry);
}

ExpirySlice Keyspace::remove_expired(ExpiryMs until_ms, std::size_t nodes_max) {
  ExpirySlice slice;
  ExpiryHeap& heap = parts_->heap;
  heap.set_now(until_ms);
  std::size_t examined = 0;
  while (examined < nodes_max) {
    const ExpiryHeap::Taken taken = heap.take_due(until_ms, nodes_max - examined);
    if (taken.examined == 0) break;
    examined += taken.examined;
    slice.removed += parts_->resolve(taken, until_ms);
  }
  slice.next_due_ms = heap.next_due_ms();
  slice.more_due = slice.next_due_ms != kNoExpiry && slice.next_due_ms <= until_ms;
  return slice;
}

void Keyspace::set_expiry_listener(ExpiryListener* listener) {
  parts_->expiry_listener = listener;
}

std::int64_t Keyspace::expiry_lag_ms(std::int64_t now_ms) const {
  const ExpiryMs oldest_ms = parts_->heap.oldest_ms();
  const bool is_nothing_due = oldest_ms == kNoExpiry || parts_->with_expiry == 0;
  return is_nothing_due ? 0 : std::max<std::int64_t>(now_ms - oldest_ms, 0);
}

bool Keyspace::has_expiry_nodes() const {
  return parts_->heap.nodes() > 0;
}

std::size_t Keyspace::size() const {
  return parts_->index.size();
}
std::size_t Keyspace::size_with_expiry() const {
  return parts_->with_expiry;
}

std::uint64_t Keyspace::used_bytes() const {
  return memory_bytes() - (parts_->slab.memory_bytes() - parts_->slab.used_bytes());
}

std::uint64_t Keyspace::memory_of(const Key& key, std::int64_t now_ms) {
  const Index::Place place = parts_->find_live(key, now_ms);
  if (!place) return 0;
  const Entry entry(Index::entry_at(place));
  std::uint64_t bytes = Slab::slot_bytes(entry.shape().size_bytes()) + kIndexShareBytes;
  if (entry.expiry() != kNoExpiry) bytes += kHeapShareBytes;
  if (entry.is_large()) bytes += (*entry.large())->memory_bytes();
  return bytes;
}

std::uint64_t Keyspace::large_value_bytes() const {
  return parts_->large_value_bytes + cleared_large_bytes_;
}

const LargeMeterRef& Keyspace::large_meter() const {
  return parts_->large_meter;
}

std::uint64_t Keyspace::memory_bytes() const {
  return parts_->memory_bytes() + cleared_bytes_;
}

}  // namespace phoenix::engine
