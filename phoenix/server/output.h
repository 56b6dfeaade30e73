// A session's way out: replies in request order, each held until what it says is durable.
//
// Replies are written into chunks that all sessions of a core share; a session keeps runs (chunk,
// range, position). A run leaves when every run before it has left and the core's commit position
// has passed its own. Bytes never move while a send is in flight.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/engine/value.h"
#include "phoenix/log/log.h"
#include "phoenix/server/budget.h"
#include "phoenix/server/limits.h"

namespace phoenix::server {

struct Chunk {
  std::uint32_t references = 0;  // Runs that lie in it.
  std::uint32_t used = 0;
  std::array<char, kChunkBytes> bytes;
};

/// One core's chunks. The current one is appended to by whichever session answers next. Chunks, and
/// what outputs hold beside them, are counted in `buffers`.
class ChunkPool final {
 public:
  explicit ChunkPool(BufferBytes& buffers) : buffers_(buffers) {}
  ChunkPool(const ChunkPool&) = delete;
  ChunkPool& operator=(const ChunkPool&) = delete;

  /// Room for `size_bytes` (at most kChunkBytes) in one piece. Valid until the next call.
  char* reserve(std::size_t size_bytes) {
    if (current_ == nullptr || current_->used + size_bytes > kChunkBytes) next_chunk();
    return current_->bytes.data() + current_->used;
  }
  /// Takes what was reserved, or a part of it.
  void commit(std::size_t size_bytes) { current_->used += static_cast<std::uint32_t>(size_bytes); }
  Chunk* current() { return current_; }

  void release(Chunk& chunk) {
    if (--chunk.references == 0) recycle(chunk);
  }
  std::uint64_t memory_bytes() const { return chunks_.size() * sizeof(Chunk); }

  BufferBytes& buffers() { return buffers_; }
  /// Outputs are full sooner while memory is.
  void set_memory_full(bool is_full) { memory_is_full_ = is_full; }
  bool memory_is_full() const { return memory_is_full_; }

 private:
  void next_chunk();
  void recycle(Chunk& chunk);

  BufferBytes& buffers_;
  bool memory_is_full_ = false;
  Chunk* current_ = nullptr;
  std::vector<Chunk*> free_;
  std::vector<std::unique_ptr<Chunk>> chunks_;
};

/// Consecutive bytes of output with one position.
struct Run {
  struct Extra {
    std::string owned;            // The bytes themselves when they lie in no chunk.
    engine::LargeValueRef large;  // Sent after the bytes, from where it lies.
    std::size_t large_sent = 0;
    std::string_view tail;  // Sent after the large value; static storage.

    std::uint64_t memory_bytes() const { return sizeof(Extra) + owned.capacity(); }
  };

  const char* data = nullptr;
  std::size_t size_bytes = 0;
  Chunk* chunk = nullptr;
  log::Position position = 0;
  bool awaited = false;             // Its reply is still on another core,
  std::uint32_t awaited_bytes = 0;  // and counts as so much until it is here.
  bool is_muted = false;            // Nobody wants it: nothing is sent when it is here.
  std::unique_ptr<Extra> extra;
};

class Output final {
 public:
  explicit Output(ChunkPool& pool) : pool_(pool) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;
  ~Output() { clear(); }

  /// The bytes just committed to the pool's current chunk, from `data` on.
  void append_committed(const char* data, std::size_t size_bytes, log::Position position);
  /// Bytes that lie in a chunk already and that other outputs send, too. Nobody waits for them.
  void append_shared(Chunk& chunk, std::string_view bytes);
  /// Bytes of any size, then a large value if there is one, then what follows such a one.
  void append_owned(std::string bytes, engine::LargeValueRef large, log::Position position,
                    std::string_view tail = {});

  /// Bytes that nobody has to wait for, copied so that they keep no chunk alive: for a reader that
  /// has stalled. Small ones share a run.
  void append_copied(std::string_view bytes);

  /// Keeps a place in the order for a reply that comes later, and that counts as `bytes` until
  /// then. The pointer is valid until it was filled.
  Run* append_awaited(std::uint32_t bytes);
  void fill(Run& run, std::string bytes, engine::LargeValueRef large, log::Position position,
            std::string_view tail = {});
  /// As fill, for a reply small enough to be copied into a chunk.
  void fill_copy(Run& run, std::string_view bytes);

  /// What can be sent now: at most `size_max` bytes that lie in one piece. Empty when there is
  /// nothing or when the first run has to wait.
  std::string_view sendable(log::Position committed, std::size_t size_max) const;
  /// The first `size_bytes` of it have left.
  void consume(std::size_t size_bytes);

  /// Copies what lies in chunks, so that a slow reader keeps only its own bytes alive.
  void leave_chunks();
  void clear();

  bool empty() const { return runs_.empty(); }
  std::size_t runs() const { return run_count_; }
  std::size_t queued_bytes() const { return queued_bytes_; }
  /// Whether the front waits for the commit position (and not for another core).
  bool waits_for_commit(log::Position committed) const {
    return !runs_.empty() && !runs_.front().awaited && runs_.front().position > committed;
  }
  /// Never while it is empty: something is on its way then whose end is a new look.
  bool full() const {
    const bool is_tight = pool_.memory_is_full();
    return queued_bytes_ >= (is_tight ? kSessionOutputBytesWhenFullMax : kSessionOutputBytesMax) ||
           awaited_bytes_ >=
               (is_tight ? kSessionAwaitedBytesWhenFullMax : kSessionAwaitedBytesMax) ||
           run_count_ >= kSessionRunsMax;
  }
  ChunkPool& pool() { return pool_; }

 private:
  Run& add_run();
  void drop_first();
  void append_in(Chunk& chunk, const char* data, std::size_t size_bytes, log::Position position);
  void own(Run& run, std::string bytes);
  void release(Run& run);
  void arrive(Run& run);
  void drop_empty();

  ChunkPool& pool_;
  std::deque<Run> runs_;
  std::size_t run_count_ = 0;  // Each request asks; a deque has to compute its size.
  std::size_t queued_bytes_ = 0;
  std::size_t awaited_bytes_ = 0;
};

}  // namespace phoenix::server
