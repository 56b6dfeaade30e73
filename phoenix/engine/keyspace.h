// A shard's map from keys to entries, its expiry heap and its memory: the only mutator of data.
// Plain functions of their arguments: no IO, no clock (`now_ms` is passed in), no globals, and no
// step whose work grows with the number of keys.
//
// Invariants:
// - Every change goes through put, patch, erase, set_expiry, clear or apply; all but apply emit one
//   effect.
// - An entry whose expiry is at or before `now_ms` is never visible, removed or not.
// - Pointers and views into the keyspace live until the next change.
// One thread only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "phoenix/base/hash.h"
#include "phoenix/engine/effect.h"
#include "phoenix/engine/value.h"

namespace phoenix::engine {

/// A key with its hash, computed once per request (Keyspace::hash_of).
struct Key {
  std::string_view bytes;
  std::uint64_t hash = 0;
};

/// A live entry as a reader sees it. Views live until the keyspace changes.
struct EntryView {
  std::string_view key;
  std::string_view value;
  const LargeValueRef* large = nullptr;  // Set when the value is a shared block; `value` views it.
  ExpiryMs expires_at_ms = kNoExpiry;
  LogPosition position;
};

class EntryVisitor {
 public:
  EntryVisitor() = default;
  EntryVisitor(const EntryVisitor&) = delete;
  EntryVisitor& operator=(const EntryVisitor&) = delete;
  virtual ~EntryVisitor() = default;
  virtual void visit(const EntryView& entry) = 0;
};

/// Told the name of each entry that remove_expired() takes away. It must not touch the keyspace.
class ExpiryListener {
 public:
  ExpiryListener() = default;
  ExpiryListener(const ExpiryListener&) = delete;
  ExpiryListener& operator=(const ExpiryListener&) = delete;
  virtual ~ExpiryListener() = default;
  virtual void expired(std::string_view key) = 0;
};

/// A place in a scan: 0 starts, and comes back at the end. Survives growth and restarts.
using ScanCursor = std::uint64_t;

struct ExpirySlice {
  std::size_t removed = 0;
  bool more_due = false;             // The bound was reached: call again soon.
  ExpiryMs next_due_ms = kNoExpiry;  // Earliest time at which a call can do something; 0: none.
};

/// Calls of Keyspace::find.
struct Lookups {
  std::uint64_t all = 0;
  std::uint64_t hits = 0;

  void add(const Lookups& from, const Lookups& to) {
    all += to.all - from.all;
    hits += to.hits - from.hits;
  }
};

class Keyspace final {
 public:
  /// Large values count by `meter` from when they are stored, also when they are overwritten and
  /// somebody still sends them.
  Keyspace(const HashKey& hash_key, EffectSink& sink,
           LargeMeterRef meter = std::make_shared<LargeMeter>());
  ~Keyspace();
  Keyspace(const Keyspace&) = delete;
  Keyspace& operator=(const Keyspace&) = delete;

  std::uint64_t hash_of(std::string_view key) const { return hash_bytes(hash_key_, key); }

  /// Two hints that hide memory latency when issued for a whole batch of keys, stage by stage,
  /// before any of them is looked up. They change nothing that can be seen.
  void prefetch_index(std::uint64_t hash) const;
  void prefetch_entry(std::uint64_t hash) const;

  /// The live entry of `key`, or false. Where an expired entry is the reason for the miss, its
  /// expiry is noted (take_expiry_seen).
  bool find(const Key& key, std::int64_t now_ms, EntryView& entry);
  const Lookups& lookups() const { return lookups_; }

  /// Creates or replaces the entry. Keys up to 64 KiB, values up to 512 MiB (entry.h); those above
  /// kSmallValueBytesMax should come as a large block, plain bytes are copied into one.
  void put(const Key& key, const NewValue& value, ExpiryMs expires_at_ms);

  /// Writes a part over the value of `key` from `offset` on; what lies between its end and
  /// `offset` becomes zeros. The value grows where it must (offset and bytes together at most 512
  /// MiB), and is created, without an expiry, where there is none. The expiry stays. The part may
  /// not be empty, and may not view the value. A large value is changed where it is, unless
  /// somebody else holds it; then the entry gets a copy first. The effect is the part alone when
  /// the value is then much larger than it, and a part of some megabytes a block; else the whole
  /// value.
  void patch(const Key& key, std::size_t offset, const NewValue& part, std::int64_t now_ms);
  void patch(const Key& key, std::size_t offset, std::string_view bytes, std::int64_t now_ms) {
    patch(key, offset, NewValue::copy_of(bytes), now_ms);
  }

  /// Puts `copy`, which nobody else holds and which has the same content, in the place of the large
  /// value `block` of `key`: patch() need not copy it then. Does nothing when the value is another
  /// one by now. Emits nothing.
  void use_copy(const Key& key, const LargeValueRef& block, LargeValueRef copy);

  /// For a canary only: from now on parts are written into large values that others hold, too.
  void patch_held_values();

  /// Bytes of value in the effect of a patch() with as many bytes, which may be a block, were it
  /// called next: what the log needs room for beside the key.
  std::size_t patch_effect_bytes(const Key& key, std::size_t offset, std::size_t part_bytes,
                                 std::int64_t now_ms, bool is_block = false) const;

  /// Removes the entry; true when there was a live one. Emits nothing when there was none at all;
  /// for an expired one it notes the expiry and leaves the removal to the expiry heap.
  bool erase(const Key& key, std::int64_t now_ms);

  /// Changes the time of death of a live entry; false when there is none. kNoExpiry: persists.
  bool set_expiry(const Key& key, ExpiryMs expires_at_ms, std::int64_t now_ms);

  /// Removes all entries at once, whatever their number, and emits one effect if there were any.
  /// What they took counts until free_some() has freed it. Scans that are under way find what is
  /// put from now on, or end.
  void clear();

  /// Frees what clear() left behind, and large values that were let go of, for about `work_max`
  /// nanoseconds (overdrawn by one value of some megabytes at most). True while there is more.
  bool free_some(std::uint64_t work_max);
  bool has_more_to_free() const;

  /// Replay: applies an effect that came from the log, whose record stands at `position`. Emits
  /// nothing.
  void apply(const Effect& effect, LogPosition position);

  /// The latest expiry that made an answer since the last call, or kNoExpiry. A reply that depends
  /// on a key being expired waits for a durable stamp at or past this (docs/LOG_FORMAT.md, rule 9).
  ExpiryMs take_expiry_seen();

  /// Removes entries whose expiry is at or before `until_ms`, looking at no more than `nodes_max`
  /// nodes of the heap. Emits nothing: expiry writes no record of its own. It is also how the heap
  /// learns the time: called once before a replay (nodes_max may be 0), it saves work later.
  ExpirySlice remove_expired(ExpiryMs until_ms, std::size_t nodes_max);

  /// Who wants to know what expires; null: nobody. An expired entry that is overwritten before the
  /// heap comes to it is not told of.
  void set_expiry_listener(ExpiryListener* listener);

  /// Milliseconds by which the oldest entry still waiting for removal is overdue at `now_ms`, or
  /// what is to be looked at to know; 0 where no entry has an expiry.
  std::int64_t expiry_lag_ms(std::int64_t now_ms) const;
  /// Whether remove_expired() will have anything to look at; entries that are gone count, too.
  bool has_expiry_nodes() const;

  /// Visits live entries from `cursor` on, about `entries_max` (whole index lines; at least one
  /// line, at most entries_max plus one line's chain), and returns where to go on, 0 at the end. An
  /// entry that is there from the first call to the last is visited exactly once. The low 16 bits
  /// of what it returns are zero, and of what it takes do not matter. Hidden entries are noted
  /// (take_expiry_seen).
  ScanCursor scan(ScanCursor cursor, std::size_t entries_max, std::int64_t now_ms,
                  EntryVisitor& visitor) const;

  /// A live entry that `chance` chooses, all about equally likely. False when none was found in
  /// some 64 lines of the index: when there is none, or when all that was looked at is expired and
  /// not removed yet, which is noted (take_expiry_seen); another chance may then find one.
  bool random_entry(std::uint64_t chance, std::int64_t now_ms, EntryView& entry) const;

  /// Bytes that a live entry takes, its share of index and heap included; 0 when there is none.
  std::uint64_t memory_of(const Key& key, std::int64_t now_ms);

  /// Entries, those expired but not yet removed included.
  std::size_t size() const;
  std::size_t size_with_expiry() const;

  /// What large values that are to be stored, or sent as copies of a part, should count by.
  const LargeMeterRef& large_meter() const;

  /// Everything this keyspace holds: entries, large values, index, heap.
  std::uint64_t memory_bytes() const;
  /// The same without the free slots of pages that are partly in use: falls with every delete (with
  /// clear() as it is freed).
  std::uint64_t used_bytes() const;
  /// The large values among them.
  std::uint64_t large_value_bytes() const;

 private:
  struct Parts;

  void set_aside();
  std::uint64_t free_large(std::uint64_t work_max);

  Lookups lookups_;
  HashKey hash_key_;
  EffectSink& sink_;
  std::unique_ptr<Parts> parts_;
  std::vector<std::unique_ptr<Parts>> cleared_;
  std::uint64_t cleared_bytes_ = 0;        // What those hold,
  std::uint64_t cleared_large_bytes_ = 0;  // and the large values among it.
};

}  // namespace phoenix::engine
