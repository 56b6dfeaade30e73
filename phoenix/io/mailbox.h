// A bounded queue between two cores: exactly one thread pushes, exactly one pops.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>

namespace phoenix::io {

inline constexpr std::size_t kCacheLineBytes = 64;

/// T is small and trivially copyable (a pointer, say). kCapacity is a power of two.
template <typename T, std::size_t kCapacity>
class Mailbox final {
  static_assert((kCapacity & (kCapacity - 1)) == 0, "a power of two");

 public:
  Mailbox() = default;
  Mailbox(const Mailbox&) = delete;
  Mailbox& operator=(const Mailbox&) = delete;

  /// Producer only. False when the mailbox is full: nothing was pushed.
  [[nodiscard]] bool push(T item) {
    const std::size_t tail = tail_.load(std::memory_order_relaxed);
    if (tail - seen_head_ == kCapacity) {
      seen_head_ = head_.load(std::memory_order_acquire);
      if (tail - seen_head_ == kCapacity) return false;
    }
    items_[tail & (kCapacity - 1)] = item;
    tail_.store(tail + 1, std::memory_order_release);
    return true;
  }

  /// Consumer only. False when there is nothing.
  [[nodiscard]] bool pop(T& item) {
    const std::size_t head = head_.load(std::memory_order_relaxed);
    if (head == seen_tail_) {
      seen_tail_ = tail_.load(std::memory_order_acquire);
      if (head == seen_tail_) return false;
    }
    item = items_[head & (kCapacity - 1)];
    head_.store(head + 1, std::memory_order_release);
    return true;
  }

  /// Any thread; a hint unless called by the consumer.
  bool empty() const {
    return head_.load(std::memory_order_acquire) == tail_.load(std::memory_order_acquire);
  }

 private:
  alignas(kCacheLineBytes) std::atomic<std::size_t> head_{0};
  std::size_t seen_tail_ = 0;  // The consumer's, beside what it writes.
  alignas(kCacheLineBytes) std::atomic<std::size_t> tail_{0};
  std::size_t seen_head_ = 0;  // The producer's.
  alignas(kCacheLineBytes) std::array<T, kCapacity> items_{};
};

}  // namespace phoenix::io
