#include "phoenix/uring/receive_buffers.h"

#include <sys/mman.h>

#include <cerrno>

namespace phoenix::uring {
namespace {

// io_uring_buf_reg with the name that newer headers give its fourth field.
struct BufferRegistration {
  std::uint64_t ring_address = 0;
  std::uint32_t ring_entries = 0;
  std::uint16_t group = kReceiveGroup;
  std::uint16_t flags = 0;
  std::uint64_t reserved[3] = {};  // NOLINT(modernize-avoid-c-arrays): the kernel's layout.
};
static_assert(sizeof(BufferRegistration) == sizeof(io_uring_buf_reg));

// Touched at once: a page fault in the middle of a turn costs more than receiving into the page.
void* map_memory(std::size_t size_bytes) {
  void* const memory = mmap(nullptr, size_bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
  return memory == MAP_FAILED ? nullptr : memory;
}

}  // namespace

ReceiveBuffers::~ReceiveBuffers() {
  unmap();
}

int ReceiveBuffers::map(std::uint32_t count, std::uint32_t size_bytes) {
  count_ = count;
  size_bytes_ = size_bytes;
  tail_ = 0;
  states_.assign(count, State{});
  entries_ = static_cast<io_uring_buf*>(map_memory(count * sizeof(io_uring_buf)));
  memory_ = static_cast<std::byte*>(map_memory(std::size_t{count} * size_bytes));
  if (entries_ != nullptr && memory_ != nullptr) return 0;
  unmap();
  return -ENOMEM;
}

void ReceiveBuffers::unmap() {
  if (entries_ != nullptr) PHX_CHECK(munmap(entries_, count_ * sizeof(io_uring_buf)) == 0);
  if (memory_ != nullptr) PHX_CHECK(munmap(memory_, std::size_t{count_} * size_bytes_) == 0);
  entries_ = nullptr;
  memory_ = nullptr;
  count_ = 0;
}

int ReceiveBuffers::attach(int ring_fd, std::uint32_t count, std::uint32_t size_bytes,
                           bool incremental) {
  PHX_CHECK(entries_ == nullptr);
  if (const int error = map(count, size_bytes); error != 0) return error;
  BufferRegistration registration;
  registration.ring_address = reinterpret_cast<std::uint64_t>(entries_);
  registration.ring_entries = count;
  registration.flags = incremental ? kIncrementalBuffers : std::uint16_t{0};
  const int error = io_uring_register(static_cast<unsigned>(ring_fd), IORING_REGISTER_PBUF_RING,
                                      &registration, 1);
  if (error != 0) {
    unmap();
    return error;
  }
  for (std::uint32_t id = 0; id < count; ++id) lend(static_cast<io::BufferId>(id));
  return 0;
}

}  // namespace phoenix::uring
