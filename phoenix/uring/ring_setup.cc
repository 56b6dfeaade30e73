// How a ring comes and goes: the cold half of uring::Ring.
#include <time.h>

#include <array>
#include <atomic>
#include <bit>
#include <cerrno>

#include "phoenix/base/check.h"
#include "phoenix/uring/ring.h"
#include "phoenix/uring/setup_error.h"

namespace phoenix::uring {
namespace {

constexpr std::uint32_t kMaxEntries = 32768;
constexpr std::uint32_t kMaxCompletionEntries = 2 * kMaxEntries;

constexpr unsigned kCommonFlags =
    IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;

// Indexed by RingOptions::TaskRun. Never NO_SQARRAY: liburing 2.3 would write its identity array
// over the head of the shared ring, and the kernel then spins for ever in its first wait.
constexpr std::array<unsigned, 3> kTaskRunFlags = {
    IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN,
    IORING_SETUP_COOP_TASKRUN,
    0,
};

struct BufferShape {
  std::uint32_t count = 0;
  std::uint32_t size_bytes = 0;
};

constexpr BufferShape kIncrementalShape{64, 64 * 1024};
constexpr BufferShape kPlainShape{2048, 4 * 1024};

BufferShape shape_of(const RingOptions& options, bool incremental) {
  BufferShape shape = incremental ? kIncrementalShape : kPlainShape;
  if (options.buffer_count != 0) shape.count = options.buffer_count;
  if (options.buffer_size_bytes != 0) shape.size_bytes = options.buffer_size_bytes;
  return shape;
}

bool sound(const BufferShape& shape) {
  return std::has_single_bit(shape.count) && shape.count <= kMaxBufferCount &&
         std::uint64_t{shape.count} * shape.size_bytes <= kMaxBufferBytes;
}

Result<void> validate(const RingOptions& options) {
  if (options.submission_entries < Ring::kMaxChain || options.submission_entries > kMaxEntries) {
    return fail(ErrorCode::invalid, "a ring takes 8 to 32768 submission entries");
  }
  if (options.completion_entries < options.submission_entries ||
      options.completion_entries > kMaxCompletionEntries) {
    return fail(ErrorCode::invalid,
                "a ring takes at least as many completion as submission entries, at most 65536");
  }
  if (!sound(shape_of(options, true)) || !sound(shape_of(options, false))) {
    return fail(ErrorCode::invalid,
                "receive buffers: their number is a power of two up to 32768, and all of them "
                "together take at most 1 GiB");
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Ring>> Ring::create(const RingOptions& options) {
  if (auto valid = validate(options); !valid) return tl::unexpected<Error>(valid.error());
  std::unique_ptr<Ring> ring(new Ring);
  if (auto ready = ring->set_up(options); !ready) return tl::unexpected<Error>(ready.error());
  return ring;
}

Ring::~Ring() {
  if (!open_) return;
  // On another thread, closing would take away that thread's own registered ring.
  PHX_CHECK(owner_ == std::this_thread::get_id());
  // Closing alone would let the kernel finish later, into memory that is somebody else's by then.
  // There may be nothing to cancel, and nothing better to do when a disk does not answer: the
  // result decides nothing.
  io_uring_sync_cancel_reg everything{};
  everything.fd = -1;
  everything.flags = IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL;
  everything.timeout.tv_sec = 1;
  io_uring_register_sync_cancel(&ring_, &everything);
  io_uring_queue_exit(&ring_);
}

Result<void> Ring::set_up(const RingOptions& options) {
  if (const int error = set_up_queues(options); error != 0) {
    return tl::unexpected<Error>(explain_here("io_uring_setup", -error));
  }
  adopt_queues();
  if (const int error = attach_buffers(options); error != 0) {
    return tl::unexpected<Error>(explain_here("a ring of receive buffers", -error));
  }
  if (const int error = probe_receive(); error != 0) {
    return tl::unexpected<Error>(explain_here("multishot receive", -error));
  }
  return {};
}

Result<void> Ring::keep_open(int fd) {
  const int error = io_uring_register_files(&ring_, &fd, 1);
  if (error != 0) return tl::unexpected<Error>(explain_here("registering a file", -error));
  return {};
}

int Ring::set_up_queues(const RingOptions& options) {
  int error = -EINVAL;
  for (auto level = static_cast<std::size_t>(options.task_run); level < kTaskRunFlags.size();
       ++level) {
    io_uring_params parameters{};
    parameters.flags = kCommonFlags | kTaskRunFlags[level];
    parameters.cq_entries = options.completion_entries;
    error = io_uring_queue_init_params(options.submission_entries, &ring_, &parameters);
    open_ = error == 0;
    task_run_ = static_cast<RingOptions::TaskRun>(level);
    if (error != -EINVAL) break;
  }
  return error;
}

void Ring::adopt_queues() {
  entries_ = ring_.sq.sqes;
  kernel_sq_head_ = ring_.sq.khead;
  kernel_sq_tail_ = ring_.sq.ktail;
  sq_entries_ = ring_.sq.ring_entries;
  completions_ = ring_.cq.cqes;
  kernel_cq_head_ = ring_.cq.khead;
  kernel_cq_tail_ = ring_.cq.ktail;
  kernel_cq_lost_ = ring_.cq.koverflow;
  cq_mask_ = ring_.cq.ring_mask;
  PHX_CHECK(sq_entries_ >= kMaxChain && std::has_single_bit(sq_entries_));
  // A registered descriptor spares a look-up per call; a thread may have 16 of them.
  const bool registered = io_uring_register_ring_fd(&ring_) == 1;
  enter_fd_ = static_cast<unsigned>(registered ? ring_.enter_ring_fd : ring_.ring_fd);
  enter_flags_ = registered ? IORING_ENTER_REGISTERED_RING : 0;
}

int Ring::attach_buffers(const RingOptions& options) {
  incremental_ = options.incremental_buffers;
  BufferShape shape = shape_of(options, incremental_);
  int error = buffers_.attach(ring_.ring_fd, shape.count, shape.size_bytes, incremental_);
  if (error == -EINVAL && incremental_) {
    incremental_ = false;
    shape = shape_of(options, false);
    error = buffers_.attach(ring_.ring_fd, shape.count, shape.size_bytes, false);
  }
  return error;
}

// A kernel that knows multishot receive gets as far as looking for the socket; an older one stops
// at the flag. Also the first io_uring_enter: a filter that forbids just that shows here.
int Ring::probe_receive() {
  io::Operation receive;
  receive.kind = io::Operation::Kind::receive;
  submit(receive);
  int result = -EINTR;
  while (ready() == 0 && (result >= 0 || result == -EINTR)) {
    result = enter(1, IORING_ENTER_GETEVENTS, nullptr, 0);
  }
  if (ready() == 0) return result;
  std::array<io::Completion, 1> completion;
  take(completion, 1);
  return completion[0].result == -EBADF ? 0 : completion[0].result;
}

}  // namespace phoenix::uring
