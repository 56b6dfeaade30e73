// What the engine's tests share: a sink that keeps effects, and keys and values made from numbers.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/engine/keyspace.h"

namespace phoenix::engine {

/// An effect with bytes of its own.
struct KeptEffect {
  Effect::Kind kind = Effect::Kind::put;
  std::string key;
  std::uint64_t hash = 0;
  std::string value;
  LargeValueRef large;
  ExpiryMs expires_at_ms = kNoExpiry;
  LogPosition position;
  std::size_t patch_offset = 0;

  Effect view() const {
    Effect effect{
        .kind = kind, .key = key, .hash = hash, .value = {}, .expires_at_ms = expires_at_ms};
    effect.patch_offset = patch_offset;
    effect.value = large != nullptr ? NewValue::adopt(large) : NewValue::copy_of(value);
    return effect;
  }
};

class KeepingSink final : public EffectSink {
 public:
  LogPosition emit(const Effect& effect) override {
    const LogPosition position{++last_};
    kept.push_back({effect.kind, std::string(effect.key), effect.hash,
                    std::string(effect.value.bytes), keeps_large ? effect.value.large : nullptr,
                    effect.expires_at_ms, position, effect.patch_offset});
    return position;
  }

  std::vector<KeptEffect> kept;
  bool keeps_large = true;  // As the log's batches in flight do.

 private:
  std::uint64_t last_ = 0;
};

/// Counts and forgets.
class CountingSink final : public EffectSink {
 public:
  LogPosition emit(const Effect& /*effect*/) override { return {++count}; }
  std::uint64_t count = 0;
};

inline std::string random_bytes(SeededRandom& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

/// Collects what a scan visits: how often each key was seen.
class CountingVisitor final : public EntryVisitor {
 public:
  void visit(const EntryView& entry) override {
    ++seen[std::string(entry.key)];
    ++visits;
  }
  std::map<std::string, int> seen;
  std::size_t visits = 0;
};

/// A keyspace with its sink, and calls without a Key.
template <typename Sink>
struct World {
  explicit World(std::uint64_t seed) : random(seed), keyspace(HashKey::draw(random), sink) {}

  Key key_of(std::string_view bytes) const { return {bytes, keyspace.hash_of(bytes)}; }
  void put(std::string_view key, std::string_view value, ExpiryMs expires_at_ms = kNoExpiry) {
    keyspace.put(key_of(key), NewValue::copy_of(value), expires_at_ms);
  }
  bool erase(std::string_view key, std::int64_t now_ms = 0) {
    return keyspace.erase(key_of(key), now_ms);
  }
  bool expire(std::string_view key, ExpiryMs expires_at_ms, std::int64_t now_ms = 0) {
    return keyspace.set_expiry(key_of(key), expires_at_ms, now_ms);
  }
  bool has(std::string_view key, std::int64_t now_ms = 0) {
    EntryView entry;
    return keyspace.find(key_of(key), now_ms, entry);
  }
  /// "(none)" where there is no live entry.
  std::string get(std::string_view key, std::int64_t now_ms = 0) {
    EntryView entry;
    if (!keyspace.find(key_of(key), now_ms, entry)) return "(none)";
    return std::string(entry.value);
  }
  EntryView view(std::string_view key, std::int64_t now_ms = 0) {
    EntryView entry;
    keyspace.find(key_of(key), now_ms, entry);
    return entry;
  }
  /// Removes all that is due, in slices.
  std::size_t remove_expired(ExpiryMs until_ms, std::size_t nodes_max = 64) {
    std::size_t removed = 0;
    for (bool more = true; more;) {
      const ExpirySlice slice = keyspace.remove_expired(until_ms, nodes_max);
      removed += slice.removed;
      more = slice.more_due;
    }
    return removed;
  }

  SeededRandom random;
  Sink sink;
  Keyspace keyspace;
};

}  // namespace phoenix::engine
