#include "phoenix/uring/listener.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <optional>

#include <fmt/format.h>

#include "phoenix/uring/os_error.h"
#include "phoenix/uring/unique_fd.h"

namespace phoenix::uring {
namespace {

constexpr int kBacklog = 4096;              // The kernel cuts it to net.core.somaxconn.
constexpr int kPeerTimeoutMs = 60'000;      // Unacknowledged data ends the connection after this.
constexpr int kKeepaliveIdleSeconds = 60;   // A silent peer is asked after this ...
constexpr int kKeepalivePauseSeconds = 10;  // ... every so often ...
constexpr int kKeepaliveProbes = 6;         // ... so many times: gone after two minutes.
constexpr mode_t kSocketFileMode = 0660;
constexpr int kInUseAttempts = 50;  // Half a second in all.
constexpr int kInUsePauseUs = 10'000;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

// Numbers only: a name would mean a question to the network, and more than one answer.
Result<Addresses> parse_address(const std::string& address, std::uint16_t port) {
  addrinfo hints{};
  hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV | AI_PASSIVE;
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string service = std::to_string(port);
  if (address.empty() || getaddrinfo(address.c_str(), service.c_str(), &hints, &found) != 0) {
    return fail(ErrorCode::invalid,
                fmt::format("\"{}\" is not an IP address: give one like 127.0.0.1 or ::1, without "
                            "brackets (0.0.0.0 or :: for all of this machine)",
                            address));
  }
  return Addresses(found);
}

struct SocketOption {
  int level = 0;
  int name = 0;
  int value = 1;
};

// SO_REUSEADDR: connections of the last run that are still dying do not block the port.
constexpr auto kTcpOptions = std::to_array<SocketOption>({
    {SOL_SOCKET, SO_REUSEADDR, 1},
    {IPPROTO_TCP, TCP_NODELAY, 1},
    {SOL_SOCKET, SO_KEEPALIVE, 1},
    {IPPROTO_TCP, TCP_KEEPIDLE, kKeepaliveIdleSeconds},
    {IPPROTO_TCP, TCP_KEEPINTVL, kKeepalivePauseSeconds},
    {IPPROTO_TCP, TCP_KEEPCNT, kKeepaliveProbes},
    {IPPROTO_TCP, TCP_USER_TIMEOUT, kPeerTimeoutMs},
});

bool set_option(int fd, const SocketOption& option) {
  return setsockopt(fd, option.level, option.name, &option.value, sizeof(option.value)) == 0;
}

bool set_tcp_options(int fd, int family) {
  for (const SocketOption& option : kTcpOptions) {
    if (!set_option(fd, option)) return false;
  }
  return family != AF_INET6 || set_option(fd, {IPPROTO_IPV6, IPV6_V6ONLY, 1});
}

bool share_port(int fd) {
  return set_option(fd, {SOL_SOCKET, SO_REUSEPORT, 1});
}

// SO_REUSEPORT alone would let a second server of the same user listen on the same port, and each
// would get half of the connections. So the first listener binds and listens without it, which
// fails if anybody is there, and opens the port to the others of this process afterwards: two
// servers that start at the same moment cannot both get through.
bool bind_and_listen(int fd, const addrinfo& address, PortSharing sharing) {
  if (sharing == PortSharing::join && !share_port(fd)) return false;
  if (bind(fd, address.ai_addr, address.ai_addrlen) != 0) return false;
  if (::listen(fd, kBacklog) != 0) return false;
  return sharing == PortSharing::join || share_port(fd);
}

Error explain_tcp(const std::string& address, std::uint16_t port, int error) {
  switch (error) {
    case EADDRINUSE:
      return {ErrorCode::in_use,
              fmt::format("port {} on {} is in use by another process: stop it or choose another "
                          "port with --port",
                          port, address)};
    case EADDRNOTAVAIL:
      return {ErrorCode::invalid,
              fmt::format("cannot listen on {}: no network interface of this machine has that "
                          "address",
                          address)};
    case EAFNOSUPPORT:
      return {ErrorCode::unsupported,
              fmt::format("cannot listen on {}: this machine has that version of IP switched off",
                          address)};
    case EACCES:
      return {ErrorCode::not_permitted,
              fmt::format("no right to listen on port {} of {}: ports below 1024 are reserved, "
                          "choose another with --port",
                          port, address)};
    default:
      return os_error(fmt::format("cannot listen on port {} of {}", port, address), error);
  }
}

Result<sockaddr_un> unix_address(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof(address.sun_path) || path.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid, fmt::format("the socket path {} is too long: at most {} bytes",
                                                path, sizeof(address.sun_path) - 1));
  }
  std::memcpy(static_cast<char*>(address.sun_path), path.data(), path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

// Makes room for the socket file: a file that nobody accepts on is what a dead server left.
std::optional<Error> remove_stale_socket(const std::string& path, const sockaddr_un& address) {
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT) return std::nullopt;
    return os_error(fmt::format("cannot look at the socket path {}", path), errno);
  }
  if (!S_ISSOCK(status.st_mode)) {
    return Error{ErrorCode::invalid, fmt::format("{} exists and is not a socket: choose another "
                                                 "path for the socket or remove the file",
                                                 path)};
  }
  const UniqueFd probe(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!probe.valid()) return os_error("cannot make a socket", errno);
  // EAGAIN: somebody listens, and his queue is full.
  if (connect(probe.get(), generic(address), sizeof(address)) == 0 || errno == EAGAIN) {
    return Error{ErrorCode::in_use,
                 fmt::format("the socket {} is in use by another process: stop it or choose "
                             "another path",
                             path)};
  }
  if (errno != ECONNREFUSED) {
    return os_error(fmt::format("cannot find out who uses the socket {}", path), errno);
  }
  if (unlink(path.c_str()) != 0 && errno != ENOENT) {
    return os_error(fmt::format("cannot remove the old socket {}", path), errno);
  }
  return std::nullopt;
}

// The mode before bind() closes the moment in which the file could have more rights than wanted;
// the mode after it gives the rights that the umask took away.
bool bind_unix(int fd, const std::string& path, const sockaddr_un& address) {
  return fchmod(fd, kSocketFileMode) == 0 && bind(fd, generic(address), sizeof(address)) == 0 &&
         chmod(path.c_str(), kSocketFileMode) == 0 && ::listen(fd, kBacklog) == 0;
}

// A ring outlives its process by some milliseconds, and holds the listening sockets until the
// kernel has taken it down. Who is started again at once after a crash must get his port all the
// same: "in use" counts when it lasts.
template <typename Attempt>
Result<int> insist(Attempt attempt) {
  Result<int> result = attempt();
  for (int i = 1; i < kInUseAttempts; ++i) {
    if (result || result.error().code != ErrorCode::in_use) break;
    usleep(kInUsePauseUs);
    result = attempt();
  }
  return result;
}

Result<int> listen_tcp_once(const std::string& address, std::uint16_t port, PortSharing sharing) {
  const auto parsed = parse_address(address, port);
  if (!parsed) return tl::unexpected<Error>(parsed.error());
  const addrinfo& target = **parsed;
  UniqueFd fd(socket(target.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid() || !set_tcp_options(fd.get(), target.ai_family) ||
      !bind_and_listen(fd.get(), target, sharing)) {
    return tl::unexpected<Error>(explain_tcp(address, port, errno));
  }
  return fd.take();
}

Result<int> listen_unix_once(const std::string& path) {
  const auto address = unix_address(path);
  if (!address) return tl::unexpected<Error>(address.error());
  if (auto error = remove_stale_socket(path, *address)) return tl::unexpected<Error>(*error);
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd.valid() || !bind_unix(fd.get(), path, *address)) {
    return os_failure(fmt::format("cannot listen on the socket {}", path), errno);
  }
  return fd.take();
}

}  // namespace

Result<int> listen_tcp(const std::string& address, std::uint16_t port, PortSharing sharing) {
  return insist([&] { return listen_tcp_once(address, port, sharing); });
}

Result<int> listen_unix(const std::string& path) {
  return insist([&] { return listen_unix_once(path); });
}

SocketFile SocketFile::at(const std::string& path) {
  SocketFile file;
  struct stat status {};
  if (lstat(path.c_str(), &status) != 0) return file;
  file.path_ = path;
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  return file;
}

void SocketFile::remove() const {
  struct stat status {};
  if (inode_ == 0 || lstat(path_.c_str(), &status) != 0) return;
  if (status.st_dev != device_ || status.st_ino != inode_) return;
  // Without the right to it the file stays, and the next start replaces it.
  static_cast<void>(unlink(path_.c_str()));
}

}  // namespace phoenix::uring
