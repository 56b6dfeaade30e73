// A segment that this process writes: made ready (zero-filled, durable), then activated (its header
// made durable), then filled with batches, then closed by the one with the LAST flag.
#pragma once

#include <cstdint>
#include <memory>

#include "phoenix/base/bytes.h"
#include "phoenix/base/result.h"
#include "phoenix/io/task.h"
#include "phoenix/log/buffer.h"
#include "phoenix/log/format.h"
#include "phoenix/log/log_context.h"

namespace phoenix::log {

/// What a segment is made for.
enum class Purpose : std::uint8_t {
  normal,
  large,    // One batch too large to share a segment.
  deletes,  // The reserve that lets deletes go on when the disk is full.
};

struct Segment {
  std::uint64_t uid = 0;
  std::uint64_t size_bytes = 0;
  std::uint32_t ordinal = 0;
  std::uint32_t alignment = 0;
  int fd = -1;
  Purpose purpose = Purpose::normal;
  std::uint64_t write_offset = 0;     // Where the next batch goes.
  std::uint32_t batches_pending = 0;  // Sealed and not committed.
  bool activated = false;
  bool header_durable = false;
  bool closed = false;  // The batch with LAST was sealed.
  bool unsynced = false;
  AlignedBuffer header;
  io::Task<void> activation;

  /// Bytes left for batches, without the block that is kept for an empty one with LAST.
  std::uint64_t room_bytes() const { return size_bytes - write_offset - alignment; }
};

/// The size of a segment that has room for a batch of so many bytes.
[[nodiscard]] inline std::uint64_t segment_bytes_for(std::uint64_t batch_bytes,
                                                     std::uint32_t alignment) {
  return data_offset(alignment) + align_up(batch_bytes, alignment) + alignment;
}

/// Makes a zero-filled segment that a power cut can no longer take away. An error of code disk_full
/// or exhausted leaves nothing behind and may be tried again; after any other the log must not go
/// on. Gives up
/// (result: null) between two slices when `stop` turns true.
io::Task<Result<std::unique_ptr<Segment>>> prepare_segment(LogContext& context,
                                                           std::uint64_t size_bytes,
                                                           const bool& stop);

/// Writes the header, durably; then batches may be written. Fails the log on any error.
io::Task<void> activate_segment(LogContext& context, Segment& segment, SegmentHeader header);

/// One write that is durable when it completes, whatever the commit scheme: for headers. False:
/// the log has failed.
io::Task<bool> write_durable_block(LogContext& context, int fd, std::span<const std::byte> source,
                                   std::uint64_t offset, std::string what);

}  // namespace phoenix::log
