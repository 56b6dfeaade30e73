// The seam between Phoenix and the kernel. Two implementations: uring::Ring and sim::Ring; nothing
// may ask which one it runs on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "phoenix/io/operation.h"

namespace phoenix::io {

/// One core's queue of operations. Belongs to the thread that first calls run_once.
class Ring {
 public:
  Ring() = default;
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;
  virtual ~Ring() = default;

  /// Queues a copy of `operation`. Never completes anything before it returns, so there is no
  /// recursion. The memory that source and target name belongs to the kernel until the completion.
  virtual void submit(const Operation& operation) = 0;

  /// Hands what was queued to the kernel and takes completions, at most out.size(). Waits until
  /// there is at least one, or until `deadline_ns` (Clock::monotonic_ns) has passed; a deadline in
  /// the past polls. Returns how many were written to `out`; 0 also when a signal came.
  virtual std::size_t run_once(std::span<Completion> out, std::uint64_t deadline_ns) = 0;

  /// Gives back the buffer of one receive completion.
  virtual void release(BufferId buffer) = 0;

  /// What another core puts into Operation::fd of a wake for this ring. Constant; any thread.
  virtual int wake_handle() const = 0;

  /// Memory of the buffers that receives fill.
  virtual std::uint64_t buffer_bytes() const { return 0; }
};

inline constexpr std::uint64_t kNoDeadline = ~std::uint64_t{0};

}  // namespace phoenix::io
