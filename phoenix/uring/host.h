// The real machine: io::Host with plain system calls.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <vector>

#include "phoenix/io/host.h"
#include "phoenix/uring/listener.h"
#include "phoenix/uring/unique_fd.h"

namespace phoenix::uring {

/// How long a start waits for a directory that is locked.
struct LockPatience {
  /// By a process that lives: it may be ending.
  std::uint32_t living_ms = 1'000;
  /// By the ring of a process that is gone: until the disk has taken or refused its last writes.
  std::uint32_t left_behind_ms = 30'000;
};

/// Any thread. One per process: it remembers the locks it took and where it listens.
class Host final : public io::Host {
 public:
  explicit Host(LockPatience patience = {}) : patience_(patience) {}
  /// Gives the directory locks back, and removes the files of unix sockets that still listen.
  /// Descriptors that were handed out stay open.
  ~Host() override;

  Result<int> open_directory(const std::string& path) override;
  Result<void> lock_directory(int directory) override;
  /// The descriptor of the last lock that was taken, or -1. A ring that writes below the lock keeps
  /// it open (Ring::keep_open).
  int lock_descriptor();
  Result<std::vector<io::FileInfo>> list_directory(int directory) override;
  Result<io::SpaceInfo> space(int directory) override;
  Result<std::uint32_t> write_alignment(int directory) override;

  /// The first listener of an address and port finds out whether another process listens there
  /// (in_use); the following ones share the port with it, so that each core has its own queue.
  /// A unix path has one listener; its file goes when that is closed, and what a killed process
  /// left there is replaced by the next one.
  Result<int> listen(const io::Endpoint& endpoint) override;

  std::uint16_t bound_port(int listener) override;
  io::SocketNames socket_names(int connection) override;

  io::ProcessUsage usage() override;
  void sleep_ns(std::uint64_t ns) override;

  void close(int fd) override;

 private:
  struct Listener {
    int fd = -1;
    std::string address;
    std::uint16_t port = 0;
  };

  struct UnixListener {
    int fd = -1;
    SocketFile file;
  };

  [[nodiscard]] bool listens_on(const io::Endpoint& endpoint) const;

  const LockPatience patience_;
  std::mutex mutex_;
  std::vector<UniqueFd> locks_;
  std::vector<Listener> listeners_;  // TCP only.
  std::vector<UnixListener> unix_listeners_;
};

}  // namespace phoenix::uring
