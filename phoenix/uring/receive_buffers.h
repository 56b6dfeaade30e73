// The buffers that the kernel fills with received bytes, and when each may be filled again.
// Invariant: a buffer is in the kernel's hands, or some completion still points into it, or both
// (an incremental buffer is filled piece by piece); it goes back to the kernel exactly when neither
// is true any more.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <vector>

#include <liburing.h>

#include "phoenix/base/check.h"
#include "phoenix/io/operation.h"

namespace phoenix::uring {

// Newer than the headers of liburing 2.3 (kernel 6.12).
inline constexpr std::uint16_t kIncrementalBuffers = 2;      // IOU_PBUF_RING_INC
inline constexpr std::uint32_t kCqeBufferMore = 1U << 4U;    // IORING_CQE_F_BUF_MORE
inline constexpr std::uint16_t kReceiveGroup = 0;            // The one buffer group of a ring.
inline constexpr std::uint32_t kMaxBufferCount = 32768;      // The kernel's limit.
inline constexpr std::uint64_t kMaxBufferBytes = 1U << 30U;  // All of one ring together.

class ReceiveBuffers final {
 public:
  ReceiveBuffers() = default;
  ReceiveBuffers(const ReceiveBuffers&) = delete;
  ReceiveBuffers& operator=(const ReceiveBuffers&) = delete;
  /// The ring must have been closed before: the kernel must not write here any more.
  ~ReceiveBuffers();

  /// Allocates `count` (a power of two) buffers and lends all of them to the ring. 0 or a negated
  /// errno; after an error it may be tried again. -EINVAL: this kernel does not have them so.
  int attach(int ring_fd, std::uint32_t count, std::uint32_t size_bytes, bool incremental);

  [[nodiscard]] std::uint64_t memory_bytes() const { return std::uint64_t{count_} * size_bytes_; }

  /// Books a completion that carries IORING_CQE_F_BUFFER and points `completion` at its bytes.
  void take(std::uint32_t cqe_flags, std::int32_t result, io::Completion& completion) {
    const auto id = static_cast<io::BufferId>(cqe_flags >> IORING_CQE_BUFFER_SHIFT);
    PHX_CHECK(id < count_);
    State& state = states_[id];
    if (result > 0) {
      const auto size = static_cast<std::uint32_t>(result);
      PHX_CHECK(size <= size_bytes_ - state.filled_bytes);
      completion.buffer = id;
      completion.bytes = {at(id) + state.filled_bytes, size};
      state.filled_bytes += size;
      ++state.references;
    }
    if ((cqe_flags & kCqeBufferMore) == 0) state.kernel_holds = false;
    if (state.references == 0 && !state.kernel_holds) lend(id);
  }

  void release(io::BufferId id) {
    PHX_CHECK(id < count_ && states_[id].references != 0);
    State& state = states_[id];
    if (--state.references == 0 && !state.kernel_holds) lend(id);
  }

 private:
  struct State {
    std::uint32_t filled_bytes = 0;
    std::uint32_t references = 0;  // Completions that point here: at most one per byte.
    bool kernel_holds = false;
  };

  [[nodiscard]] std::byte* at(io::BufferId id) const {
    return memory_ + std::size_t{id} * size_bytes_;
  }

  void lend(io::BufferId id) {
    states_[id].filled_bytes = 0;
    states_[id].kernel_holds = true;
    // Field by field: the last one of entry 0 is not an entry's at all but the tail.
    io_uring_buf& entry = entries_[tail_ & (count_ - 1)];
    entry.addr = reinterpret_cast<std::uint64_t>(at(id));
    entry.len = size_bytes_;
    entry.bid = id;
    ++tail_;
    std::atomic_ref<std::uint16_t>(entries_[0].resv).store(tail_, std::memory_order_release);
  }

  int map(std::uint32_t count, std::uint32_t size_bytes);
  void unmap();

  io_uring_buf* entries_ = nullptr;  // The ring shared with the kernel.
  std::byte* memory_ = nullptr;
  std::vector<State> states_;
  std::uint32_t count_ = 0;
  std::uint32_t size_bytes_ = 0;
  std::uint16_t tail_ = 0;
};

}  // namespace phoenix::uring
