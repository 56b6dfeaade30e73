// What the server asks of its machine at start and stop, or rarely: calls that may take a moment
// and happen off the hot path. The other half of the seam; uring::Host and sim::Host implement it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "phoenix/base/result.h"

namespace phoenix::io {

struct FileInfo {
  std::string name;
  std::uint64_t size_bytes = 0;
};

struct SpaceInfo {
  std::uint64_t total_bytes = 0;
  std::uint64_t available_bytes = 0;  // To this process, without the file system's own reserve.
};

/// Where to listen. One of: an IP address (v4 or v6, no brackets) and port, or a unix socket path.
struct Endpoint {
  std::string address;
  std::uint16_t port = 0;
  std::string unix_path;
};

/// What the system says of this process; all of it is 0 where nothing is known.
struct ProcessUsage {
  std::uint64_t resident_bytes = 0;
  std::uint64_t user_us = 0;  // CPU time of all threads.
  std::uint64_t system_us = 0;
  std::uint64_t machine_bytes = 0;  // Memory of the machine.
  std::string system;               // "Linux 6.1.0 x86_64".
};

/// Both ends of a connection, as "ip:port", "[v6]:port" or "path:0".
struct SocketNames {
  std::string peer = "?:0";
  std::string local = "?:0";
};

class Host {
 public:
  Host() = default;
  Host(const Host&) = delete;
  Host& operator=(const Host&) = delete;
  virtual ~Host() = default;

  /// Opens a directory (mode 0700 if it has to be made, its parent synced; a symlink is refused).
  virtual Result<int> open_directory(const std::string& path) = 0;

  /// Takes the exclusive lock of a directory, through the file LOCK in it, for the life of the
  /// process. ErrorCode::in_use when another process holds it.
  virtual Result<void> lock_directory(int directory) = 0;

  /// Regular files and anything else in the directory, without "." and "..", in any order.
  virtual Result<std::vector<FileInfo>> list_directory(int directory) = 0;

  virtual Result<SpaceInfo> space(int directory) = 0;

  /// The unit of direct writes in this directory: the larger of the file system's direct-IO
  /// alignment and the physical block, a power of two from 512 to 65536. 0 where direct IO is
  /// refused (the log then writes buffered and syncs).
  virtual Result<std::uint32_t> write_alignment(int directory) = 0;

  /// A listening, non-blocking socket, TCP_NODELAY inherited; several cores may listen on the same
  /// TCP endpoint (SO_REUSEPORT). An error names the address and what to do.
  virtual Result<int> listen(const Endpoint& endpoint) = 0;

  /// The TCP port that a listener got when it asked for port 0; 0 where there is none to tell.
  virtual std::uint16_t bound_port(int /*listener*/) { return 0; }

  virtual ProcessUsage usage() { return {}; }

  /// Stops the calling thread.
  virtual void sleep_ns(std::uint64_t /*ns*/) {}
  virtual SocketNames socket_names(int /*connection*/) { return {}; }

  virtual void close(int fd) = 0;
};

/// Where the first failure that the log must not survive goes. In production raise() prints and
/// ends the process at once, with held replies unsent; in the simulator it marks the process dead
/// and returns, so callers must not go on to acknowledge anything.
class Failure {
 public:
  Failure() = default;
  Failure(const Failure&) = delete;
  Failure& operator=(const Failure&) = delete;
  virtual ~Failure() = default;

  virtual void raise(const std::string& message) = 0;
};

}  // namespace phoenix::io
