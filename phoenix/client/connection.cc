#include "phoenix/client/connection.h"

#include <algorithm>
#include <utility>

#include "phoenix/client/codec.h"
#include "protocol/slot.h"

namespace phoenix::client {

namespace {

using protocol::Kind;

/// A buffer that grew over this for a large request is given back once it is sent.
constexpr std::size_t kKeepBytes = std::size_t{1} << 20U;
constexpr std::size_t kFirstBytesMax = 64;

/// Everything that the server would refuse with the loss of the connection.
Result<void> check_words(const std::vector<std::string_view>& words) {
  if (words.empty()) return fail(ErrorCode::invalid, "a request needs at least the command's name");
  if (words.size() > protocol::kArgsMax) {
    return fail(ErrorCode::invalid, "a request has at most 1048576 words, and this one has " +
                                        std::to_string(words.size()));
  }
  std::uint64_t bytes = sizeof(std::uint32_t);
  for (const std::string_view word : words) {
    bytes += sizeof(std::uint32_t) + word.size();
    if (word.size() > protocol::kValueBytesMax) {
      return fail(ErrorCode::invalid, "a word of a request has at most 512 MiB");
    }
  }
  if (bytes > protocol::kArgvBytesMax) {
    return fail(ErrorCode::invalid, "a request has at most 513 MiB");
  }
  return {};
}

std::string error_text(const protocol::Value& value) {
  return protocol::printable(error_line(value));
}

bool is_below(const protocol::Value& number, std::int64_t bound) {
  return number.kind == Kind::integer && number.integer >= 0 && number.integer < bound;
}

/// None when the lists are not as the protocol says: then one connection serves all keys.
std::optional<CoreMap> read_core_map(const protocol::Value& slots, const protocol::Value& ports) {
  CoreMap map;
  for (const protocol::Value& port : ports.items) {
    if (!is_below(port, 65'536)) return std::nullopt;
    map.ports.push_back(static_cast<std::uint16_t>(port.integer));
  }
  const auto cores = static_cast<std::int64_t>(map.ports.size());
  std::int64_t next = 0;
  for (const protocol::Value& range : slots.items) {
    const auto& part = range.items;
    const bool is_range = part.size() == 3 && is_below(part[0], protocol::kSlots) &&
                          is_below(part[1], protocol::kSlots) && is_below(part[2], cores);
    if (!is_range || part[0].integer != next || part[1].integer < next) return std::nullopt;
    map.slots.push_back({static_cast<std::uint16_t>(part[0].integer),
                         static_cast<std::uint16_t>(part[1].integer),
                         static_cast<std::uint16_t>(part[2].integer)});
    next = part[1].integer + 1;
  }
  if (next != protocol::kSlots) return std::nullopt;
  return map;
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const Options& options) {
  const Deadline deadline = Deadline::after(options.connect_timeout_ms);
  auto socket = Socket::connect(options.endpoint, options.connect_timeout_ms, options.interrupt_fd);
  if (!socket) return tl::unexpected<Error>(std::move(socket.error()));
  std::unique_ptr<Connection> connection(new Connection(options, std::move(*socket)));
  const Result<void> greeted = connection->greet(deadline);
  if (!greeted) return tl::unexpected<Error>(connection->greeting_failure(greeted.error()));
  const Result<void> authenticated = connection->authenticate(deadline);
  if (!authenticated) return tl::unexpected<Error>(authenticated.error());
  return connection;
}

Connection::Connection(const Options& options, std::unique_ptr<Socket> socket)
    : options_(options), socket_(std::move(socket)), codec_(Codec::make(options.wire)) {}

Connection::~Connection() = default;

Result<void> Connection::greet(Deadline deadline) {
  if (options_.client_name.size() > protocol::kClientNameBytesMax) {
    return fail(ErrorCode::invalid, "a client's name has at most 1024 characters");
  }
  if (!codec_->append_greeting(out_, options_.client_name)) {
    greeted_ = true;
    return {};
  }
  ++pending_;
  const Result<Reply> reply = receive_until(deadline);
  if (!reply) return tl::unexpected<Error>(reply.error());
  greeted_ = true;
  first_bytes_.clear();
  if (reply->is_error()) {
    return die(ErrorCode::refused,
               "the server at " + options_.endpoint.text() +
                   " refused the greeting: " + error_text(reply->value),
               reply->value.status);
  }
  return learn(reply->value);
}

/// Takes what is known of HELLO's map; what is not known is for newer clients.
Result<void> Connection::learn(const protocol::Value& hello) {
  std::string server;
  const protocol::Value* slots = nullptr;
  const protocol::Value* ports = nullptr;
  const std::size_t items = hello.kind == Kind::map ? hello.items.size() : 0;
  for (std::size_t i = 0; i + 1 < items; i += 2) {
    const std::string_view key = hello.items[i].bytes;
    const std::string_view value = hello.items[i + 1].bytes;
    if (key == "server") server = value;
    if (key == "version") server_.version = value;
    if (key == "durability") server_.durability = value;
    if (key == "slots") slots = &hello.items[i + 1];
    if (key == "ports") ports = &hello.items[i + 1];
  }
  if (slots != nullptr && ports != nullptr) server_.cores = read_core_map(*slots, *ports);
  if (server == "phoenix") return {};
  return die(ErrorCode::version,
             "what answers at " + options_.endpoint.text() + " does not say that it is Phoenix");
}

/// The same failures mean something else before the peer has shown that it is Phoenix.
Error Connection::greeting_failure(Error error) const {
  const bool is_told = error.code == ErrorCode::interrupted || error.code == ErrorCode::invalid;
  if (greeted_ || is_told) return error;
  const std::string where = options_.endpoint.text();
  if (error.code == ErrorCode::timed_out) {
    error.message =
        "the server at " + where + " did not answer the greeting within " +
        seconds_text(options_.connect_timeout_ms) +
        "; is it phoenix-server (Redis waits for RESP), and is it stopped or overloaded?";
    return error;
  }
  if (first_bytes_.empty()) {
    error.message = "the server at " + where +
                    " closed the connection without an answer; is it phoenix-server?";
    return error;
  }
  if (error.code != ErrorCode::bad_reply) return error;
  const auto magic = static_cast<std::uint8_t>(first_bytes_[0]);
  if (magic == protocol::kReplyMagic) return error;
  if ((magic & 0xF0U) != (protocol::kReplyMagic & 0xF0U)) {
    const std::string first_line = first_bytes_.substr(0, first_bytes_.find_first_of("\r\n"));
    return {ErrorCode::version, "what answers at " + where + " is not Phoenix: it sent '" +
                                    protocol::printable(first_line) + "'"};
  }
  const bool is_newer = magic > protocol::kReplyMagic;
  return {ErrorCode::version, "the server at " + where + " speaks version " +
                                  std::to_string(magic & 0x0FU) +
                                  " of the protocol and this client version " +
                                  std::to_string(protocol::kReplyMagic & 0x0FU) + ": update the " +
                                  (is_newer ? "client" : "server")};
}

Result<void> Connection::authenticate(Deadline deadline) {
  if (!options_.password) return {};
  Result<void> queued = queue({"AUTH", *options_.password});
  if (!queued) return queued;
  const Result<Reply> reply = receive_until(deadline);
  if (!reply) return tl::unexpected<Error>(reply.error());
  if (reply->is_error()) {
    return die(ErrorCode::refused,
               "the server at " + options_.endpoint.text() +
                   " refused the password: " + error_text(reply->value),
               reply->value.status);
  }
  return {};
}

Result<void> Connection::queue(const std::vector<std::string_view>& words, std::uint16_t flags) {
  if (dead_) return tl::unexpected<Error>(*dead_);
  Result<void> checked = check_words(words);
  if (checked) checked = codec_->check_flags(flags);
  if (!checked) return checked;
  if (unsent_bytes() >= kUnsentBytesMax) {
    return fail(ErrorCode::replies_waiting, "64 MiB of requests wait to be sent: receive first");
  }
  codec_->append_request(out_, words, flags);
  ++pending_;
  return {};
}

Result<void> Connection::flush() {
  if (dead_) return tl::unexpected<Error>(*dead_);
  for (;;) {
    send_unsent();
    if (!must_send()) return {};
    if (!waiting_ && codec_->inbox().buffered_bytes() >= kInboxBytesMax) {
      Reply reply;
      const Result<bool> taken = take_reply(reply);
      if (!taken) return tl::unexpected<Error>(taken.error());
      if (*taken) waiting_ = std::move(reply);
    }
    if (waiting_) {
      return fail(ErrorCode::replies_waiting, "the server sends nothing on: receive first");
    }
    Result<void> moved = exchange_idle();
    if (!moved) return moved;
  }
}

Result<Reply> Connection::receive() {
  return receive_until(std::nullopt);
}

Result<Reply> Connection::call(const std::vector<std::string_view>& words, std::uint16_t flags) {
  if (pending_ != 0 && !dead_) {
    return fail(ErrorCode::invalid, "other requests still wait for their replies");
  }
  Result<void> queued = queue(words, flags);
  if (!queued) return tl::unexpected<Error>(queued.error());
  return receive();
}

/// Without a deadline: as long as something moves.
Result<Reply> Connection::receive_until(const std::optional<Deadline>& deadline) {
  if (dead_) return tl::unexpected<Error>(*dead_);
  if (pending_ == 0) return fail(ErrorCode::invalid, "no request waits for a reply");
  for (;;) {
    Reply reply;
    const Result<bool> taken = take_reply(reply);
    if (!taken) return tl::unexpected<Error>(taken.error());
    if (*taken) {
      if (!reply.more_follows && !reply.value.is_push) --pending_;
      return reply;
    }
    send_unsent();
    const Result<void> moved =
        deadline ? exchange(*deadline, options_.connect_timeout_ms) : exchange_idle();
    if (!moved) return tl::unexpected<Error>(moved.error());
  }
}

Result<Reply> Connection::receive_message() {
  if (dead_) return tl::unexpected<Error>(*dead_);
  if (pending_ != 0) return fail(ErrorCode::invalid, "other requests wait for their replies");
  for (;;) {
    Reply message;
    const Result<bool> taken = take_reply(message);
    if (!taken) return tl::unexpected<Error>(taken.error());
    if (*taken) return message;
    const Result<void> moved = exchange(Deadline::after(0), 0);
    if (!moved) return tl::unexpected<Error>(moved.error());
  }
}

Result<bool> Connection::take_reply(Reply& reply) {
  if (waiting_) {
    reply = *std::exchange(waiting_, std::nullopt);
    return true;
  }
  Result<bool> taken = codec_->next(reply);
  if (taken) return taken;
  return die(taken.error().code,
             "the server at " + options_.endpoint.text() + taken.error().message,
             taken.error().status);
}

Result<void> Connection::exchange_idle() {
  return exchange(Deadline::after(options_.reply_timeout_ms), options_.reply_timeout_ms);
}

Result<void> Connection::exchange(Deadline deadline, std::uint32_t timeout_ms) {
  const Socket::Ready ready = socket_->wait(true, must_send(), deadline);
  if (ready.outcome == Socket::Outcome::interrupted) {
    return fail(ErrorCode::interrupted, "interrupted");
  }
  if (ready.outcome == Socket::Outcome::timed_out) {
    return fail(ErrorCode::timed_out, "no reply from " + options_.endpoint.text() + " within " +
                                          seconds_text(timeout_ms) + unanswered_text());
  }
  if (ready.writable) send_unsent();
  return ready.readable ? receive_arrived() : Result<void>{};
}

void Connection::send_unsent() {
  while (must_send()) {
    const Socket::Transfer sent = socket_->send(std::string_view(out_).substr(sent_));
    // The server may have said why before it closed: what it sent is still to be read.
    send_error_ = sent.error;
    if (sent.bytes == 0) return;
    sent_ += sent.bytes;
  }
  if (unsent_bytes() > 0) return;
  sent_ = 0;
  if (out_.capacity() > kKeepBytes) std::string().swap(out_);
  out_.clear();
}

Result<void> Connection::receive_arrived() {
  const std::span<char> room = codec_->inbox().prepare();
  if (room.empty()) return {};
  const Socket::Transfer received = socket_->receive(room);
  if (received.closed || received.error != 0) {
    return die(ErrorCode::disconnected, closed_text(received.error));
  }
  codec_->inbox().commit(received.bytes);
  if (!greeted_ && first_bytes_.size() < kFirstBytesMax) {
    const std::size_t bytes = std::min(received.bytes, kFirstBytesMax - first_bytes_.size());
    first_bytes_.append(room.data(), bytes);
  }
  return {};
}

std::string Connection::closed_text(int error) const {
  std::string text = "lost the connection to " + options_.endpoint.text() + ": ";
  if (error == 0) error = send_error_;
  text += error == 0 ? "the server closed it" : os_error_text(error);
  if (codec_->inbox().buffered_bytes() > 0) text += " in the middle of a reply";
  return text + unanswered_text();
}

std::string Connection::unanswered_text() const {
  const std::string count =
      pending_ == 1 ? "1 request has" : std::to_string(pending_) + " requests have";
  return "; " + count + " no reply and may or may not have been executed";
}

tl::unexpected<Error> Connection::die(ErrorCode code, std::string message,
                                      protocol::Status status) {
  dead_ = Error{code, std::move(message), status};
  return tl::unexpected<Error>(*dead_);
}

}  // namespace phoenix::client
