// What the users of a run know together: the histories of all keys, what is promised to happen as a
// whole, and the first violation.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tests/sim/oracle.h"

namespace phoenix::simtest {

/// A FLUSHALL writes to everybody's keys. So that each key still has one writer at a time, nobody
/// has anything in flight when it is sent, and until its answer comes the others only read.
enum class Flush : std::uint8_t { none, awaited, sent };

/// The channel that all talk on.
inline constexpr const char* kNews = "news";

/// Versions of keys that one request, or one transaction, makes: a crash keeps all or none.
using Group = std::vector<std::pair<std::string, VersionNumber>>;

/// What all users share: the histories of all keys and the latest time the server can know.
struct Truth {
  std::map<std::string, KeyHistory> keys;
  std::map<std::string, std::int64_t> counters;  // Keys that INCR writes: the next number.
  std::int64_t highest_wall_ms = 0;              // Process::highest_wall_ms() of all lives.
  bool server_stops = false;                     // It was told to: who connects late is sent away.
  bool disk_may_be_full = false;                 // Then writes may be refused,
  bool memory_may_be_full = false;               // and then those that may take more of it.
  Flush flush = Flush::none;
  // Of this life of the server, to judge what it tells of keys: the versions that a SET stands for.
  std::map<std::string, std::vector<VersionNumber>> sets;
  std::vector<Group> groups;  // Since the last recovery.
  // What was recovered of each key, until all are known: a crash may come in between.
  std::map<std::string, VersionSpan> found;
  std::string violation;  // The first one.

  /// After a recovery: none of the groups is there in part.
  void judge_groups();

  void violate(const std::string& what) {
    if (violation.empty()) violation = what;
  }
};

}  // namespace phoenix::simtest
