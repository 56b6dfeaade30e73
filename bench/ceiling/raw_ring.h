// io_uring as bare as it gets, for the ceiling alone: what the product's ring costs must not hide
// in the figure that the product is measured against. Every choice here was the cheapest one
// measured on 50 to 2000 connections: deferred task work, direct descriptors, a registered ring,
// multishot receives into an incremental buffer ring.
//
// Belongs to the thread that opened it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include <liburing.h>

#include "phoenix/base/result.h"

namespace phoenix::bench {

class RawRing final {
 public:
  static constexpr std::uint32_t kDirectFiles = 16384;

  RawRing() = default;
  RawRing(const RawRing&) = delete;
  RawRing& operator=(const RawRing&) = delete;
  ~RawRing();

  Result<void> open();

  /// A zeroed entry of the submission queue; enters the kernel when the queue is full.
  io_uring_sqe& entry();

  /// Submits, and waits for at least `wanted` completions. 0 or a negated errno.
  int enter(unsigned wanted);

  /// Calls `handle(const io_uring_cqe&)` for all completions that are there.
  template <typename Handle>
  void drain(Handle&& handle) {
    unsigned head = *ring_.cq.khead;
    const unsigned tail = io_uring_smp_load_acquire(ring_.cq.ktail);
    for (; head != tail; ++head) handle(ring_.cq.cqes[head & ring_.cq.ring_mask]);
    io_uring_smp_store_release(ring_.cq.khead, head);
    if (buffers_returned_) publish_buffers();
  }

  /// The bytes of a receive completion, until give_back(). Only for results above 0.
  std::string_view received(const io_uring_cqe& completion) const {
    const std::size_t id = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    return {memory_ + id * buffer_bytes_ + filled_[id], static_cast<std::size_t>(completion.res)};
  }

  /// Must follow for each completion that carries a buffer, when its bytes are done with.
  void give_back(const io_uring_cqe& completion);

  /// Lets the kernel use what was given back, before a receive is armed anew.
  void publish_buffers();

 private:
  Result<void> register_buffers();
  int register_shape(std::size_t count, std::size_t bytes, std::uint16_t flags);
  void lend(std::size_t id);

  io_uring ring_{};
  bool open_ = false;
  io_uring_buf* buffers_ = nullptr;  // Shared with the kernel.
  char* memory_ = nullptr;
  std::size_t buffer_count_ = 0;
  std::size_t buffer_bytes_ = 0;
  std::vector<std::uint32_t> filled_;  // Of each buffer.
  std::uint16_t buffer_tail_ = 0;
  bool buffers_returned_ = false;
};

/// Zeroed anonymous memory, already backed, for the life of the process. Null when there is none.
char* map_memory(std::size_t bytes);

}  // namespace phoenix::bench
