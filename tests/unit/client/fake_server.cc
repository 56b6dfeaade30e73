#include "tests/unit/client/fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace phoenix::client::test {

namespace {

constexpr int kPatienceMs = 20'000;
/// Given, it does not grow: some kernels let a server that is slow hold 32 MB that it has not read.
constexpr int kReceiveBufferBytes = 1 << 18;

void require(bool condition) {
  if (!condition) std::abort();
}

void set_patience(int fd) {
  const timeval timeout{kPatienceMs / 1000, 0};
  require(::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout) == 0);
  require(::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof timeout) == 0);
}

int listen_tcp(std::uint16_t& port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(fd >= 0);
  const int room = kReceiveBufferBytes;
  require(::setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room) == 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  require(::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0);
  require(::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  port = ntohs(address.sin_port);
  return fd;
}

int listen_unix(const std::string& path) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  require(fd >= 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  require(path.size() < sizeof address.sun_path);
  std::memcpy(address.sun_path, path.data(), path.size());
  require(::bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  return fd;
}

/// Repeats a call that a signal cut: where a socket has a timeout, a stop and its end are enough.
template <typename Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

/// -1 when nobody came in time, or the listener was shut down.
int accept_one(int listener) {
  pollfd entry{listener, POLLIN, 0};
  if (uninterrupted([&entry] { return ::poll(&entry, 1, kPatienceMs); }) != 1) return -1;
  return ::accept(listener, nullptr, nullptr);
}

}  // namespace

std::vector<std::string> Request::words() const {
  std::vector<std::string_view> views;
  require(protocol::decode_argv(value, protocol::kArgsMax, views).ok());
  return {views.begin(), views.end()};
}

Peer::~Peer() {
  if (fd_ >= 0) require(::close(fd_) == 0);
}

std::optional<Request> Peer::next() {
  Request request;
  if (!fill(protocol::kHeaderBytes)) return std::nullopt;
  require(protocol::decode_header(input_.data(), request.header).ok());
  const protocol::RequestHeader& header = request.header;
  if (!fill(header.frame_bytes())) return std::nullopt;
  const std::size_t key_at = protocol::kHeaderBytes + header.ttl_bytes();
  request.key = input_.substr(key_at, header.key_bytes);
  request.value = input_.substr(key_at + header.key_bytes, header.value_bytes);
  input_.erase(0, header.frame_bytes());
  return request;
}

/// Until input_ holds that many.
bool Peer::fill(std::size_t bytes) {
  while (input_.size() < bytes) {
    std::array<char, 65'536> room{};
    const ssize_t count = uninterrupted([&] { return ::recv(fd_, room.data(), room.size(), 0); });
    if (count <= 0) return false;
    input_.append(room.data(), static_cast<std::size_t>(count));
  }
  return true;
}

std::string Peer::take(std::size_t bytes) {
  if (!fill(bytes)) return {};
  std::string taken = input_.substr(0, bytes);
  input_.erase(0, bytes);
  return taken;
}

bool Peer::send(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t count =
        uninterrupted([&] { return ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL); });
    if (count <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return true;
}

bool Peer::reply(std::uint32_t id, const protocol::Value& value, bool more_follows) const {
  return send(reply_frame(id, value, more_follows));
}

bool Peer::greet() {
  const std::optional<Request> hello = next();
  if (!hello) return false;
  require(hello->header.type == static_cast<std::uint8_t>(protocol::Opcode::hello));
  return reply(hello->header.id, hello_value());
}

void Peer::end_sending() const {
  require(::shutdown(fd_, SHUT_WR) == 0);
}

void Peer::reset() {
  const linger now{1, 0};
  require(::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &now, sizeof now) == 0);
  require(::close(std::exchange(fd_, -1)) == 0);
}

bool Peer::wait_for_end() const {
  std::array<char, 4'096> room{};
  for (;;) {
    const ssize_t count = uninterrupted([&] { return ::recv(fd_, room.data(), room.size(), 0); });
    // Who closes with bytes unread resets the connection.
    if (count <= 0) return count == 0 || errno == ECONNRESET;
  }
}

FakeServer::FakeServer(Script script, int connections, const std::string& unix_path) {
  listener_ = unix_path.empty() ? listen_tcp(port_) : listen_unix(unix_path);
  require(::listen(listener_, 8) == 0);
  thread_ = std::thread([script = std::move(script), connections, listener = listener_] {
    for (int i = 0; i < connections; ++i) {
      const int fd = accept_one(listener);
      if (fd < 0) return;
      set_patience(fd);
      Peer peer(fd);
      script(peer);
    }
  });
}

FakeServer::~FakeServer() {
  // Wakes an accept that nobody will come to.
  static_cast<void>(::shutdown(listener_, SHUT_RDWR));
  thread_.join();
  require(::close(listener_) == 0);
}

protocol::Value hello_value() {
  return list_value({bytes_value("server"), bytes_value("phoenix"), bytes_value("version"),
                     bytes_value("1.2.3"), bytes_value("cores"), integer_value(2)},
                    protocol::Kind::map);
}

protocol::Value ok_value() {
  return {};
}

protocol::Value bytes_value(std::string_view bytes) {
  protocol::Value value;
  value.kind = protocol::Kind::bytes;
  value.bytes = bytes;
  return value;
}

protocol::Value integer_value(std::int64_t integer) {
  protocol::Value value;
  value.kind = protocol::Kind::integer;
  value.integer = integer;
  return value;
}

protocol::Value text_value(std::string_view text) {
  protocol::Value value = bytes_value(text);
  value.kind = protocol::Kind::text;
  return value;
}

protocol::Value error_value(protocol::Status status, std::string_view text) {
  protocol::Value value;
  value.status = status;
  value.bytes = text;
  return value;
}

protocol::Value list_value(std::vector<protocol::Value> items, protocol::Kind kind) {
  protocol::Value value;
  value.kind = kind;
  value.items = std::move(items);
  return value;
}

std::string reply_frame(std::uint32_t id, const protocol::Value& value, bool more_follows) {
  std::string frame;
  protocol::append_reply(frame, id, value, more_follows);
  return frame;
}

}  // namespace phoenix::client::test
