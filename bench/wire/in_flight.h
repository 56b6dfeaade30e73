// The requests of one connection that are not answered yet, in the order in which they were made.
// A ring of fixed capacity: the pipeline's depth.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "bench/workload/request.h"
#include "phoenix/base/check.h"

namespace phoenix::bench {

struct Pending {
  Request request;
  std::uint64_t due_ns = 0;  // What its latency counts from.
};

class InFlight final {
 public:
  explicit InFlight(std::size_t capacity)
      : slots_(std::bit_ceil(capacity)), mask_(slots_.size() - 1), capacity_(capacity) {}

  bool empty() const { return head_ == tail_; }
  bool full() const { return size() == capacity_; }
  std::size_t size() const { return tail_ - head_; }
  std::size_t room() const { return capacity_ - size(); }

  const Pending& front() const { return slots_[head_ & mask_]; }
  void pop() { ++head_; }

  void push(const Pending& pending) {
    PHX_CHECK(!full());
    slots_[tail_++ & mask_] = pending;
  }

 private:
  std::vector<Pending> slots_;
  const std::size_t mask_;
  const std::size_t capacity_;
  std::size_t head_ = 0;
  std::size_t tail_ = 0;
};

}  // namespace phoenix::bench
