#include "bench/peers/probe.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <fstream>
#include <string>
#include <string_view>

#include "phoenix/client/connection.h"
#include "phoenix/client/socket.h"
#include "phoenix/uring/os_error.h"
#include "phoenix/uring/system.h"
#include "phoenix/uring/unique_fd.h"

namespace phoenix::bench {
namespace {

client::Endpoint endpoint_of(std::uint16_t port) {
  client::Endpoint endpoint;
  endpoint.port = port;
  return endpoint;
}

struct PortRange {
  std::uint16_t first;
  std::uint16_t last;  // Within.
};

/// The larger of the two ranges from which the kernel takes no ports for outgoing connections.
/// While a server that was killed has not started again, such a connection, even our own that asks
/// whether it is back, could get its port and keep it from listening.
PortRange ports_of_servers() {
  constexpr std::uint32_t kFirst = 1024;
  constexpr std::uint32_t kLast = 65535;
  std::uint32_t first = 32768;
  std::uint32_t last = 60999;
  std::ifstream file("/proc/sys/net/ipv4/ip_local_port_range");
  file >> first >> last;
  if (!file || first > last || last > kLast) return {10'000, 30'000};
  const std::uint32_t below = first > kFirst ? first - kFirst : 0;
  const std::uint32_t above = kLast - last;
  if (below == 0 && above == 0) return {kFirst, kLast};  // It leaves none.
  const bool is_below = below >= above;
  return {static_cast<std::uint16_t>(is_below ? kFirst : last + 1),
          static_cast<std::uint16_t>(is_below ? first - 1 : kLast)};
}

/// 0: nobody has the port.
int bind_error(std::uint16_t port) {
  const uring::UniqueFd fd(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return errno;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return bind(fd.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0 ? 0 : errno;
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
  constexpr int kTriesMax = 1000;
  const auto [first, last] = ports_of_servers();
  const auto count = static_cast<std::uint64_t>(last) - first + 1;
  uring::SystemRandom random;
  int error = EADDRINUSE;
  for (int i = 0; i < kTriesMax && error == EADDRINUSE; ++i) {
    const auto port = static_cast<std::uint16_t>(first + random.next() % count);
    error = bind_error(port);
    if (error == 0) return port;
  }
  return uring::os_failure("no free port on 127.0.0.1", error);
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
