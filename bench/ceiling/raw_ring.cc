#include "bench/ceiling/raw_ring.h"

#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string>

namespace phoenix::bench {
namespace {

constexpr unsigned kEntries = 2048;
constexpr unsigned kCompletions = 16384;

// Newer than the headers of liburing 2.3 (kernel 6.12).
constexpr std::uint16_t kIncrementalBuffers = 2;
constexpr std::uint32_t kCqeBufferMore = 1U << 4U;

struct BufferShape {
  std::size_t count;
  std::size_t bytes;
  std::uint16_t flags;
};

// io_uring_buf_reg with the name that newer headers give its fourth field.
struct BufferRegistration {
  std::uint64_t ring_address = 0;
  std::uint32_t ring_entries = 0;
  std::uint16_t group = 0;
  std::uint16_t flags = 0;
  std::array<std::uint64_t, 3> reserved{};
};
static_assert(sizeof(BufferRegistration) == sizeof(io_uring_buf_reg));

constexpr BufferShape kIncrementalShape{64, 64 << 10U, kIncrementalBuffers};
constexpr BufferShape kPlainShape{2048, 4 << 10U, 0};

tl::unexpected<Error> refused(const char* step, int error) {
  return fail(ErrorCode::not_permitted,
              std::string("the ceiling needs io_uring as Linux 6.1 has it: ") + step + ": " +
                  std::strerror(-error));
}

}  // namespace

char* map_memory(std::size_t bytes) {
  void* memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
}

RawRing::~RawRing() {
  if (open_) io_uring_queue_exit(&ring_);
}

Result<void> RawRing::open() {
  io_uring_params parameters{};
  // Never NO_SQARRAY: liburing 2.3 would write over the ring's own header.
  parameters.flags = IORING_SETUP_SUBMIT_ALL | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP |
                     IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  parameters.cq_entries = kCompletions;
  if (const int error = io_uring_queue_init_params(kEntries, &ring_, &parameters); error != 0) {
    return refused("io_uring_setup", error);
  }
  open_ = true;
  // Without it every enter looks the descriptor up; nothing else is lost, so its failure may pass.
  io_uring_register_ring_fd(&ring_);
  if (const int error = io_uring_register_files_sparse(&ring_, kDirectFiles); error != 0) {
    return refused("direct descriptors", error);
  }
  return register_buffers();
}

int RawRing::register_shape(std::size_t count, std::size_t bytes, std::uint16_t flags) {
  buffer_count_ = count;
  buffer_bytes_ = bytes;
  buffers_ = reinterpret_cast<io_uring_buf*>(map_memory(count * sizeof(io_uring_buf)));
  if (buffers_ == nullptr) return -ENOMEM;
  BufferRegistration registration;
  registration.ring_address = reinterpret_cast<std::uint64_t>(buffers_);
  registration.ring_entries = static_cast<std::uint32_t>(count);
  registration.flags = flags;
  const int error = io_uring_register(static_cast<unsigned>(ring_.ring_fd),
                                      IORING_REGISTER_PBUF_RING, &registration, 1);
  if (error != 0) munmap(buffers_, count * sizeof(io_uring_buf));
  return error;
}

Result<void> RawRing::register_buffers() {
  int error = -EINVAL;
  for (const BufferShape& shape : {kIncrementalShape, kPlainShape}) {
    error = register_shape(shape.count, shape.bytes, shape.flags);
    if (error != -EINVAL) break;
  }
  if (error != 0) return refused("receive buffers", error);
  memory_ = map_memory(buffer_count_ * buffer_bytes_);
  if (memory_ == nullptr) return refused("memory for receive buffers", -ENOMEM);
  filled_.assign(buffer_count_, 0);
  for (std::size_t id = 0; id < buffer_count_; ++id) lend(id);
  publish_buffers();
  return {};
}

io_uring_sqe& RawRing::entry() {
  io_uring_sq& queue = ring_.sq;
  while (queue.sqe_tail - io_uring_smp_load_acquire(queue.khead) >= queue.ring_entries) enter(0);
  io_uring_sqe& sqe = queue.sqes[queue.sqe_tail & queue.ring_mask];
  ++queue.sqe_tail;
  std::memset(&sqe, 0, sizeof sqe);
  return sqe;
}

// liburing's own submit would go the long way round; its array of indices is the identity.
int RawRing::enter(unsigned wanted) {
  io_uring_sq& queue = ring_.sq;
  const unsigned count = queue.sqe_tail - queue.sqe_head;
  io_uring_smp_store_release(queue.ktail, queue.sqe_tail);
  queue.sqe_head = queue.sqe_tail;
  unsigned flags = IORING_ENTER_GETEVENTS;
  if (ring_.enter_ring_fd != ring_.ring_fd) flags |= IORING_ENTER_REGISTERED_RING;
  const long result =
      syscall(SYS_io_uring_enter, ring_.enter_ring_fd, count, wanted, flags, nullptr, 0);
  return result < 0 ? -errno : 0;
}

void RawRing::lend(std::size_t id) {
  // Field by field: the last one of entry 0 is not an entry's at all but the tail.
  io_uring_buf& buffer = buffers_[buffer_tail_ & (buffer_count_ - 1)];
  buffer.addr = reinterpret_cast<std::uint64_t>(memory_ + id * buffer_bytes_);
  buffer.len = static_cast<std::uint32_t>(buffer_bytes_);
  buffer.bid = static_cast<std::uint16_t>(id);
  ++buffer_tail_;
}

void RawRing::publish_buffers() {
  io_uring_smp_store_release(&buffers_[0].resv, buffer_tail_);
  buffers_returned_ = false;
}

void RawRing::give_back(const io_uring_cqe& completion) {
  const std::size_t id = completion.flags >> IORING_CQE_BUFFER_SHIFT;
  if ((completion.flags & kCqeBufferMore) != 0) {
    filled_[id] += static_cast<std::uint32_t>(completion.res);
    return;
  }
  filled_[id] = 0;
  lend(id);
  buffers_returned_ = true;
}

}  // namespace phoenix::bench
