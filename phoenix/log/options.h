// How the log behaves; set by the command line.
#pragma once

#include <cstddef>
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

/// For canary tests: each breaks one rule of docs/LOG_FORMAT.md at the one place where it lives, so
/// that a test can show that it would notice. All false in production.
struct Mutations {
  bool acknowledge_before_durable = false;  // Rule 2: the commit position moves at the seal.
  bool retry_failed_sync = false;           // Rule 2: a failed commit is synced again and believed.
  bool no_contiguous_prefix = false;        // Rule 4: acknowledges over holes.
  bool stable_from_in_flight = false;       // Rule 5: a batch states what is not durable yet.
  bool truncate_at_damage = false;          // Rule 5: what is missing ends the log, silently.
  bool skip_recovery_sync = false;          // Rule 5: accepted batches may be in a cache only.
  bool forget_recorded_ends = false;        // Rule 5: a torn tail returns after the next crash.
  bool lsn_goes_back = false;               // Rule 5: numbers behind the end are used again.
  bool skip_directory_sync = false;         // Rule 6: a segment may vanish with its batches.
  bool header_not_awaited = false;          // Rule 6: batches before their segment's header.
  bool stamp_not_durable = false;           // Rule 9: an expiry is believed before it is safe.
  bool interval_never_syncs = false;        // Interval: time alone makes nothing durable.
  bool asked_sync_is_none = false;          // Interval: nor is what a stop or a reply waits for.
  bool patches_at_the_front = false;        // A part of a value is logged without its offset.
  bool parts_are_split = false;             // Half of a long part is in a batch before the whole.
  bool no_uid_seed = false;                 // Checksums do not know their segment.
  bool superblock_same_copy_twice = false;  // A torn write takes the newest superblock with it.
};

struct Options {
  std::string directory;
  Durability durability = Durability::always;
  std::uint32_t interval_ms = 100;
  std::uint64_t segment_bytes_min = std::uint64_t{1} << 20U;    // The first segment of a core; the
  std::uint64_t segment_bytes_max = std::uint64_t{64} << 20U;   // next ones double up to this.
  std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20U;  // Left free on the file system.
  std::uint32_t commits_in_flight_max = 4;
  // What is streamed is written in slices of so many bytes, a multiple of the write alignment.
  std::size_t slice_bytes = std::size_t{1} << 20U;
  CommitScheme scheme = CommitScheme::durable_write;
  bool discard_log = false;    // Durability off on a directory with data: drop that data.
  bool accept_damage = false;  // Start although durable data is missing; say what was lost.
  Mutations mutations{};
};

}  // namespace phoenix::log
