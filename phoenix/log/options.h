// How the log behaves; set by the command line.
#pragma once

#include <cstdint>
#include <string>

namespace phoenix::log {

enum class Durability : std::uint8_t {
  always,    // An acknowledged write is on disk.
  interval,  // Acknowledged when executed; on disk within interval_ms.
  off,       // No log at all: data lives until the process ends.
};

/// How a batch reaches stable storage; docs/decisions has the measurements.
enum class CommitScheme : std::uint8_t {
  durable_write,    // One write that completes when the bytes are stable (RWF_DSYNC).
  write_then_sync,  // A write and a linked fdatasync.
};

struct Options {
  std::string directory;
  Durability durability = Durability::always;
  std::uint32_t interval_ms = 100;
  std::uint64_t segment_bytes_min = std::uint64_t{1} << 20U;  // The first segment of a core; the
  std::uint64_t segment_bytes_max = std::uint64_t{64} << 20U;  // next ones double up to this.
  std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20U;  // Left free on the file system.
  std::uint32_t commits_in_flight_max = 4;
  CommitScheme scheme = CommitScheme::durable_write;
  bool discard_log = false;    // Durability off on a directory with data: drop that data.
  bool accept_damage = false;  // Start although durable data is missing; say what was lost.
};

}  // namespace phoenix::log
