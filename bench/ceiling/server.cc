#include "bench/ceiling/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "bench/ceiling/connection.h"
#include "bench/ceiling/raw_ring.h"
#include "bench/measure/process.h"
#include "bench/wire/ceiling_name.h"
#include "phoenix/base/check.h"
#include "protocol/binary.h"

namespace phoenix::bench {
namespace {

using protocol::kHeaderBytes;
using protocol::Opcode;

constexpr std::size_t kArenaBytes = std::size_t{4} << 20U;
constexpr std::size_t kPendingBytesMax = std::size_t{64} << 20U;  // Of a peer that does not read.
constexpr int kBacklog = 4096;

enum class What : std::uint8_t { accept = 1, receive, send, optimistic_send, other };

std::uint64_t user_data(What what, const CeilingConnection& connection) {
  return static_cast<std::uint64_t>(what) << 56U |
         static_cast<std::uint64_t>(connection.generation & 0xFFFFFFU) << 32U | connection.file;
}

/// The few replies there are, encoded once; only the id changes.
struct Replies {
  explicit Replies(std::size_t value_bytes);

  const std::string& to(std::uint8_t opcode) const {
    switch (static_cast<Opcode>(opcode)) {
      case Opcode::get:
        return value;
      case Opcode::ping:
        return pong;
      case Opcode::hello:
        return hello;
      default:
        return ok;
    }
  }

  std::string ok;
  std::string value;
  std::string pong;
  std::string hello;
};

Replies::Replies(std::size_t value_bytes) {
  using protocol::Kind;
  protocol::Value reply;
  append_reply(ok, 0, reply);
  const std::string bytes(value_bytes, 'x');
  reply.kind = Kind::bytes;
  reply.bytes = bytes;
  append_reply(value, 0, reply);
  reply.kind = Kind::text;
  reply.bytes = "PONG";
  append_reply(pong, 0, reply);
  reply.kind = Kind::map;
  for (const char* text : {"server", kCeilingName, "version", PHOENIX_VERSION}) {
    protocol::Value& word = reply.items.emplace_back();
    word.kind = Kind::bytes;
    word.bytes = text;
  }
  append_reply(hello, 0, reply);
}

class Ceiling final {
 public:
  explicit Ceiling(std::size_t value_bytes) : replies_(value_bytes) {}

  Result<void> open(int listener);
  [[noreturn]] void run();

 private:
  friend struct RequestSink;

  void handle(const io_uring_cqe& completion);
  void accepted(const io_uring_cqe& completion);
  void received(const io_uring_cqe& completion);
  void sent(CeilingConnection& connection, int result);
  void cut_short(CeilingConnection& connection, int result);
  void arm_accept();
  void arm_receive(CeilingConnection& connection);
  void post_in_flight(CeilingConnection& connection);
  void flush();
  void flush(CeilingConnection& connection);
  void give_up(CeilingConnection& connection);
  void close_when_idle(CeilingConnection& connection);

  void reply(CeilingConnection& connection, std::uint8_t opcode, std::uint32_t id);
  char* room(CeilingConnection& connection, std::size_t bytes);
  char* pending_room(CeilingConnection& connection, std::size_t bytes);

  CeilingConnection* find(const io_uring_cqe& completion) {
    CeilingConnection& connection = connections_[static_cast<std::uint32_t>(completion.user_data)];
    const auto generation = static_cast<std::uint32_t>(completion.user_data >> 32U) & 0xFFFFFFU;
    const bool same = (connection.generation & 0xFFFFFFU) == generation;
    return same && connection.open ? &connection : nullptr;
  }

  io_uring_sqe& socket_entry(What what, const CeilingConnection& connection, int opcode) {
    io_uring_sqe& entry = ring_.entry();
    entry.opcode = static_cast<std::uint8_t>(opcode);
    entry.fd = static_cast<int>(connection.file);
    entry.flags = IOSQE_FIXED_FILE;
    entry.user_data = user_data(what, connection);
    return entry;
  }

  Replies replies_;
  RawRing ring_;
  int listener_ = -1;
  std::vector<CeilingConnection> connections_;
  std::vector<CeilingConnection*> dirty_;
  // Replies of a turn lie in one arena. Its sends are over after the next enter, when the other
  // one fills, so two are enough.
  std::array<char*, 2> arenas_{};
  unsigned current_ = 0;
  std::size_t arena_used_ = 0;
};

/// What a connection's FrameWalker tells of its requests.
struct RequestSink {
  Ceiling& server;
  CeilingConnection& connection;

  bool begin(const char* bytes, std::size_t& payload_bytes) {
    protocol::RequestHeader header;
    if (!decode_header(bytes, header).ok()) return false;
    payload_bytes = header.frame_bytes() - kHeaderBytes;
    connection.current_type = header.type;
    connection.current_id = header.id;
    return true;
  }
  void part(std::size_t /*offset*/, std::string_view /*bytes*/) {}
  bool end() {
    server.reply(connection, connection.current_type, connection.current_id);
    return true;
  }
};

Result<void> Ceiling::open(int listener) {
  listener_ = listener;
  if (auto opened = ring_.open(); !opened) return opened;
  connections_.resize(RawRing::kDirectFiles);
  for (char*& arena : arenas_) {
    arena = map_memory(kArenaBytes);
    if (arena == nullptr) return fail(ErrorCode::io, "no memory for the ceiling's replies");
  }
  arm_accept();
  return {};
}

void Ceiling::run() {
  for (;;) {
    const int error = ring_.enter(1);
    PHX_CHECK(error == 0 || error == -EINTR || error == -EAGAIN || error == -EBUSY);
    current_ ^= 1U;
    arena_used_ = 0;
    ring_.drain([this](const io_uring_cqe& completion) { handle(completion); });
    flush();
  }
}

void Ceiling::handle(const io_uring_cqe& completion) {
  const auto what = static_cast<What>(completion.user_data >> 56U);
  if (what == What::accept) return accepted(completion);
  if (what == What::receive) return received(completion);
  CeilingConnection* connection = find(completion);
  if (connection == nullptr) return;
  if (what == What::send) return sent(*connection, completion.res);
  if (what == What::optimistic_send) return cut_short(*connection, completion.res);
}

void Ceiling::arm_accept() {
  io_uring_sqe& entry = ring_.entry();
  io_uring_prep_multishot_accept_direct(&entry, listener_, nullptr, nullptr, 0);
  entry.user_data = static_cast<std::uint64_t>(What::accept) << 56U;
}

void Ceiling::accepted(const io_uring_cqe& completion) {
  if ((completion.flags & IORING_CQE_F_MORE) == 0) arm_accept();
  if (completion.res < 0) {
    static_cast<void>(std::fprintf(stderr, "accept: %s\n", std::strerror(-completion.res)));
    return;
  }
  CeilingConnection& connection = connections_[static_cast<std::uint32_t>(completion.res)];
  const std::uint32_t generation = connection.generation;
  connection = CeilingConnection{};
  connection.generation = generation;
  connection.file = static_cast<std::uint32_t>(completion.res);
  connection.open = true;
  arm_receive(connection);
}

void Ceiling::arm_receive(CeilingConnection& connection) {
  io_uring_sqe& entry = socket_entry(What::receive, connection, IORING_OP_RECV);
  entry.ioprio = IORING_RECV_MULTISHOT;
  entry.flags |= IOSQE_BUFFER_SELECT;
  connection.receiving = true;
}

void Ceiling::received(const io_uring_cqe& completion) {
  CeilingConnection& connection = connections_[static_cast<std::uint32_t>(completion.user_data)];
  const bool more = (completion.flags & IORING_CQE_F_MORE) != 0;
  if (!more) connection.receiving = false;
  if (completion.res > 0) {
    if (!connection.closing) {
      RequestSink sink{*this, connection};
      if (!connection.walker.walk(ring_.received(completion), sink)) give_up(connection);
    }
    ring_.give_back(completion);
  } else if (completion.res != -ENOBUFS) {
    connection.closing = true;
  }
  if (connection.closing) return close_when_idle(connection);
  if (more) return;
  // Buffers that were given back in this turn must be there before the kernel looks for one.
  if (completion.res == -ENOBUFS) ring_.publish_buffers();
  arm_receive(connection);
}

void Ceiling::reply(CeilingConnection& connection, std::uint8_t opcode, std::uint32_t id) {
  const std::string& reply = replies_.to(opcode);
  char* out = room(connection, reply.size());
  reply.copy(out, reply.size());
  protocol::store_le(out + 4, id);
}

// Where the next reply goes: right behind the connection's last one in this turn, or, where that is
// not possible, into a string of its own.
char* Ceiling::room(CeilingConnection& connection, std::size_t bytes) {
  ArenaPart& part = connection.part;
  const bool adjacent = part.bytes == 0 || part.offset + part.bytes == arena_used_;
  if (connection.sending || !connection.pending.empty() || !adjacent ||
      arena_used_ + bytes > kArenaBytes) [[unlikely]] {
    return pending_room(connection, bytes);
  }
  if (part.bytes == 0) part.offset = arena_used_;
  if (!connection.dirty) {
    connection.dirty = true;
    dirty_.push_back(&connection);
  }
  char* out = arenas_[current_] + arena_used_;
  arena_used_ += bytes;
  part.bytes += bytes;
  return out;
}

char* Ceiling::pending_room(CeilingConnection& connection, std::size_t bytes) {
  std::string& pending = connection.pending;
  pending.append(arenas_[current_] + connection.part.offset, connection.part.bytes);
  connection.part.bytes = 0;
  if (!connection.dirty) {
    connection.dirty = true;
    dirty_.push_back(&connection);
  }
  if (pending.size() + bytes > kPendingBytesMax) {
    pending.clear();
    give_up(connection);
  }
  const std::size_t at = pending.size();
  pending.resize(at + bytes);
  return pending.data() + at;
}

void Ceiling::flush() {
  for (CeilingConnection* connection : dirty_) {
    connection->dirty = false;
    if (connection->open) flush(*connection);
  }
  dirty_.clear();
}

void Ceiling::flush(CeilingConnection& connection) {
  if (connection.sending) return;
  if (!connection.pending.empty()) {
    connection.in_flight.swap(connection.pending);
    connection.pending.clear();
    return post_in_flight(connection);
  }
  if (connection.part.bytes == 0) return;
  // Succeeds without a completion; one comes only if the socket had no room for all of it.
  io_uring_sqe& entry = socket_entry(What::optimistic_send, connection, IORING_OP_SEND);
  entry.addr = reinterpret_cast<std::uint64_t>(arenas_[current_] + connection.part.offset);
  entry.len = static_cast<std::uint32_t>(connection.part.bytes);
  entry.msg_flags = MSG_WAITALL | MSG_DONTWAIT | MSG_NOSIGNAL;
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  connection.sent = connection.part;
  connection.part.bytes = 0;
}

void Ceiling::post_in_flight(CeilingConnection& connection) {
  io_uring_sqe& entry = socket_entry(What::send, connection, IORING_OP_SEND);
  entry.addr = reinterpret_cast<std::uint64_t>(connection.in_flight.data());
  entry.len = static_cast<std::uint32_t>(connection.in_flight.size());
  entry.msg_flags = MSG_WAITALL | MSG_NOSIGNAL;
  connection.sending = true;
}

// The socket did not take all of an optimistic send: what is left, and then everything that was
// answered since, goes out with a wait for room.
void Ceiling::cut_short(CeilingConnection& connection, int result) {
  if (result < 0 && result != -EAGAIN) return;  // A broken connection: its receive reports it.
  const std::size_t taken = result > 0 ? static_cast<std::size_t>(result) : 0;
  PHX_CHECK(!connection.sending && taken <= connection.sent.bytes);
  const char* rest = arenas_[current_ ^ 1U] + connection.sent.offset + taken;
  connection.in_flight.assign(rest, connection.sent.bytes - taken);
  connection.pending.append(arenas_[current_] + connection.part.offset, connection.part.bytes);
  connection.part.bytes = 0;
  post_in_flight(connection);
}

void Ceiling::sent(CeilingConnection& connection, int result) {
  connection.sending = false;
  if (result < 0) {
    connection.in_flight.clear();
    connection.pending.clear();
  } else {
    connection.in_flight.erase(0, static_cast<std::size_t>(result));
    if (connection.in_flight.empty()) connection.in_flight.swap(connection.pending);
    if (!connection.in_flight.empty()) return post_in_flight(connection);
  }
  if (connection.closing) close_when_idle(connection);
}

// Ends the receive, which then ends the connection.
void Ceiling::give_up(CeilingConnection& connection) {
  if (connection.closing) return;
  connection.closing = true;
  io_uring_sqe& entry = socket_entry(What::other, connection, IORING_OP_SHUTDOWN);
  entry.len = SHUT_RDWR;
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
}

void Ceiling::close_when_idle(CeilingConnection& connection) {
  if (connection.receiving || connection.sending || !connection.open) return;
  connection.open = false;
  ++connection.generation;
  io_uring_sqe& entry = ring_.entry();
  io_uring_prep_close_direct(&entry, connection.file);
  entry.flags |= IOSQE_CQE_SKIP_SUCCESS;
  entry.user_data = static_cast<std::uint64_t>(What::other) << 56U;
}

Result<int> listen_once(std::uint16_t port) {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (listener < 0) return fail(ErrorCode::io, std::string("socket: ") + std::strerror(errno));
  // What is set here, accepted sockets inherit.
  const int one = 1;
  bool good = setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0;
  good = good && setsockopt(listener, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) == 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  good = good && bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  good = good && listen(listener, kBacklog) == 0;
  if (good) return listener;
  const int error = errno;
  ::close(listener);
  return fail(error == EADDRINUSE ? ErrorCode::in_use : ErrorCode::io,
              "127.0.0.1:" + std::to_string(port) + ": " + std::strerror(error));
}

// The ring of a ceiling that was killed holds the port until the kernel has taken it down, some
// milliseconds after the process: "in use" counts when it lasts.
Result<int> listen_on(std::uint16_t port) {
  constexpr int kAttempts = 50;
  constexpr useconds_t kPauseUs = 20'000;
  Result<int> listener = listen_once(port);
  for (int i = 1; i < kAttempts && !listener; ++i) {
    if (listener.error().code != ErrorCode::in_use) break;
    usleep(kPauseUs);
    listener = listen_once(port);
  }
  return listener;
}

// The one that the kernel chose, where it was free to.
std::uint16_t port_of(int listener) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  PHX_CHECK(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &size) == 0);
  return ntohs(address.sin_port);
}

}  // namespace

Result<void> run_ceiling(const CeilingOptions& options) {
  if (auto pinned = pin_thread(options.cpu); !pinned) return pinned;
  const Result<int> listener = listen_on(options.port);
  if (!listener) return tl::unexpected<Error>(listener.error());
  const auto ceiling = std::make_unique<Ceiling>(options.value_bytes);
  if (auto opened = ceiling->open(*listener); !opened) return opened;
  const int printed =
      std::printf("pid %d\nport %u\nready\n", getpid(), unsigned{port_of(*listener)});
  if (printed < 0 || std::fflush(stdout) != 0) {
    return fail(ErrorCode::io, "standard output takes nothing");
  }
  ceiling->run();
}

}  // namespace phoenix::bench
