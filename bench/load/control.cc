#include "bench/load/control.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "bench/load/control_text.h"
#include "bench/measure/process.h"
#include "protocol/error.h"
#include "protocol/reader.h"

namespace phoenix::bench {
namespace {

using protocol::Kind;
using protocol::Status;
using uring::UniqueFd;

constexpr std::uint32_t kRequestId = 1;  // One request at a time is on its way.
constexpr std::size_t kAnswerBytesMax = std::size_t{1} << 20U;

struct FreeAddresses {
  void operator()(addrinfo* list) const { freeaddrinfo(list); }
};

Result<UniqueFd> connect_socket(const addrinfo& address) {
  UniqueFd fd(socket(address.ai_family, address.ai_socktype | SOCK_CLOEXEC, address.ai_protocol));
  const int one = 1;
  // Where packets are dropped, connecting would take minutes to fail. What is sent has no limit.
  const timeval patience{kAnswerSeconds, 0};
  const timeval no_limit{};
  if (!fd.valid() ||
      setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
      connect(fd.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &no_limit, sizeof no_limit) != 0 ||
      setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0) {
    return fail(ErrorCode::io, errno == EINPROGRESS
                                   ? fmt::format("no answer within {} s", kAnswerSeconds)
                                   : std::strerror(errno));
  }
  return fd;
}

/// One request and its reply at a time.
class Conversation final {
 public:
  explicit Conversation(UniqueFd fd) : fd_(std::move(fd)), reader_(kAnswerBytesMax) {}

  /// The reply lives until the next call.
  Result<protocol::ReplyFrame> ask(const std::string& request);

  int fd() const { return fd_.get(); }
  UniqueFd take_fd() { return std::move(fd_); }

 private:
  UniqueFd fd_;
  protocol::FrameReader reader_;
};

std::string error_text(const protocol::ReplyFrame& frame) {
  return fmt::format("{} {}", error_prefix(frame.header.status), protocol::printable(frame.value));
}

// An error that nobody asked for says why the connection ends.
Result<protocol::ReplyFrame> answer_of(const protocol::ReplyFrame& frame) {
  if (frame.header.id == 0 && is_error(frame.header.status)) {
    return fail(ErrorCode::io, fmt::format("it ended the connection: {}", error_text(frame)));
  }
  return frame;
}

Result<protocol::ReplyFrame> Conversation::ask(const std::string& request) {
  const timeval patience{kAnswerSeconds, 0};
  if (setsockopt(fd_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) != 0 ||
      send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) !=
          static_cast<ssize_t>(request.size())) {
    return fail(ErrorCode::io, std::strerror(errno));
  }
  for (;;) {
    protocol::ReplyFrame frame;
    const auto outcome = reader_.next(frame);
    if (outcome == protocol::FrameReader::Outcome::frame) return answer_of(frame);
    if (outcome == protocol::FrameReader::Outcome::malformed) {
      return fail(ErrorCode::unsupported,
                  fmt::format("it does not speak the native protocol: {}", reader_.error().text));
    }
    const std::span<char> room = reader_.prepare();
    const ssize_t size = recv(fd_.get(), room.data(), room.size(), 0);
    if (size > 0) {
      reader_.commit(static_cast<std::size_t>(size));
    } else if (size == 0) {
      return fail(ErrorCode::unsupported,
                  "it closed the connection: it may not speak the native protocol");
    } else if (errno == EAGAIN) {
      return fail(ErrorCode::io,
                  fmt::format("no answer within {} s: it may not speak the native protocol",
                              kAnswerSeconds));
    } else if (errno != EINTR) {
      return fail(ErrorCode::io, std::strerror(errno));
    }
  }
}

// The two ends of a connection have one address exactly when they are one machine.
bool same_machine(int fd) {
  std::array<sockaddr_storage, 2> ends{};
  std::array<socklen_t, 2> sizes{sizeof ends[0], sizeof ends[1]};
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&ends[0]), &sizes[0]) != 0) return false;
  if (getpeername(fd, reinterpret_cast<sockaddr*>(&ends[1]), &sizes[1]) != 0) return false;
  if (ends[0].ss_family != ends[1].ss_family) return false;
  if (ends[0].ss_family == AF_INET) {
    return reinterpret_cast<sockaddr_in*>(&ends[0])->sin_addr.s_addr ==
           reinterpret_cast<sockaddr_in*>(&ends[1])->sin_addr.s_addr;
  }
  return std::memcmp(&reinterpret_cast<sockaddr_in6*>(&ends[0])->sin6_addr,
                     &reinterpret_cast<sockaddr_in6*>(&ends[1])->sin6_addr, sizeof(in6_addr)) == 0;
}

Result<void> hello(Conversation& server, ServerFacts& facts) {
  std::string request;
  append_request(request, protocol::Opcode::hello, 0, kRequestId, {}, "phoenix-bench");
  const auto reply = server.ask(request);
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (is_error(reply->header.status)) {
    return fail(ErrorCode::unsupported, fmt::format("HELLO: {}", error_text(*reply)));
  }
  protocol::Value map;
  if (const auto error = decode_reply_value(reply->header, reply->value, map); !error.ok()) {
    return fail(ErrorCode::unsupported, fmt::format("HELLO: {}", error.text));
  }
  take_hello(map, facts);
  return {};
}

// What HELLO does not tell.
void ask_info(Conversation& server, ServerFacts& facts) {
  std::string request;
  protocol::append_argv_request(request, 0, kRequestId, {"INFO"});
  const auto reply = server.ask(request);
  ServerFacts told;
  if (reply && reply->header.status == Status::ok) take_info(reply->value, told);
  facts.pid = told.pid;
}

Result<void> ask_native(Conversation& server, ServerFacts& facts) {
  if (auto greeted = hello(server, facts); !greeted) return greeted;
  ask_info(server, facts);
  return {};
}

// Who listens on a unix socket; 0 when that is not known here.
int process_behind(int fd) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

Result<UniqueFd> connect_tcp(const Target& target) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(target.port);
  const int error = getaddrinfo(target.host.c_str(), port.c_str(), &wanted, &found);
  if (error != 0) {
    return fail(ErrorCode::invalid, fmt::format("{}: {}", target.host, gai_strerror(error)));
  }
  const std::unique_ptr<addrinfo, FreeAddresses> addresses(found);
  std::string why;
  for (const addrinfo* address = found; address != nullptr; address = address->ai_next) {
    auto fd = connect_socket(*address);
    if (fd) return fd;
    why = fd.error().message;
  }
  return fail(ErrorCode::io, fmt::format("cannot connect to {}: {}", target.text(), why));
}

Result<UniqueFd> connect_unix(const Target& target) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (target.unix_path.size() >= sizeof address.sun_path) {
    return fail(ErrorCode::invalid, fmt::format("--unix {}: longer than the path of a unix socket "
                                                "can be",
                                                target.unix_path));
  }
  std::memcpy(address.sun_path, target.unix_path.data(), target.unix_path.size());
  UniqueFd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (!fd.valid() || connect(fd.get(), generic, sizeof address) != 0) {
    return fail(ErrorCode::io,
                fmt::format("cannot connect to {}: {}", target.text(), std::strerror(errno)));
  }
  return fd;
}

Result<void> authenticate_native(Conversation& server, const std::string& password) {
  std::string request;
  protocol::append_argv_request(request, 0, kRequestId, {"AUTH", password});
  const auto reply = server.ask(request);
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (!is_error(reply->header.status)) return {};
  return fail(ErrorCode::not_permitted, fmt::format("AUTH: {}", error_text(*reply)));
}

Result<UniqueFd> authenticated(UniqueFd fd, const Target& target) {
  if (target.protocol == Protocol::resp) {
    auto opened = authenticate_resp(fd.get(), target.password);
    if (!opened) return tl::unexpected<Error>(opened.error());
    return fd;
  }
  Conversation server(std::move(fd));
  auto opened = authenticate_native(server, target.password);
  if (!opened) return tl::unexpected<Error>(opened.error());
  return server.take_fd();
}

Error at(const Target& target, const Error& error) {
  return {error.code, fmt::format("{}: {}", target.text(), error.message)};
}

// The process, for whoever is on this machine: from the kernel, which knows better than a server
// that may be asked through a proxy.
int find_process(const Target& target, int fd) {
  if (!target.unix_path.empty()) return process_behind(fd);
  return same_machine(fd) ? find_listener(target.port) : 0;
}

}  // namespace

Result<UniqueFd> connect_to(const Target& target) {
  auto fd = target.unix_path.empty() ? connect_tcp(target) : connect_unix(target);
  if (!fd || target.password.empty()) return fd;
  auto opened = authenticated(std::move(*fd), target);
  if (!opened) return tl::unexpected<Error>(at(target, opened.error()));
  return opened;
}

void take_hello(const protocol::Value& map, ServerFacts& facts) {
  if (map.kind != Kind::map) return;
  for (std::size_t i = 0; i + 1 < map.items.size(); i += 2) {
    const std::string_view key = map.items[i].bytes;
    const protocol::Value& value = map.items[i + 1];
    if (key == "server") facts.name = value.bytes;
    if (key == "version" && value.kind != Kind::integer) facts.version = value.bytes;
    if (key == "cores" && value.kind == Kind::integer && value.integer > 0) {
      facts.cores = static_cast<std::uint32_t>(value.integer);
    }
  }
}

Result<ServerFacts> ask_server(const Target& target, int known_pid) {
  auto fd = connect_to(target);
  if (!fd) return tl::unexpected<Error>(fd.error());
  ServerFacts facts;
  const int asked = fd->get();
  const bool is_here = !target.unix_path.empty() || same_machine(asked);
  const int found = known_pid != 0 ? known_pid : find_process(target, asked);
  Result<void> answered;
  if (target.protocol == Protocol::native) {
    Conversation server(std::move(*fd));
    answered = ask_native(server, facts);
  } else {
    answered = is_memcached(target.protocol) ? ask_memcached(asked, facts) : ask_resp(asked, facts);
  }
  if (!answered) return tl::unexpected<Error>(at(target, answered.error()));
  facts.same_machine = is_here;
  if (found != 0) facts.pid = found;
  if (!is_here && known_pid == 0) facts.pid = 0;
  // Threads beyond the CPUs that it may use can keep none busy.
  const std::uint32_t cpus = facts.pid != 0 ? allowed_cpus(facts.pid) : 0;
  if (cpus != 0 && target.protocol != Protocol::native) facts.cores = std::min(facts.cores, cpus);
  return facts;
}

}  // namespace phoenix::bench
