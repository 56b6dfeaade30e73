// A figure that one core writes and any core reads.
#pragma once

#include <atomic>
#include <cstdint>

namespace phoenix::server {

/// One writer: plain loads and stores, no locked instruction.
class Gauge final {
 public:
  void set(std::uint64_t value) { value_.store(value, std::memory_order_relaxed); }
  void add(std::uint64_t value) { set(get() + value); }
  /// One more; returns how many there are then.
  std::uint64_t count() {
    const std::uint64_t sum = get() + 1;
    set(sum);
    return sum;
  }
  std::uint64_t get() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

}  // namespace phoenix::server
