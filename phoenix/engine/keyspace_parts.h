// The inside of a keyspace, shared by the files that implement it: storing and expiry in
// keyspace.cc, changes of a part in keyspace_patch.cc, what looks at entries without a key in
// keyspace_scan.cc.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "phoenix/base/random.h"
#include "phoenix/engine/entry.h"
#include "phoenix/engine/expiry_heap.h"
#include "phoenix/engine/index.h"
#include "phoenix/engine/keyspace.h"
#include "phoenix/engine/slab.h"

namespace phoenix::engine {

/// Nodes of the expiry heap that may be stale beyond one per entry that has an expiry.
inline constexpr std::size_t kStaleSlack = 1024;

inline std::uint64_t hash_of_entry(const void* hash_key, char* entry) {
  return hash_bytes(*static_cast<const HashKey*>(hash_key), Entry(entry).key());
}

inline EntryView view_of(const Entry& entry) {
  return {.key = entry.key(),
          .value = entry.value(),
          .large = entry.is_large() ? entry.large() : nullptr,
          .expires_at_ms = entry.expiry(),
          .position = entry.position()};
}

/// Ends the process when a value cannot have this part.
void check_part(std::size_t offset, std::string_view bytes);

/// The rooms of a keyspace and what ties them together. Nothing here emits.
struct Keyspace::Parts {
  /// `seed` is as secret as the key.
  Parts(const HashKey& key, LargeMeterRef meter, std::uint64_t seed)
      : hash_key(key),
        large_meter(std::move(meter)),
        index(slab, {hash_of_entry, &hash_key}),
        heap(slab),
        chance(seed) {}
  ~Parts();
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;

  Index::Place find(const Key& key) const {
    return index.find(key.hash, [&](char* at) { return Entry(at).has_key(key.bytes); });
  }
  /// As find(), for what is live; an expired one is noted.
  Index::Place find_live(const Key& key, std::int64_t now_ms) {
    const Index::Place place = find(key);
    if (!place) return {};
    const Entry entry(Index::entry_at(place));
    if (!entry.expired_at(now_ms)) [[likely]]
      return place;
    note_expired(entry.expiry());
    return {};
  }

  Entry store(const Key& key, const NewValue& value, ExpiryMs expires_at_ms);
  /// Writes a part of the value of an entry, which may move.
  Entry patch(Index::Place place, std::size_t offset, std::string_view bytes);
  Entry change_expiry(const Key& key, Index::Place place, ExpiryMs expires_at_ms);
  void remove(std::uint64_t hash, Index::Place place) { release(unlink(hash, place)); }
  /// Takes the entry out of the map; it must be released.
  Entry unlink(std::uint64_t hash, Index::Place place);
  void release(Entry entry);
  void replace_large(LargeValueRef& large, LargeValueRef by);
  /// After its time (clear): frees a bit of what is held, and returns what that took in
  /// nanoseconds, about; 0: only this object is left. Nothing else may be called from then on.
  std::uint64_t free_step();
  /// Takes over what does not go with the entries.
  void go_on_from(const Parts& before);
  std::uint64_t memory_bytes() const {
    return sizeof(Parts) + slab.memory_bytes() + index.memory_bytes() + heap.memory_bytes() +
           large_value_bytes;
  }

  void note_expired(ExpiryMs expiry) { expiry_seen_ms = std::max(expiry_seen_ms, expiry); }

  std::size_t resolve(const ExpiryHeap::Taken& taken, std::int64_t until_ms);
  /// Drops stale nodes of the expiry heap, a group at a time, while there are too many.
  void bound_heap() {
    if (heap.nodes() > 2 * with_expiry + kStaleSlack) [[unlikely]]
      resolve(heap.take_any(), 0);
  }

  HashKey hash_key;
  LargeMeterRef large_meter;
  Slab slab;
  Index index;
  ExpiryHeap heap;
  SeededRandom chance;  // For arm numbers.
  std::size_t with_expiry = 0;
  std::size_t entries_outside_slab = 0;  // Or with a value that is: what the end must look for.
  std::uint64_t large_value_bytes = 0;
  ExpiryMs expiry_seen_ms = kNoExpiry;
  ExpiryListener* expiry_listener = nullptr;
  bool patches_held_values = false;  // For a canary only.
  std::uint64_t freed_to =
      0;  // A scan position: entries before it are freed of the slab's outside.

 private:
  Entry create(const Key& key, const NewValue& value, const EntryShape& shape,
               ExpiryMs expires_at_ms);
  static bool overwrite(Entry entry, const EntryShape& shape, const NewValue& value,
                        ExpiryMs expires_at_ms);
  /// Moves the entry to a slot of another shape: all but the value's size stays as it is, and of
  /// the value as stored what fits.
  Entry reshape(Index::Place place, const EntryShape& shape);
  void patch_large(LargeValueRef& large, std::size_t offset, std::string_view bytes);
  void arm_anew(std::uint64_t hash, Entry entry, ExpiryMs expires_at_ms);
  void rearm(std::uint64_t hash, Entry entry, ExpiryMs old_expiry, ExpiryMs expires_at_ms);
  std::uint64_t free_line();
  bool resolve_one(const ExpiryNode& node, std::int64_t until_ms);
  static bool has_outside_memory(const EntryShape& shape) {
    return shape.kind == ValueKind::large || shape.size_bytes() > Slab::kSlotBytesMax;
  }
};

}  // namespace phoenix::engine
