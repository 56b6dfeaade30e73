#include "phoenix/uring/ring.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "phoenix/base/check.h"
#include "phoenix/base/clock.h"

namespace phoenix::uring {
namespace {

using io::Operation;
using io::TokenKind;

constexpr unsigned kFileMode = 0600;
constexpr int kRoomAttempts = 1000;  // One a millisecond: then memory has been short for a second.

[[noreturn]] void fail_in_kernel(const char* what, int error) {
  (void)std::fprintf(stderr, "fatal: io_uring: %s: %s\n", what, std::strerror(error));
  std::abort();
}

std::uint64_t monotonic_ns() {
  timespec time{};
  clock_gettime(CLOCK_MONOTONIC, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * kNanosPerSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

std::uint64_t address_of(const void* pointer) {
  return reinterpret_cast<std::uint64_t>(pointer);
}

std::uint32_t transfer_size(std::size_t size_bytes) {
  PHX_CHECK(size_bytes <= Ring::kMaxTransferBytes);
  return static_cast<std::uint32_t>(size_bytes);
}

void fill(io_uring_sqe& entry, int opcode, const void* memory, std::uint32_t length) {
  entry.opcode = static_cast<std::uint8_t>(opcode);
  entry.addr = address_of(memory);
  entry.len = length;
}

void fill_flags(io_uring_sqe& entry, std::uint32_t flags) {
  entry.rw_flags = static_cast<int>(flags);  // One name of a union that every kind uses.
}

std::uint32_t open_flags(std::uint8_t flags) {
  // Names come from our own directory scans: nothing there may be a link to somewhere else.
  int result = O_CLOEXEC | O_NOFOLLOW;
  result |= (flags & Operation::kOpenRead) != 0 ? O_RDONLY : O_RDWR;
  if ((flags & Operation::kOpenCreate) != 0) result |= O_CREAT | O_EXCL;
  if ((flags & Operation::kOpenDirect) != 0) result |= O_DIRECT;
  return static_cast<std::uint32_t>(result);
}

// A directory gets the full fsync: whether fdatasync commits a new entry that did not change the
// directory's size is up to the file system. A file gets fdatasync, which leaves out its times.
// The look at the descriptor costs a thousandth of the sync and does not block.
std::uint32_t sync_flags(int fd) {
  struct stat status {};
  const bool directory = fstat(fd, &status) == 0 && S_ISDIR(status.st_mode);
  return directory ? 0 : IORING_FSYNC_DATASYNC;
}

void encode_socket(const Operation& operation, io_uring_sqe& entry) {
  switch (operation.kind) {
    case Operation::Kind::accept:
      entry.ioprio = IORING_ACCEPT_MULTISHOT;
      fill(entry, IORING_OP_ACCEPT, nullptr, 0);
      return fill_flags(entry, SOCK_CLOEXEC);
    case Operation::Kind::receive:
      // The buffer group is 0 (kReceiveGroup), as the untouched part of every entry.
      entry.ioprio = IORING_RECV_MULTISHOT;
      entry.flags |= IOSQE_BUFFER_SELECT;
      return fill(entry, IORING_OP_RECV, nullptr, 0);
    case Operation::Kind::send:
      fill(entry, IORING_OP_SEND, operation.source.data(), transfer_size(operation.source.size()));
      return fill_flags(entry, MSG_NOSIGNAL | (operation.wait ? MSG_WAITALL : MSG_DONTWAIT));
    case Operation::Kind::shutdown:
      return fill(entry, IORING_OP_SHUTDOWN, nullptr, SHUT_WR);
    default:
      PHX_CHECK(false);  // encode() sends only these here.
  }
}

void encode_file(const Operation& operation, io_uring_sqe& entry) {
  entry.off = operation.offset;
  switch (operation.kind) {
    case Operation::Kind::open:
      entry.off = 0;
      fill(entry, IORING_OP_OPENAT, operation.path, kFileMode);
      return fill_flags(entry, open_flags(operation.open_flags));
    case Operation::Kind::unlink:
      entry.off = 0;
      return fill(entry, IORING_OP_UNLINKAT, operation.path, 0);
    case Operation::Kind::allocate:
      fill(entry, IORING_OP_FALLOCATE, nullptr, 0);
      entry.addr = operation.length;  // Where other kinds have an address.
      return;
    case Operation::Kind::read:
      return fill(entry, IORING_OP_READ, operation.target.data(),
                  transfer_size(operation.target.size()));
    case Operation::Kind::write:
      fill(entry, IORING_OP_WRITE, operation.source.data(), transfer_size(operation.source.size()));
      return fill_flags(entry, operation.durable ? RWF_DSYNC : 0);
    case Operation::Kind::sync:
      entry.off = 0;  // With a length of 0: the whole file.
      fill(entry, IORING_OP_FSYNC, nullptr, 0);
      return fill_flags(entry, sync_flags(operation.fd));
    default:
      PHX_CHECK(false);  // encode() sends only these here.
  }
}

// Success of these is of no interest to anyone when their token is ignored; a failure still is.
void skip_success(const Operation& operation, io_uring_sqe& entry) {
  if (io::token_kind(operation.token) == TokenKind::ignored) {
    entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  }
}

void encode(const Operation& operation, io_uring_sqe& entry) {
  entry.flags = operation.linked ? IOSQE_IO_LINK : 0;
  entry.ioprio = 0;
  entry.fd = operation.fd;
  entry.off = 0;
  entry.rw_flags = 0;
  entry.user_data = operation.token;
  switch (operation.kind) {
    case Operation::Kind::accept:
    case Operation::Kind::receive:
    case Operation::Kind::send:
    case Operation::Kind::shutdown:
      return encode_socket(operation, entry);
    case Operation::Kind::close:
      skip_success(operation, entry);
      return fill(entry, IORING_OP_CLOSE, nullptr, 0);
    case Operation::Kind::cancel:
      skip_success(operation, entry);
      // By token, which the kernel has hashed: by descriptor it walks over all that waits.
      fill(entry, IORING_OP_ASYNC_CANCEL, nullptr, 0);
      entry.addr = operation.cancelled;  // Where other kinds have an address.
      return;
    case Operation::Kind::wake:
      // Address 0 is IORING_MSG_DATA; offset and length are the token (0) and the result (0) that
      // the other ring sees.
      static_assert(IORING_MSG_DATA == 0);
      skip_success(operation, entry);
      return fill(entry, IORING_OP_MSG_RING, nullptr, 0);
    default:
      return encode_file(operation, entry);
  }
}

}  // namespace

void Ring::submit(const io::Operation& operation) {
  encode(operation, next_entry(operation.linked));
}

io_uring_sqe& Ring::next_entry(bool linked) {
  const bool continues = chain_ != 0;
  chain_ = linked ? chain_ + 1 : 0;
  PHX_CHECK(chain_ < kMaxChain);
  const std::uint32_t wanted = continues ? 0 : linked ? kMaxChain : 1;
  if (sq_tail_ - sq_head_ + wanted > sq_entries_) [[unlikely]]
    make_room(wanted);
  return entries_[sq_tail_++ & (sq_entries_ - 1)];
}

void Ring::make_room(std::uint32_t wanted) {
  for (int attempt = 0; attempt < kRoomAttempts; ++attempt) {
    const int result = enter(0, 0, nullptr, 0);
    if (sq_tail_ - sq_head_ + wanted <= sq_entries_) return;
    check_entered(result);
    const timespec pause{.tv_sec = 0, .tv_nsec = 1'000'000};
    nanosleep(&pause, nullptr);
  }
  fail_in_kernel("the kernel takes no more operations", EBUSY);
}

int Ring::enter(std::uint32_t wanted_completions, std::uint32_t flags, const void* argument,
                std::size_t argument_size) {
  std::atomic_ref<unsigned>(*kernel_sq_tail_).store(sq_tail_, std::memory_order_release);
  // The same call serves both kinds of argument; its type in the header is only the older one's.
  auto* const opaque = static_cast<sigset_t*>(const_cast<void*>(argument));
  const int result = io_uring_enter2(enter_fd_, sq_tail_ - sq_head_, wanted_completions,
                                     flags | enter_flags_, opaque, argument_size);
  sq_head_ = std::atomic_ref<unsigned>(*kernel_sq_head_).load(std::memory_order_acquire);
  return result;
}

// A signal (SIGSTOP and SIGCONT are enough), the deadline, and a kernel short of memory for new
// operations or with completions in its overflow list: all pass. What was not taken stays queued.
void Ring::check_entered(int result) const {
  if (result >= 0 || result == -EINTR || result == -ETIME) return;
  if (result == -EAGAIN || result == -EBUSY) return;
  fail_in_kernel("io_uring_enter", -result);
}

std::uint32_t Ring::ready() const {
  return std::atomic_ref<unsigned>(*kernel_cq_tail_).load(std::memory_order_acquire) - cq_head_;
}

void Ring::wait(std::uint64_t deadline_ns) {
  if (deadline_ns == io::kNoDeadline) {
    return check_entered(enter(1, IORING_ENTER_GETEVENTS, nullptr, 0));
  }
  const std::uint64_t now_ns = deadline_ns == 0 ? 0 : monotonic_ns();
  if (deadline_ns <= now_ns) return check_entered(enter(0, IORING_ENTER_GETEVENTS, nullptr, 0));
  const std::uint64_t left_ns = deadline_ns - now_ns;
  const __kernel_timespec timeout{.tv_sec = static_cast<std::int64_t>(left_ns / kNanosPerSecond),
                                  .tv_nsec = static_cast<long long>(left_ns % kNanosPerSecond)};
  io_uring_getevents_arg argument{};
  argument.ts = address_of(&timeout);
  check_entered(
      enter(1, IORING_ENTER_GETEVENTS | IORING_ENTER_EXT_ARG, &argument, sizeof(argument)));
}

std::size_t Ring::run_once(std::span<io::Completion> out, std::uint64_t deadline_ns) {
  PHX_CHECK(chain_ == 0 && !out.empty());
  if (ready() == 0) {
    wait(deadline_ns);
  } else if (sq_tail_ != sq_head_) {
    // Completions are left over from the last call: hand over what is queued, but do not wait.
    check_entered(enter(0, IORING_ENTER_GETEVENTS, nullptr, 0));
  }
  // The kernel counts what it had to drop for want of memory: a lost completion is a session or a
  // commit that would wait for ever.
  const unsigned lost = std::atomic_ref<unsigned>(*kernel_cq_lost_).load(std::memory_order_relaxed);
  if (lost != 0) [[unlikely]]
    fail_in_kernel("completions were lost", ENOMEM);
  return take(out, ready());
}

std::size_t Ring::take(std::span<io::Completion> out, std::uint32_t count) {
  const std::size_t taken = std::min<std::size_t>(out.size(), count);
  for (std::size_t i = 0; i < taken; ++i) {
    const io_uring_cqe& cqe = completions_[cq_head_++ & cq_mask_];
    io::Completion& completion = out[i];
    completion.token = cqe.user_data;
    completion.result = cqe.res;
    completion.more = (cqe.flags & IORING_CQE_F_MORE) != 0;
    completion.buffer = io::kNoBuffer;
    completion.bytes = {};
    if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) buffers_.take(cqe.flags, cqe.res, completion);
  }
  std::atomic_ref<unsigned>(*kernel_cq_head_).store(cq_head_, std::memory_order_release);
  return taken;
}

}  // namespace phoenix::uring
