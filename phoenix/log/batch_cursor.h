// Walks the accepted batches of one stream in order, over all their segments.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "phoenix/base/result.h"
#include "phoenix/io/context.h"
#include "phoenix/io/task.h"
#include "phoenix/log/accept.h"
#include "phoenix/log/window_reader.h"

namespace phoenix::log {

/// How the segments of a directory are opened and checked.
struct SegmentAccess {
  int directory = -1;
  bool direct = true;
  std::uint32_t block_bytes = kBlockBytes;  // Of reads.
  bool seed_with_uid = true;                // False for a canary only (Mutations).

  std::uint32_t seed_of(std::uint64_t uid) const { return seed_with_uid ? batch_seed(uid) : 0; }
};

/// Opens a segment for reading. The result is a descriptor.
io::Task<Result<int>> open_segment(io::Context& io, SegmentAccess access, std::uint64_t uid);

/// Told before memory that records were shown in is used again.
class WindowListener {
 public:
  WindowListener() = default;
  WindowListener(const WindowListener&) = delete;
  WindowListener& operator=(const WindowListener&) = delete;
  virtual ~WindowListener() = default;
  virtual void before_window_moves() = 0;
};

class BatchCursor final {
 public:
  /// The log must outlive the cursor.
  BatchCursor(io::Context& io, const SegmentAccess& access, const StreamLog& log,
              WindowListener& listener);

  enum class Step : std::uint8_t {
    batch,  // Stands on the next batch. Its checksum was found right, except for a large one, whose
            // records must be checked one by one as they stream by.
    load,   // Await load(), then step again.
    end,
  };
  /// Goes to the next batch as far as memory goes: a plain call, so that a million small batches
  /// are no chain of a million awaits.
  Result<Step> step();
  io::Task<Result<void>> load();

  const BatchHeader& header() const { return header_; }
  const FoundSegment& segment() const { return *log_.extents[extent_].segment; }
  bool is_large() const { return header_.bytes > kSharedBatchBytesMax; }

  /// The records of a batch that is not large. They stay until before_window_moves().
  std::span<const std::byte> records() const;

  /// A large batch's bytes from consumed() on: at least `bytes` of them, or an error.
  io::Task<Result<void>> need(std::uint64_t bytes);
  std::span<const std::byte> view() const { return reader_.view(); }
  std::uint64_t consumed() const { return consumed_; }
  void consume(std::uint64_t bytes);

  /// Must be the last call.
  io::Task<void> stop();

  WindowReader& reader() { return reader_; }

  /// An error about the current batch.
  tl::unexpected<Error> damaged(const std::string& what) const;

 private:
  io::Task<Result<void>> enter_extent();
  Result<Step> step_in_extent();

  io::Context& io_;
  SegmentAccess access_;
  const StreamLog& log_;
  WindowListener& listener_;
  WindowReader reader_;
  std::size_t extent_ = 0;
  bool entered_ = false;  // The reader stands in extents[extent_].
  bool loaded_ = false;   // On a batch.
  std::uint64_t open_uid_ = 0;
  int fd_ = -1;
  BatchHeader header_;
  std::uint64_t consumed_ = 0;  // Bytes of the batch that the reader was moved over.
};

}  // namespace phoenix::log
