// Batches: the open one, which effects are encoded into, and sealed ones on their way to the disk.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "phoenix/engine/effect.h"
#include "phoenix/io/task.h"
#include "phoenix/log/buffer.h"
#include "phoenix/log/event.h"
#include "phoenix/log/format.h"

namespace phoenix::log {

struct Segment;

/// A record whose value is not copied into the batch's buffer but streamed from its shared block.
struct StreamedRecord {
  std::size_t place = 0;  // In the buffer, where the head stands and the value is missing.
  std::size_t head_bytes = 0;
  engine::LargeValueRef value;
};

/// Sealed. Lives until its coroutines have ended.
struct Batch {
  AlignedBuffer buffer;
  std::size_t buffer_bytes_used = 0;     // Header and what was encoded.
  std::vector<StreamedRecord> streamed;  // Large batches only; ascending.
  bool large = false;
  BatchHeader header;
  Segment* segment = nullptr;
  std::uint64_t sealed_ns = 0;
  bool written = false;         // Its write (and sync, where each batch has one) has ended well.
  unsigned halves_pending = 0;  // Of a linked write and sync.
  Event halves_done;
  io::Task<void> task;
  io::Task<void> write_half;
  io::Task<void> sync_half;
};

/// Buffers for batches: reused, grown to what is needed, and given up when they have been far too
/// large for a while.
class BufferPool final {
 public:
  explicit BufferPool(std::uint32_t alignment) : alignment_(alignment) {}

  AlignedBuffer take(std::size_t size_bytes);
  void give(AlignedBuffer buffer, std::size_t used_bytes);
  /// A larger one with the same first `used_bytes`.
  AlignedBuffer grow(AlignedBuffer buffer, std::size_t used_bytes, std::size_t size_bytes);
  /// Of all buffers: idle, open, and on their way to the disk.
  std::uint64_t memory_bytes() const { return memory_bytes_; }

 private:
  static constexpr std::size_t kIdleMax = 4;
  static constexpr unsigned kWindow = 256;  // Batches between two looks at the need.

  std::uint32_t alignment_;
  std::vector<AlignedBuffer> idle_;
  std::uint64_t memory_bytes_ = 0;
  std::size_t recent_max_bytes_ = 0;
  std::size_t former_max_bytes_ = 0;
  unsigned given_ = 0;
};

class OpenBatch final {
 public:
  explicit OpenBatch(std::uint32_t alignment) : alignment_(alignment), pool_(alignment) {}

  /// Makes room for records of at most `bytes` beside what is there. With `large` values may be
  /// held by reference and the batch has a segment of its own.
  void ensure(std::uint64_t bytes, bool large);

  /// Encodes one record and returns where in the batch it stands.
  std::uint64_t add(const engine::Effect& effect);

  std::uint32_t count() const { return count_; }
  /// Holds a record that may be large; an empty batch is never large.
  bool is_large() const { return large_ && count_ > 0; }
  /// Header and records, without padding.
  std::uint64_t bytes() const { return bytes_; }

  /// The batch with its header's numbers; checksum and padding are done unless it is large.
  std::unique_ptr<Batch> seal(BatchHeader header, std::uint32_t seed);

  BufferPool& pool() { return pool_; }

 private:
  std::uint64_t add_streamed(const Record& record, const engine::LargeValueRef& value);
  void grow(std::size_t used_bytes);

  std::uint32_t alignment_;
  BufferPool pool_;
  AlignedBuffer buffer_;
  std::size_t used_ = kBatchHeaderBytes;  // Of the buffer.
  std::uint64_t bytes_ = kBatchHeaderBytes;
  std::uint32_t count_ = 0;
  bool large_ = false;
  std::vector<StreamedRecord> streamed_;
};

/// Hands out the bytes of a sealed large batch from its header on, in order, and computes the
/// checksums of streamed records on the way.
class BatchStream final {
 public:
  explicit BatchStream(const Batch& batch) : batch_(batch) {}

  /// Fills `target` with the next bytes; what is left of it behind the end is zeroed. Returns how
  /// many bytes of the batch it holds.
  std::size_t fill(std::span<std::byte> target);

 private:
  std::size_t next(std::span<std::byte> target);
  std::size_t next_of_value(std::span<std::byte> target);

  const Batch& batch_;
  std::size_t place_ = 0;   // In the buffer.
  std::size_t record_ = 0;  // Next streamed one.
  bool in_value_ = false;
  std::uint64_t value_place_ = 0;
  std::uint32_t crc_ = 0;
};

}  // namespace phoenix::log
