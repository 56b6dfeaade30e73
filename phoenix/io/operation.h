// One request to the kernel, and one answer, as plain values. Nothing here waits and nothing here
// knows coroutines: waiting is built on top (context.h), so multishot operations, ring-owned
// buffers and a simulated kernel all fit the same shape.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace phoenix::io {

/// Names an operation to its submitter; comes back unchanged in each of its completions.
/// The top 8 bits say who it belongs to (see TokenKind), the rest is the owner's.
using Token = std::uint64_t;

enum class TokenKind : std::uint8_t {
  ignored = 0,  // Nobody waits for the answer (a wake, a cancel).
  waiter,       // A coroutine in Context.
  accept,       // A listener.
  receive,      // A session's incoming bytes.
  send,         // A session's outgoing bytes.
};

[[nodiscard]] constexpr Token make_token(TokenKind kind, std::uint64_t id) {
  return static_cast<std::uint64_t>(kind) << 56U | (id & ((std::uint64_t{1} << 56U) - 1));
}
[[nodiscard]] constexpr TokenKind token_kind(Token token) {
  return static_cast<TokenKind>(token >> 56U);
}
[[nodiscard]] constexpr std::uint64_t token_id(Token token) {
  return token & ((std::uint64_t{1} << 56U) - 1);
}

struct Operation {
  enum class Kind : std::uint8_t {
    accept,    // fd: listener. Multishot: every completion is a new socket, until one lacks `more`.
    receive,   // fd: socket. Multishot into the ring's own buffers; see Completion::bytes.
    send,      // fd: socket, source. See Operation::wait. May complete short.
    shutdown,  // fd: socket. No more sending: the peer sees the end after what was sent.
    close,     // fd.
    cancel,    // fd, cancelled: ends that operation on it, which completes with -ECANCELED or its
               // own result. Takes constant time, however many others there are.
    open,      // fd: directory, path. Result: a descriptor. See Operation::open_flags.
    unlink,    // fd: directory, path.
    allocate,  // fd, offset, length: reserves disk space and extends the file; content unspecified
               // until written.
    read,      // fd, offset, target. May complete short; 0 at the end of the file.
    write,     // fd, offset, source. May complete short. See Operation::durable and linked.
    sync,      // fd: what was written, and the size, are on stable storage (fdatasync). On a
               // directory: its entries are (fsync).
    wake,      // fd: another ring's wake_handle(). That ring gets a completion with token 0.
  };

  enum OpenFlags : std::uint8_t {
    kOpenRead = 1U << 0,    // Read only; without it read and write.
    kOpenCreate = 1U << 1,  // The file must not exist yet; mode 0600.
    kOpenDirect = 1U << 2,  // O_DIRECT: offset, size and memory aligned to Host::write_alignment.
  };

  Kind kind = Kind::wake;
  std::uint8_t open_flags = 0;
  bool durable = false;  // write: complete only when the bytes are on stable storage (RWF_DSYNC).
  bool linked = false;   // The next operation submitted starts when this one ended in full; else it
                         // completes with -ECANCELED.
  bool wait = true;      // send: false takes what the socket takes at once, else -EAGAIN.
  int fd = -1;
  Token token = 0;
  Token cancelled = 0;
  std::uint64_t offset = 0;
  std::uint64_t length = 0;
  std::span<std::byte> target{};
  std::span<const std::byte> source{};
  const char* path = nullptr;  // Zero-terminated; must live until the completion.
};

using BufferId = std::uint16_t;
inline constexpr BufferId kNoBuffer = 0xFFFF;

struct Completion {
  Token token = 0;
  std::int32_t result = 0;  // A count, a descriptor, 0, or a negated errno.
  bool more = false;        // Multishot: further completions of this operation will follow.

  // receive: the bytes, in a buffer of the ring. They stay valid until Ring::release(buffer) has
  // been called once for this completion. result 0 is the peer's end of stream.
  BufferId buffer = kNoBuffer;
  std::span<const std::byte> bytes{};
};

}  // namespace phoenix::io
