// What a correct server may answer, whatever crashes in between. Each key has one writer, whose
// writes are numbered in the order they were sent; so every key is a register whose versions are
// totally ordered, and each reply narrows down which of them can be the current one.
//
// Checked: what was acknowledged survives; what was read never vanishes; what was erased,
// overwritten or expired never returns, nor outlives its time; no value appears that was not
// written; a writer sees all that it sent before.
#pragma once

#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace phoenix::simtest {

using VersionNumber = std::size_t;

struct Version {
  std::optional<std::string> value;  // Nothing: erased.
  std::int64_t ttl_ms = 0;           // 0: none. Else it expires not before, and at the latest:
  std::int64_t expires_from_ms = 0;
  std::int64_t expires_until_ms = 0;  // Any time, until it is acknowledged.
  bool is_void = false;       // Was lost in a crash, or refused: it must never appear again.
  bool is_refused = false;    // Then it never happened.
  bool tells_set = false;     // If it happens, there is a notification "set".
  bool has_happened = false;  // A reply said so; on disk or not.

  bool can_expire() const { return expires_from_ms != 0; }
};

/// What an answer says about a key.
struct Seen {
  bool is_there = false;
  std::optional<std::string> value;  // If the answer shows it.
  std::optional<bool> expires;       // If it says so. When it does, the time that is left lies in
  std::int64_t left_least_ms = 0;
  std::int64_t left_most_ms = std::numeric_limits<std::int64_t>::max() / 4;

  static Seen nothing() { return {}; }
  static Seen there() { return {.is_there = true}; }
  static Seen of(const std::optional<std::string>& value) {
    return {.is_there = value.has_value(), .value = value};
  }
};

/// No older version can be the current one, and perhaps that one was seen to have expired.
struct Floor {
  VersionNumber number = 0;
  bool has_expired = false;

  void raise(VersionNumber to) {
    if (to > number) *this = Floor{to, false};
  }
};

/// What a reader knew when it asked.
struct ReadToken {
  Floor floor;
  // For the key's writer: the newest version that it sent before it asked, on the same connection.
  std::optional<VersionNumber> own_newest;
  std::int64_t wall_ms = 0;
};

/// The limits of the server's clock while it answered.
struct ReadTime {
  std::int64_t asked_wall_ms = 0;
  std::int64_t highest_wall_ms = 0;
};

struct VersionSpan {
  VersionNumber least = 0;
  VersionNumber most = 0;
};

class KeyHistory final {
 public:
  KeyHistory() : versions_(1) {}  // Version 0: never written.

  /// A write is about to be sent.
  VersionNumber intend(Version version);
  /// Its reply came: it has happened, and so has everything before it. `highest_wall_ms`: the
  /// latest that the server's clock can have been by now. `is_durable`: a crash does not undo it.
  void acknowledge(VersionNumber number, std::int64_t highest_wall_ms, bool is_durable);
  /// The wall clock may have stepped back this far: what is under way may expire so much sooner.
  void step_clock_back(std::int64_t most_ms);
  /// Its reply was an error that says nothing was changed.
  void refuse(VersionNumber number) {
    versions_[number].is_void = versions_[number].is_refused = true;
  }
  bool was_refused(VersionNumber number) const { return versions_[number].is_refused; }
  /// Of a key that only INCR and INCRBY write: what was sent after a refused one counts less.
  void renumber_after(VersionNumber refused, std::int64_t amount);
  /// The server has told of it, or of a later one.
  void told(VersionNumber number, bool is_durable);

  ReadToken begin_read(std::int64_t wall_ms, bool is_writer) const;
  /// The answer to that read. Returns what is wrong, or nothing.
  std::string end_read(const ReadToken& token, const Seen& seen, std::int64_t highest_wall_ms,
                       bool is_durable);

  /// Whether an answer to that read may count this key, and whether it must. What has expired may
  /// be counted until it is removed.
  bool may_count(const ReadToken& token) const;
  bool must_count(const ReadToken& token, std::int64_t highest_wall_ms) const;

  /// The versions that may be what was recovered; nothing when none is.
  std::optional<VersionSpan> candidates(const std::optional<std::string>& value,
                                        const ReadTime& time) const;
  /// After a crash the key was read before anything was written: this is what was recovered, and
  /// whatever was sent and is not it, is void.
  std::string recovered(const std::optional<std::string>& value, const ReadTime& time);
  /// The server kept nothing on disk and has ended.
  void lose();

  /// What this life of the server has shown is on disk: it has ended in order.
  void endure() { durable_.raise(live_.number); }
  /// Likewise what it had shown by the last look: that was long enough ago.
  void endure_since_last_look();

  /// All versions from the floor on, for the message of a failed check.
  std::string describe() const;

  VersionNumber newest() const { return versions_.size() - 1; }
  /// Of what a crash cannot undo.
  const Floor& floor() const { return durable_; }
  /// Of what this life of the server has shown.
  const Floor& live_floor() const { return live_; }
  const Version& version(VersionNumber number) const { return versions_[number]; }

 private:
  struct Range {
    Floor floor;
    VersionNumber last = 0;
  };

  Range range_of(const ReadToken& token) const;
  bool fits(VersionNumber number, const Floor& floor, const Seen& seen, const ReadTime& time) const;

  std::vector<Version> versions_;
  Floor durable_;
  Floor live_;                   // Never below the durable one.
  VersionNumber last_look_ = 0;  // Of this life.
};

}  // namespace phoenix::simtest
