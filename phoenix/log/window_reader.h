// Reads a file from front to back with several reads in flight, and shows what has arrived as one
// contiguous view that grows at its end and is consumed at its front.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/io/context.h"
#include "phoenix/io/task.h"
#include "phoenix/log/buffer.h"
#include "phoenix/log/event.h"

namespace phoenix::log {

class WindowReader final {
 public:
  explicit WindowReader(io::Context& io, std::uint32_t block_bytes);
  WindowReader(const WindowReader&) = delete;
  WindowReader& operator=(const WindowReader&) = delete;
  /// Once stop() was awaited, or when the whole process ends (then nothing runs any more).
  ~WindowReader();

  /// Unreadable blocks are then shown as zeros and counted instead of ending everything.
  void tolerate_errors() { tolerate_ = true; }
  /// Counts the bytes that arrive.
  void count_into(std::atomic<std::uint64_t>& counter) { counter_ = &counter; }

  /// Starts at `offset`, with nothing in view; stops before `end`. `fd` stays the caller's.
  io::Task<void> seek(int fd, std::uint64_t offset, std::uint64_t end);

  /// Adds what comes next to the view. False at the end.
  io::Task<Result<bool>> more();

  /// The bytes from offset() on that have arrived and were not skipped.
  std::span<const std::byte> view() const;
  std::uint64_t offset() const { return offset_; }
  /// Consumes the next bytes, also ones that have not arrived yet.
  void skip(std::uint64_t bytes);

  std::uint64_t unreadable_bytes() const { return unreadable_bytes_; }

  /// Waits until no read is in flight. Must be the last call.
  io::Task<void> stop();

 private:
  struct Chunk {
    AlignedBuffer buffer;
    std::uint64_t offset = 0;
    std::size_t wanted_bytes = 0;
    bool busy = false;     // Asked for and not taken yet.
    bool wanted = false;   // Asked for and not begun yet.
    bool arrived = false;  // Read and not taken yet.
    Result<std::size_t> result;
    std::size_t unreadable_bytes = 0;
    Event requested;
    io::Task<void> task;
  };
  static constexpr std::size_t kChunkBytes = std::size_t{256} << 10U;
  static constexpr std::size_t kChunks = 8;

  io::Task<void> serve(Chunk& chunk);
  io::Task<std::size_t> salvage(Chunk& chunk);
  io::Task<void> settle();
  void request(Chunk& chunk);
  Result<void> take(Chunk& chunk);

  io::Context& io_;
  std::uint32_t block_bytes_;
  bool tolerate_ = false;
  std::atomic<std::uint64_t>* counter_ = nullptr;
  int fd_ = -1;
  std::uint64_t request_offset_ = 0;
  std::uint64_t end_ = 0;
  std::uint64_t offset_ = 0;
  std::uint64_t skip_ahead_ = 0;  // Skipped before it arrived.
  std::vector<std::byte> window_;
  std::size_t window_begin_ = 0;
  std::size_t window_end_ = 0;
  std::size_t next_chunk_ = 0;
  std::uint64_t unreadable_bytes_ = 0;
  Event arrived_;
  std::array<Chunk, kChunks> chunks_;
};

}  // namespace phoenix::log
