#include "bench/peers/probe.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <string>
#include <string_view>

#include "phoenix/client/connection.h"
#include "phoenix/client/socket.h"
#include "phoenix/uring/os_error.h"
#include "phoenix/uring/unique_fd.h"

namespace phoenix::bench {
namespace {

client::Endpoint endpoint_of(std::uint16_t port) {
  client::Endpoint endpoint;
  endpoint.port = port;
  return endpoint;
}

// One that wants a password, is full, or is another server than Phoenix (the ceiling) answers, too.
bool greets(std::uint16_t port, std::uint32_t timeout_ms) {
  client::Options options;
  options.endpoint = endpoint_of(port);
  options.connect_timeout_ms = timeout_ms;
  const auto connection = client::Connection::open(options);
  if (connection) return true;
  const client::ErrorCode code = connection.error().code;
  return code == client::ErrorCode::refused || code == client::ErrorCode::version;
}

/// The first line that comes back; empty when none comes in time. A line of more than 4 KiB is cut.
std::string first_line(std::uint16_t port, std::string_view question, std::uint32_t timeout_ms) {
  constexpr std::size_t kLineBytesMax = 4096;
  const auto deadline = client::Deadline::after(timeout_ms);
  const auto socket = client::Socket::connect(endpoint_of(port), timeout_ms, -1);
  if (!socket || (*socket)->send(question).bytes != question.size()) return {};
  std::string line;
  while (line.find('\n') == std::string::npos && line.size() < kLineBytesMax) {
    const auto ready = (*socket)->wait(true, false, deadline);
    if (ready.outcome != client::Socket::Outcome::ready) return {};
    std::array<char, 512> bytes{};
    const auto transfer = (*socket)->receive(bytes);
    if (transfer.closed || transfer.error != 0) return {};
    line.append(bytes.data(), transfer.bytes);
  }
  return line;
}

}  // namespace

Result<std::uint16_t> find_free_port() {
  const uring::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (!fd.valid() || bind(fd.get(), generic, size) != 0 ||
      getsockname(fd.get(), generic, &size) != 0) {
    return uring::os_failure("no free port on 127.0.0.1", errno);
  }
  return ntohs(address.sin_port);
}

bool answers(Protocol protocol, std::uint16_t port, std::uint32_t timeout_ms) {
  switch (protocol) {
    case Protocol::native:
      return greets(port, timeout_ms);
    case Protocol::resp: {
      const std::string line = first_line(port, "*1\r\n$4\r\nPING\r\n", timeout_ms);
      return line.starts_with("+PONG") || line.starts_with("-NOAUTH");
    }
    default:
      return first_line(port, "version\r\n", timeout_ms).starts_with("VERSION ");
  }
}

}  // namespace phoenix::bench
