// Waiting, built on top of the seam: a coroutine submits an operation and sleeps until its
// completion or until a time. One Context per core; everything here runs on that core's thread.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "phoenix/base/clock.h"
#include "phoenix/io/operation.h"
#include "phoenix/io/ring.h"
#include "phoenix/io/timers.h"

namespace phoenix::io {

class Context;

/// `const std::int32_t result = co_await context.write(...)`. Lives in the awaiting frame. If that
/// frame is destroyed before the completion, the completion is dropped; the memory lent to the
/// kernel must be owned outside of the frame and outlive it.
class [[nodiscard]] PendingOperation {
 public:
  PendingOperation(Context& context, const Operation& operation)
      : context_(context), operation_(operation) {}
  PendingOperation(const PendingOperation&) = delete;
  PendingOperation& operator=(const PendingOperation&) = delete;
  ~PendingOperation();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  std::int32_t await_resume() const noexcept { return result_; }

 private:
  friend class Context;
  static constexpr std::uint32_t kNoSlot = ~0U;

  Context& context_;
  Operation operation_;
  std::coroutine_handle<> waiter_;
  std::int32_t result_ = 0;
  std::uint32_t slot_ = kNoSlot;
};

/// `co_await context.sleep_until(ns)`.
class [[nodiscard]] PendingSleep {
 public:
  PendingSleep(Context& context, std::uint64_t deadline_ns)
      : context_(context), deadline_ns_(deadline_ns) {}
  PendingSleep(const PendingSleep&) = delete;
  PendingSleep& operator=(const PendingSleep&) = delete;
  ~PendingSleep();

  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> waiter);
  void await_resume() const noexcept {}

 private:
  Context& context_;
  std::uint64_t deadline_ns_;
  Timer timer_{};
};

class Context final {
 public:
  Context(Ring& ring, const Clock& clock) : ring_(ring), clock_(clock) {}
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  Ring& ring() { return ring_; }
  const Clock& clock() const { return clock_; }
  Timers& timers() { return timers_; }
  std::uint64_t next_deadline_ns() const { return timers_.next_deadline_ns(); }

  PendingOperation open(int directory, const char* path, std::uint8_t open_flags);
  PendingOperation unlink(int directory, const char* path);
  PendingOperation allocate(int fd, std::uint64_t length_bytes);
  PendingOperation read(int fd, std::span<std::byte> target, std::uint64_t offset);
  PendingOperation write(int fd, std::span<const std::byte> source, std::uint64_t offset);
  /// Completes when the bytes are on stable storage.
  PendingOperation write_durably(int fd, std::span<const std::byte> source, std::uint64_t offset);
  PendingOperation sync(int fd);
  PendingOperation close(int fd);
  PendingSleep sleep_until(std::uint64_t deadline_ns) { return PendingSleep(*this, deadline_ns); }

  /// Resumes the coroutine that waits for this completion; its token kind is `waiter`.
  void complete(const Completion& completion);

  /// Runs until `done()` is true: the loop of a core that does nothing but wait (start, recovery).
  template <typename Done>
  void run_until(Done done) {
    while (!done()) run_one_turn();
  }
  void run_one_turn();

  /// Operations that a coroutine of this context still waits for.
  std::size_t waiting() const { return waiting_; }

 private:
  friend class PendingOperation;
  friend class PendingSleep;

  struct Slot {
    PendingOperation* pending = nullptr;
    std::uint32_t generation = 0;
  };

  void begin(PendingOperation& pending);
  void abandon(PendingOperation& pending) noexcept;

  Ring& ring_;
  const Clock& clock_;
  Timers timers_;
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_slots_;
  std::size_t waiting_ = 0;
};

}  // namespace phoenix::io
