#include "phoenix/client/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cctype>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace phoenix::client {

namespace {

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using AddressList = std::unique_ptr<addrinfo, FreeAddresses>;

constexpr const char* kIsItRunning = "; is the server running?";

/// Why one attempt failed: another address may still be tried.
tl::unexpected<Error> connect_failure(const Endpoint& endpoint, int error) {
  const std::string why = endpoint.text() + ": " + os_error_text(error);
  if (error == ECONNREFUSED || (error == ENOENT && !endpoint.unix_path.empty())) {
    return fail(ErrorCode::unreachable, "no server at " + why + kIsItRunning);
  }
  return fail(ErrorCode::unreachable, "cannot connect to " + why);
}

tl::unexpected<Error> no_answer(const Endpoint& endpoint) {
  return fail(ErrorCode::timed_out, "no answer from " + endpoint.text() +
                                        " in time; check the host, the port and the firewall");
}

Result<void> finish_connect(const Socket& socket, int fd, const Endpoint& endpoint,
                            Deadline deadline) {
  const Socket::Ready ready = socket.wait(false, true, deadline);
  if (ready.outcome == Socket::Outcome::interrupted) {
    return fail(ErrorCode::interrupted, "interrupted while connecting to " + endpoint.text());
  }
  if (ready.outcome == Socket::Outcome::timed_out) return no_answer(endpoint);
  int error = 0;
  socklen_t size = sizeof error;
  if (::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) return connect_failure(endpoint, error);
  return {};
}

/// One attempt at one address of a host.
Result<std::unique_ptr<Socket>> connect_address(const Endpoint& endpoint, const addrinfo& address,
                                                Deadline deadline, int interrupt_fd) {
  const int fd = ::socket(address.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return connect_failure(endpoint, errno);
  auto socket = std::make_unique<Socket>(fd, interrupt_fd);
  const int on = 1;
  // Requests are sent in batches of our own making: the kernel should not wait for more.
  if (::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) != 0) {
    return connect_failure(endpoint, errno);
  }
  // An interrupted connect() goes on by itself, like one that would block.
  if (::connect(fd, address.ai_addr, address.ai_addrlen) != 0) {
    if (errno != EINPROGRESS && errno != EINTR) return connect_failure(endpoint, errno);
    const Result<void> finished = finish_connect(*socket, fd, endpoint, deadline);
    if (!finished) return tl::unexpected<Error>(finished.error());
  }
  return socket;
}

/// A unix socket whose backlog is full says EAGAIN at once when it does not block, and nothing
/// tells when to try again: so this connect() blocks, with the timeout on the socket itself.
int connect_blocking(int fd, const sockaddr_un& address, std::uint32_t timeout_ms) {
  const timeval timeout{timeout_ms / 1000, static_cast<suseconds_t>(timeout_ms % 1000) * 1000};
  if (::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) != 0) return errno;
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  while (::connect(fd, generic, sizeof address) != 0) {
    if (errno != EINTR) return errno;
  }
  const int flags = ::fcntl(fd, F_GETFL);
  return flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ? errno : 0;
}

Result<std::unique_ptr<Socket>> connect_unix(const Endpoint& endpoint, std::uint32_t timeout_ms,
                                             int interrupt_fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string& path = endpoint.unix_path;
  if (path.size() >= sizeof address.sun_path || path.find('\0') != std::string::npos) {
    return fail(ErrorCode::invalid, "the path of a unix socket must be shorter than " +
                                        std::to_string(sizeof address.sun_path) + " bytes");
  }
  std::memcpy(address.sun_path, path.data(), path.size());
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return connect_failure(endpoint, errno);
  auto socket = std::make_unique<Socket>(fd, interrupt_fd);
  const int error = connect_blocking(fd, address, timeout_ms);
  if (error == EAGAIN) return no_answer(endpoint);
  if (error != 0) return connect_failure(endpoint, error);
  return socket;
}

Result<AddressList> resolve(const Endpoint& endpoint) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  addrinfo* list = nullptr;
  const std::string port = std::to_string(endpoint.port);
  const int error = ::getaddrinfo(endpoint.host.c_str(), port.c_str(), &hints, &list);
  if (error != 0) {
    const std::string why = error == EAI_SYSTEM ? os_error_text(errno) : ::gai_strerror(error);
    return fail(ErrorCode::unreachable, "cannot find the host '" + endpoint.host + "': " + why);
  }
  return AddressList(list);
}

}  // namespace

std::string os_error_text(int error) {
  std::string text = std::generic_category().message(error);
  if (text.size() > 1 && std::islower(static_cast<unsigned char>(text[1])) != 0) {
    text[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(text[0])));
  }
  return text;
}

std::string seconds_text(std::uint32_t ms) {
  std::string text = std::to_string(ms / 1000);
  if (ms % 1000 != 0) {
    std::string fraction = std::to_string(1000 + ms % 1000).substr(1);
    fraction.resize(fraction.find_last_not_of('0') + 1);
    text += "." + fraction;
  }
  return text + " s";
}

std::string Endpoint::text() const {
  if (!unix_path.empty()) return unix_path;
  const bool is_ipv6 = host.find(':') != std::string::npos;
  return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

Result<std::unique_ptr<Socket>> Socket::connect(const Endpoint& endpoint, std::uint32_t timeout_ms,
                                                int interrupt_fd) {
  if (!endpoint.unix_path.empty()) return connect_unix(endpoint, timeout_ms, interrupt_fd);
  const Deadline deadline = Deadline::after(timeout_ms);
  const Result<AddressList> addresses = resolve(endpoint);
  if (!addresses) return tl::unexpected<Error>(addresses.error());
  Error last{ErrorCode::unreachable, "the host '" + endpoint.host + "' has no address"};
  for (const addrinfo* at = addresses->get(); at != nullptr; at = at->ai_next) {
    auto socket = connect_address(endpoint, *at, deadline, interrupt_fd);
    if (socket) return socket;
    last = std::move(socket.error());
    if (last.code != ErrorCode::unreachable) break;
  }
  return tl::unexpected<Error>(std::move(last));
}

Socket::~Socket() {
  // Nothing is lost by an error here: what matters was answered, or is reported as unanswered.
  static_cast<void>(::close(fd_));
}

Socket::Ready Socket::wait(bool for_reading, bool for_writing, Deadline deadline) const {
  std::array<pollfd, 2> fds{};
  fds[0].fd = fd_;
  fds[0].events = static_cast<short>((for_reading ? POLLIN : 0) | (for_writing ? POLLOUT : 0));
  fds[1].fd = interrupt_fd_;  // poll() skips negative ones.
  fds[1].events = POLLIN;
  for (;;) {
    const int count = ::poll(fds.data(), fds.size(), deadline.poll_timeout_ms());
    if (count < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (count == 0) return {Outcome::timed_out, false, false};
    if (fds[1].revents != 0) return {Outcome::interrupted, false, false};
    const bool broken = count < 0 || (fds[0].revents & (POLLERR | POLLHUP | POLLNVAL)) != 0;
    return {Outcome::ready, for_reading && (broken || (fds[0].revents & POLLIN) != 0),
            for_writing && (broken || (fds[0].revents & POLLOUT) != 0)};
  }
}

Socket::Transfer Socket::send(std::string_view bytes) const {
  for (;;) {
    const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) return {static_cast<std::size_t>(sent), false, 0};
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return {};
    return {0, false, errno};
  }
}

Socket::Transfer Socket::receive(std::span<char> into) const {
  for (;;) {
    const ssize_t received = ::recv(fd_, into.data(), into.size(), 0);
    if (received > 0) return {static_cast<std::size_t>(received), false, 0};
    if (received == 0) return {0, true, 0};
    if (errno == EINTR) continue;
    if (errno == EAGAIN) return {};
    return {0, false, errno};
  }
}

bool Socket::peer_closed() const {
  for (;;) {
    char byte = 0;
    const ssize_t received = ::recv(fd_, &byte, sizeof byte, MSG_PEEK);
    if (received > 0) return false;
    if (received < 0 && errno == EINTR) continue;
    return received == 0 || errno != EAGAIN;
  }
}

}  // namespace phoenix::client
