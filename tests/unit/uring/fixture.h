// What the tests of the real ring share: connected sockets, scratch directories, and a ring whose
// completions are picked by token. Every wait ends after kPatience: a test fails, it never hangs.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include <doctest/doctest.h>

#include "phoenix/uring/ring.h"
#include "phoenix/uring/system.h"
#include "phoenix/uring/unique_fd.h"

namespace phoenix::uring {

inline constexpr std::uint64_t kPatience = 20 * kNanosPerSecond;

inline std::uint64_t patience_ends() {
  return SystemClock().monotonic_ns() + kPatience;
}

inline std::span<const std::byte> as_bytes(std::string_view text) {
  return std::as_bytes(std::span<const char>(text));
}

inline std::string as_text(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline io::Token waiter(std::uint64_t id) {
  return io::make_token(io::TokenKind::waiter, id);
}

inline io::Operation make_operation(io::Operation::Kind kind, int fd, io::Token token) {
  io::Operation operation;
  operation.kind = kind;
  operation.fd = fd;
  operation.token = token;
  return operation;
}

/// Small queues by default: tests make many rings, and small ones meet their limits.
class TestRing final {
 public:
  explicit TestRing(RingOptions options = small()) {
    auto made = Ring::create(options);
    if (!made) FAIL(made.error().message);
    ring_ = std::move(*made);
  }

  static RingOptions small() {
    RingOptions options;
    options.submission_entries = 64;
    options.completion_entries = 256;
    options.buffer_count = 16;
    options.buffer_size_bytes = 4096;
    return options;
  }

  static RingOptions with_buffers(bool incremental, std::uint32_t count, std::uint32_t size_bytes) {
    RingOptions options = small();
    options.incremental_buffers = incremental;
    options.buffer_count = count;
    options.buffer_size_bytes = size_bytes;
    return options;
  }

  Ring* operator->() { return ring_.get(); }
  Ring& get() { return *ring_; }

  /// The next completion with this token; others are kept for later.
  io::Completion next(io::Token token) {
    for (auto it = kept_.begin(); it != kept_.end(); ++it) {
      if (it->token != token) continue;
      const io::Completion found = *it;
      kept_.erase(it);
      return found;
    }
    const std::uint64_t deadline_ns = patience_ends();
    while (SystemClock().monotonic_ns() < deadline_ns) {
      std::array<io::Completion, 1> out;
      if (ring_->run_once(out, deadline_ns) == 0) continue;
      if (out[0].token == token) return out[0];
      kept_.push_back(out[0]);
    }
    FAIL("no completion with token " << token);
    return {};
  }

  std::int32_t run(const io::Operation& operation) {
    ring_->submit(operation);
    return next(operation.token).result;
  }

  /// Completions that came while `next` looked for another one.
  std::size_t kept() const { return kept_.size(); }

 private:
  std::unique_ptr<Ring> ring_;
  std::deque<io::Completion> kept_;
};

struct SocketPair {
  UniqueFd ours;  // The ring's.
  UniqueFd peer;  // Used with plain blocking calls.
};

inline UniqueFd loopback_listener() {
  UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address)) == 0);
  REQUIRE(::listen(fd.get(), 64) == 0);
  return fd;
}

inline UniqueFd connect_to(int listener) {
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  REQUIRE(::getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  UniqueFd fd(::socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  REQUIRE(::connect(fd.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
  const timeval timeout{.tv_sec = kPatience / kNanosPerSecond, .tv_usec = 0};
  REQUIRE(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout)) == 0);
  return fd;
}

inline SocketPair connected_pair() {
  const UniqueFd listener = loopback_listener();
  UniqueFd peer = connect_to(listener.get());
  UniqueFd ours(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  REQUIRE(ours.valid());
  return {std::move(ours), std::move(peer)};
}

inline void peer_sends(const UniqueFd& peer, std::string_view text) {
  REQUIRE(::send(peer.get(), text.data(), text.size(), MSG_NOSIGNAL) ==
          static_cast<ssize_t>(text.size()));
}

/// Repeats a call that a signal cut. No handler is needed for that: the kernel tidies up after a
/// ring that was closed on this thread, and interrupts whatever the thread waits in.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// Up to `size` bytes; fewer only at the end of the stream.
inline std::string peer_receives(const UniqueFd& peer, std::size_t size) {
  std::string text(size, '\0');
  std::size_t got = 0;
  while (got < size) {
    const ssize_t part = uninterrupted(
        [&] { return ::recv(peer.get(), text.data() + got, size - got, MSG_WAITALL); });
    REQUIRE(part >= 0);
    if (part == 0) break;
    got += static_cast<std::size_t>(part);
  }
  text.resize(got);
  return text;
}

class ScratchDirectory final {
 public:
  ScratchDirectory() {
    path_ = (std::filesystem::temp_directory_path() / "phoenix-uring-XXXXXX").string();
    REQUIRE(::mkdtemp(path_.data()) != nullptr);
  }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace phoenix::uring
