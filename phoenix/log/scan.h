// First pass of recovery: what a segment holds. Valid batches are found also behind holes, because
// only they can tell whether a hole is a torn tail or damage.
#pragma once

#include <cstdint>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/io/context.h"
#include "phoenix/io/task.h"
#include "phoenix/log/format.h"
#include "phoenix/log/window_reader.h"

namespace phoenix::log {

/// Valid batches that stand one behind the other with consecutive seqs. A healthy segment is one
/// run, so what a scan remembers does not grow with the number of batches.
struct BatchRun {
  std::uint64_t offset = 0;
  std::uint64_t end_offset = 0;
  std::uint64_t first_seq = 0;
  std::uint64_t end_seq = 0;
  std::uint64_t first_stamp = 0;
  std::uint64_t last_stamp = 0;
};

struct SegmentScan {
  std::vector<BatchRun> runs;
  std::uint64_t batches = 0;
  // The highest of everything that valid batches (and the segment's header) say. end_: one more.
  std::uint64_t end_seq = 0;
  std::uint64_t end_lsn = 0;
  std::uint64_t stable_user_seq = 0;
  std::uint64_t stable_survivor_seq = 0;
  std::uint64_t stamp = 0;
};

/// Scans the segment that `fd` names. `seed` is batch_seed(header.uid).
io::Task<Result<SegmentScan>> scan_segment(WindowReader& reader, int fd,
                                           const SegmentHeader& header, std::uint32_t seed);

}  // namespace phoenix::log
