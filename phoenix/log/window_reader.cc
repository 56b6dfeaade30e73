#include "phoenix/log/window_reader.h"

#include <algorithm>
#include <cstring>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/log/file.h"

namespace phoenix::log {

WindowReader::WindowReader(io::Context& io, std::uint32_t block_bytes)
    : io_(io), block_bytes_(block_bytes) {
  PHX_CHECK(kChunkBytes % block_bytes == 0);
}

WindowReader::~WindowReader() = default;

io::Task<void> WindowReader::seek(int fd, std::uint64_t offset, std::uint64_t end) {
  co_await settle();
  fd_ = fd;
  end_ = end;
  offset_ = offset / block_bytes_ * block_bytes_;
  request_offset_ = offset_;
  skip_ahead_ = 0;
  window_begin_ = window_end_ = 0;
  next_chunk_ = 0;
  skip(offset - offset_);
  for (Chunk& chunk : chunks_) request(chunk);
}

// One coroutine for each chunk, for the life of the reader: it is never replaced while it runs,
// although the consumer is resumed from within it.
io::Task<void> WindowReader::serve(Chunk& chunk) {
  while (true) {
    if (!chunk.wanted) {
      co_await chunk.requested.wait();
      continue;
    }
    chunk.wanted = false;
    const auto target = chunk.buffer.bytes().first(chunk.wanted_bytes);
    const auto result = co_await read_up_to(io_, fd_, target, chunk.offset, block_bytes_);
    chunk.result = result;
    if (!result && tolerate_) {
      const std::size_t salvaged = co_await salvage(chunk);
      chunk.result = salvaged;
    }
    chunk.arrived = true;
    arrived_.notify();
  }
}

// Block by block, so that no more is lost than the disk has lost. Returns the bytes up to the end.
io::Task<std::size_t> WindowReader::salvage(Chunk& chunk) {
  std::size_t place = 0;
  while (place < chunk.wanted_bytes) {
    const auto block = chunk.buffer.bytes().subspan(place, block_bytes_);
    const auto read = co_await read_up_to(io_, fd_, block, chunk.offset + place, block_bytes_);
    if (!read) {
      std::fill(block.begin(), block.end(), std::byte{0});
      chunk.unreadable_bytes += block.size();
    }
    const std::size_t count = read ? *read : block.size();
    place += count;
    if (count < block.size()) break;
  }
  co_return place;
}

void WindowReader::request(Chunk& chunk) {
  PHX_CHECK(!chunk.busy);
  if (request_offset_ >= end_) return;
  if (chunk.buffer.size_bytes() == 0) {
    chunk.buffer = AlignedBuffer(kChunkBytes, std::max<std::size_t>(block_bytes_, 4096));
  }
  const std::uint64_t left = align_up(end_ - request_offset_, block_bytes_);
  chunk.offset = request_offset_;
  chunk.wanted_bytes = static_cast<std::size_t>(std::min<std::uint64_t>(left, kChunkBytes));
  chunk.busy = chunk.wanted = true;
  chunk.arrived = false;
  chunk.unreadable_bytes = 0;
  request_offset_ += chunk.wanted_bytes;
  if (chunk.task.valid()) {
    chunk.requested.notify();
  } else {
    chunk.task = serve(chunk);
    chunk.task.start();
  }
}

io::Task<Result<bool>> WindowReader::more() {
  Chunk& chunk = chunks_[next_chunk_];
  if (!chunk.busy) co_return false;
  while (!chunk.arrived) {
    co_await arrived_.wait();
  }
  const Result<void> taken = take(chunk);
  if (!taken) co_return tl::unexpected<Error>(taken.error());
  next_chunk_ = (next_chunk_ + 1) % kChunks;
  request(chunk);
  co_return true;
}

Result<void> WindowReader::take(Chunk& chunk) {
  chunk.busy = false;
  if (!chunk.result) return tl::unexpected<Error>(chunk.result.error());
  unreadable_bytes_ += chunk.unreadable_bytes;
  std::size_t count = *chunk.result;
  if (count < chunk.wanted_bytes) request_offset_ = end_;  // The file is shorter than it should.
  count = static_cast<std::size_t>(std::min<std::uint64_t>(count, end_ - chunk.offset));
  if (counter_ != nullptr) counter_->fetch_add(count, std::memory_order_relaxed);
  const auto skipped = static_cast<std::size_t>(std::min<std::uint64_t>(count, skip_ahead_));
  skip_ahead_ -= skipped;
  count -= skipped;
  if (window_begin_ > 0) {
    std::memmove(window_.data(), window_.data() + window_begin_, window_end_ - window_begin_);
    window_end_ -= window_begin_;
    window_begin_ = 0;
  }
  if (window_.size() < window_end_ + count) window_.resize(2 * (window_end_ + count));
  std::memcpy(window_.data() + window_end_, chunk.buffer.data() + skipped, count);
  window_end_ += count;
  return {};
}

std::span<const std::byte> WindowReader::view() const {
  return std::span(window_).subspan(window_begin_, window_end_ - window_begin_);
}

void WindowReader::skip(std::uint64_t bytes) {
  const std::uint64_t here = std::min<std::uint64_t>(bytes, window_end_ - window_begin_);
  window_begin_ += static_cast<std::size_t>(here);
  skip_ahead_ += bytes - here;
  offset_ += bytes;
}

io::Task<void> WindowReader::settle() {
  for (Chunk& chunk : chunks_) {
    while (chunk.busy && !chunk.arrived) {
      co_await arrived_.wait();
    }
    chunk.busy = false;
  }
}

io::Task<void> WindowReader::stop() {
  co_await settle();
  // This may run within a chunk's coroutine, which the caller is about to destroy.
  co_await io_.sleep_until(0);
}

}  // namespace phoenix::log
