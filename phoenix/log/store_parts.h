// What a Store knows, and what each core's Log takes from it. Written by one core in the phases
// that one core runs, by each core in its own place of the vectors in the phases that all run.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <vector>

#include "phoenix/log/accept.h"
#include "phoenix/log/batch_cursor.h"
#include "phoenix/log/store.h"
#include "phoenix/log/superblock_file.h"

namespace phoenix::log {

/// Each core writes only its own: on a cache line of its own.
struct alignas(64) CorePlace {
  std::uint64_t uids_drawn = 0;
  std::uint32_t next_ordinal = 1;
  std::vector<CoreLog> logs;  // What replay found, for each old core that it read.
  std::vector<std::string> damage;
  std::uint64_t live_bytes = 0;  // Of the data that was replayed.
  std::uint64_t log_bytes = 0;   // Segments of this core that were found.
  std::uint64_t segments = 0;
};

struct Store::Parts {
  Parts(io::Host& the_host, const Options& the_options, unsigned the_cores);
  Parts(const Parts&) = delete;
  Parts& operator=(const Parts&) = delete;
  ~Parts();

  bool off() const { return options.durability == Durability::off; }
  bool remaps() const { return found.core_count != core_count; }
  /// Whether direct IO works here, and the unit of writes to segments.
  bool direct() const { return access.direct; }
  std::uint32_t write_alignment() const { return access.block_bytes; }
  /// A uid for a new segment of `core`: unpredictable, never drawn before.
  std::uint64_t draw_uid(unsigned core);

  io::Host& host;
  const Options options;
  const unsigned core_count;
  SegmentAccess access;
  HashKey uid_key;
  std::string where;  // The directory, for messages.

  SuperblockCopies copies;
  Superblock found;    // The superblock of this start's sources.
  Superblock current;  // As last written.
  SlotMap slots;       // For the new core count.
  bool created = false;
  bool rewrites = false;  // Known in phase 3.
  std::atomic<bool> rewrite_ended_early{false};
  bool discards = false;  // Durability off: what is there is deleted.
  std::vector<FoundSegment> segments;
  std::vector<CorePlace> cores;
  std::vector<std::string> notices;
  Progress progress;
};

/// What is left free of everything but deletes; on a small disk it shrinks with it.
[[nodiscard]] std::uint64_t kept_free_bytes(const Options& options, const io::SpaceInfo& space);

/// Epoch work, in epoch.cc.
io::Task<Result<void>> begin_epoch(io::Context& io, Store::Parts& parts,
                                   std::int64_t stamp_high_water_ms);
io::Task<Result<void>> retire(io::Context& io, Store::Parts& parts);

/// Unlinks segments and makes that durable.
io::Task<Result<void>> remove_segments(io::Context& io, Store::Parts& parts,
                                       std::vector<std::uint64_t> uids);

}  // namespace phoenix::log
