// Listening sockets, ready for multishot accepts: what is set here is inherited by every accepted
// socket, so that no system call per connection is needed.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>

#include "phoenix/base/result.h"

namespace phoenix::uring {

enum class PortSharing : std::uint8_t {
  first,  // Nobody else may listen on the port; from then on others of this process may join.
  join,   // Somebody of this process listens there already.
};

/// `address` is an IPv4 or IPv6 address without brackets; an IPv6 socket takes IPv6 only.
Result<int> listen_tcp(const std::string& address, std::uint16_t port, PortSharing sharing);

/// The socket file gets mode 0660. A file that a dead server left is replaced.
Result<int> listen_unix(const std::string& path);

/// The file of a unix socket, told from another one that takes its place later.
class SocketFile final {
 public:
  /// Of a socket that listens.
  static SocketFile at(const std::string& path);

  /// Removes it if it is still the same. To be called while the socket listens: as long as it does,
  /// no other server replaces the file, and the number of its inode is not given to another.
  void remove() const;

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;  // 0: the file was gone at once, and there is nothing to remove.
};

}  // namespace phoenix::uring
