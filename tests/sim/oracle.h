// What a correct server may answer, whatever crashes in between. Each key has one writer, whose
// writes are numbered in the order they were sent; so every key is a register whose versions are
// totally ordered, and each reply narrows down which of them can be the current one.
//
// Checked: what was acknowledged survives; what was read never vanishes; what was erased,
// overwritten or expired never returns; no value appears that was not written.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace phoenix::simtest {

using VersionNumber = std::size_t;

struct Version {
  std::optional<std::string> value;  // Nothing: erased.
  // When it expires, if it does: not before, and at the latest.
  std::int64_t expires_from_ms = 0;
  std::int64_t expires_until_ms = 0;
  bool is_void = false;  // Was lost in a crash, unacknowledged: it must never appear again.

  bool can_expire() const { return expires_from_ms != 0; }
};

/// What a reader knew when it asked.
struct ReadToken {
  VersionNumber floor = 0;
  bool floor_has_expired = false;
  std::int64_t wall_ms = 0;
};

class KeyHistory final {
 public:
  KeyHistory() : versions_(1) {}  // Version 0: never written.

  /// A write is about to be sent.
  VersionNumber intend(Version version);
  /// Its reply came: it has happened, and so has everything before it.
  void acknowledge(VersionNumber number);
  /// Its reply was an error that says nothing was changed.
  void refuse(VersionNumber number) { versions_[number].is_void = true; }

  ReadToken begin_read(std::int64_t wall_ms) const { return {floor_, floor_has_expired_, wall_ms}; }
  /// The answer to that read. `highest_wall_ms`: the latest the server's clock can be. Returns what
  /// is wrong, or nothing.
  std::string end_read(const ReadToken& token, const std::optional<std::string>& value,
                       std::int64_t highest_wall_ms);

  /// After a crash the key was read before anything was written: this is what was recovered, and
  /// whatever was sent and is not it, is void.
  std::string recovered(const std::optional<std::string>& value, std::int64_t wall_ms,
                        std::int64_t highest_wall_ms);

  /// All versions from the floor on, for the message of a failed check.
  std::string describe() const;

  VersionNumber newest() const { return versions_.size() - 1; }
  VersionNumber floor() const { return floor_; }
  const Version& version(VersionNumber number) const { return versions_[number]; }

 private:
  bool may_be_nothing(const Version& version, std::int64_t highest_wall_ms) const;

  std::vector<Version> versions_;
  VersionNumber floor_ = 0;         // No older version can be the current one.
  bool floor_has_expired_ = false;  // That version was seen to be gone.
};

}  // namespace phoenix::simtest
