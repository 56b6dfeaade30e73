// Rule 5, as a pure function: which batches of a core's old log count, where each epoch ended, and
// whether a hole is a torn tail (what lies behind was never acknowledged) or damage.
//
// Invariants:
// - Everything below the highest stable seq that any valid batch of the epoch states was durable:
//   what is missing there is damage. So is what is missing before a recorded end.
// - Nothing at or behind an end is ever accepted, in this start or a later one.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/log/options.h"
#include "phoenix/log/scan.h"
#include "phoenix/log/superblock.h"

namespace phoenix::log {

/// A segment file in the directory.
struct FoundSegment {
  std::uint64_t uid = 0;
  std::uint64_t file_bytes = 0;
  HeaderState state = HeaderState::blank;
  SegmentHeader header;  // When valid.
  std::uint32_t ordinal = 0;
};

struct ScannedSegment {
  const FoundSegment* segment = nullptr;
  SegmentScan scan;
};

/// A run of batches of one segment, in the order of their stream.
struct Extent {
  const FoundSegment* segment = nullptr;
  BatchRun run;
};

struct StreamLog {
  std::uint64_t first_seq = 1;
  std::uint64_t end_seq = 1;    // What counts lies in [first_seq, end_seq).
  std::vector<Extent> extents;  // Ascending; the last may reach behind end_seq.
};

struct EpochLog {
  std::uint64_t epoch = 0;
  std::array<StreamLog, 2> streams;
};

/// Batches that were durable and are not there.
struct Damage {
  std::uint64_t epoch = 0;
  Stream stream = Stream::user;
  std::uint64_t first_seq = 0;
  std::uint64_t end_seq = 0;
  const FoundSegment* segment = nullptr;  // Null: no segment is left that could have held them.
  std::uint64_t offset = 0;
  std::uint64_t after_stamp = 0;   // They were written after this
  std::uint64_t before_stamp = 0;  // and before this; 0: open.
};

struct CoreLog {
  std::vector<EpochLog> epochs;  // Ascending.
  std::vector<Damage> damage;
  // One more than the highest of everything seen, also behind the ends.
  std::array<std::uint64_t, 2> next_seq{1, 1};
  std::uint64_t next_lsn = 1;
  std::uint64_t stamp = 0;  // The highest seen.
};

/// `segments`: all of `core` in live epochs. `superblock`: as found at this start.
[[nodiscard]] CoreLog accept(const Superblock& superblock, std::uint16_t core,
                             const std::vector<ScannedSegment>& segments,
                             const Mutations& mutations);

/// Whether the epoch's log counts, with ends that are recorded or still to be found.
[[nodiscard]] bool is_live(const Superblock& superblock, std::uint64_t epoch);

/// A sentence for the operator; keys are named by the slots of their core.
[[nodiscard]] std::string describe(const Damage& damage, const Superblock& superblock,
                                   std::uint16_t core);

}  // namespace phoenix::log
