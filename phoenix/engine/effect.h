// One physical change of a keyspace. Replaying a log is applying these in order; no handler runs,
// so old logs survive new commands. The log, and later replication and notifications, hang off the
// one sink that effects go to.
#pragma once

#include <cstdint>
#include <string_view>

#include "phoenix/engine/value.h"

namespace phoenix::engine {

/// Where an effect's record stands in its core's log. Opaque here: 48 bits that the log gives out
/// and that an entry keeps for the cleaner. 0 is nowhere.
struct LogPosition {
  std::uint64_t bits = 0;
  bool operator==(const LogPosition&) const = default;
};

/// An absolute Unix time in milliseconds below 2^48, or 0: never expires.
using ExpiryMs = std::int64_t;
inline constexpr ExpiryMs kNoExpiry = 0;
inline constexpr ExpiryMs kExpiryMsMax = (std::int64_t{1} << 48U) - 1;

struct Effect {
  /// The numbers are the log's record kinds (docs/LOG_FORMAT.md): never reuse one.
  enum class Kind : std::uint8_t {
    put = 1,      // key, value, expires_at_ms: the whole entry.
    erase = 2,    // key.
    expired = 3,  // key: the cleaner dropped the value of an expired newest version (later).
    clear = 4,    // Nothing: every entry of the core goes.
    expiry = 5,   // key, expires_at_ms: a change of the time alone.
    patch = 6,    // key, value.bytes from patch_offset on: a part of an entry that is there.
  };

  Kind kind = Kind::put;
  std::string_view key;
  std::uint64_t hash = 0;  // Of the key, with the database's HashKey.
  NewValue value;
  ExpiryMs expires_at_ms = kNoExpiry;
  std::size_t patch_offset = 0;
};

class EffectSink {
 public:
  EffectSink() = default;
  EffectSink(const EffectSink&) = delete;
  EffectSink& operator=(const EffectSink&) = delete;
  virtual ~EffectSink() = default;

  /// Called by Keyspace, the only mutator, once per change, in order. The views in `effect` live
  /// for the call only. Cannot fail: room was reserved before the request was executed.
  virtual LogPosition emit(const Effect& effect) = 0;
};

}  // namespace phoenix::engine
