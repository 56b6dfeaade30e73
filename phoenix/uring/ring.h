// The real ring: io::Ring over one io_uring. Belongs to the thread that created it, from creation
// to destruction (SINGLE_ISSUER, DEFER_TASKRUN, a registered descriptor). Hot: nothing here
// allocates after creation, and a turn costs one system call.
//
// Invariants:
// - A chain of linked operations never spans two submissions (the kernel would cut it there and
//   run the rest unlinked), so room for a whole chain is made before its first operation.
// - Bytes 40 to 63 of every submission entry stay zero: no operation of ours uses them, so they
//   are never written.
// - The kernel never drops a completion; if it says that it did, the process ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <thread>

#include <liburing.h>

#include "phoenix/base/result.h"
#include "phoenix/io/operation.h"
#include "phoenix/io/ring.h"
#include "phoenix/uring/receive_buffers.h"

namespace phoenix::uring {

struct RingOptions {
  /// When the kernel runs what belongs to a completion: in our wait, at our next system call, or
  /// by interrupting us. The first one to try; later ones follow where the kernel refuses.
  enum class TaskRun : std::uint8_t { deferred, cooperative, immediate };

  std::uint32_t submission_entries = 2048;   // At least Ring::kMaxChain, at most 32768.
  std::uint32_t completion_entries = 16384;  // Not below submission_entries; both round up to 2^n.
  TaskRun task_run = TaskRun::deferred;
  bool incremental_buffers = true;      // Where the kernel has them (6.12); else plain ones.
  std::uint32_t buffer_count = 0;       // A power of two; 0: 64 incremental or 2048 plain ones.
  std::uint32_t buffer_size_bytes = 0;  // 0: 64 KiB incremental, 4 KiB plain.
};

class Ring final : public io::Ring {
 public:
  /// Operations in one chain, the last one (which is not `linked`) included.
  static constexpr std::uint32_t kMaxChain = 8;
  /// Bytes in one operation: what Linux reads or writes at most in one call.
  static constexpr std::size_t kMaxTransferBytes = 0x7FFFF000;

  /// To be called on the thread that will use and destroy the ring. not_permitted or unsupported
  /// when io_uring is forbidden here or the kernel is too old, with what to change.
  static Result<std::unique_ptr<Ring>> create(const RingOptions& options);

  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// Ends what is still running and waits (at most a second) until the kernel has let go of the
  /// memory of unfinished operations. A moment later the kernel may still interrupt one blocking
  /// call of this thread (EINTR, or a short count) while it tidies up.
  ~Ring() override;

  /// Enters the kernel only when the queue is full.
  void submit(const io::Operation& operation) override;

  /// `deadline_ns` is SystemClock's. May also return 0 early, when the kernel is short of memory.
  std::size_t run_once(std::span<io::Completion> out, std::uint64_t deadline_ns) override;

  /// Keeps this open file, and with it the lock that is on it, until no operation is in flight any
  /// more: also when the process is killed while the disk still works for it. Once per ring.
  Result<void> keep_open(int fd);

  void release(io::BufferId buffer) override { buffers_.release(buffer); }

  [[nodiscard]] int wake_handle() const override { return ring_.ring_fd; }
  [[nodiscard]] std::uint64_t buffer_bytes() const override { return buffers_.memory_bytes(); }

  [[nodiscard]] bool incremental_buffers() const { return incremental_; }
  [[nodiscard]] RingOptions::TaskRun task_run() const { return task_run_; }

 private:
  Ring() = default;

  Result<void> set_up(const RingOptions& options);
  int set_up_queues(const RingOptions& options);
  int attach_buffers(const RingOptions& options);
  int probe_receive();
  void adopt_queues();

  io_uring_sqe& next_entry(bool linked);
  void make_room(std::uint32_t wanted);
  void wait(std::uint64_t deadline_ns);
  int enter(std::uint32_t wanted_completions, std::uint32_t flags, const void* argument,
            std::size_t argument_size);
  void check_entered(int result) const;
  [[nodiscard]] std::uint32_t ready() const;
  std::size_t take(std::span<io::Completion> out, std::uint32_t count);

  // The queues, as the hot path uses them: indices of our own beside those shared with the kernel.
  io_uring_sqe* entries_ = nullptr;
  unsigned* kernel_sq_head_ = nullptr;
  unsigned* kernel_sq_tail_ = nullptr;
  io_uring_cqe* completions_ = nullptr;
  unsigned* kernel_cq_head_ = nullptr;
  unsigned* kernel_cq_tail_ = nullptr;
  unsigned* kernel_cq_lost_ = nullptr;
  std::uint32_t sq_head_ = 0;  // Moves only while we are in the kernel, so this copy is exact.
  std::uint32_t sq_tail_ = 0;
  std::uint32_t sq_entries_ = 0;
  std::uint32_t cq_head_ = 0;
  std::uint32_t cq_mask_ = 0;
  std::uint32_t chain_ = 0;  // Operations of the chain that is still open.
  std::uint32_t enter_flags_ = 0;
  unsigned enter_fd_ = 0;

  io_uring ring_{};
  bool open_ = false;
  bool incremental_ = false;
  RingOptions::TaskRun task_run_ = RingOptions::TaskRun::deferred;
  std::thread::id owner_ = std::this_thread::get_id();
  ReceiveBuffers buffers_;  // Outlives the io_uring, which ~Ring closes.
};

}  // namespace phoenix::uring
