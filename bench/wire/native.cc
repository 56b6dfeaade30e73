// The native protocol. Ids rise from 1 on each connection (0 is for what the server says unasked),
// so a reply out of order cannot go unnoticed.
#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include <fmt/format.h>

#include "bench/wire/frame_walker.h"
#include "bench/wire/list_walker.h"
#include "bench/wire/wires.h"
#include "protocol/binary.h"
#include "protocol/error.h"
#include "protocol/limits.h"

namespace phoenix::bench {
namespace {

using protocol::kHeaderBytes;
using protocol::Kind;
using protocol::load_le;
using protocol::Opcode;
using protocol::Status;
using protocol::store_le;

std::uint32_t id_after(std::uint32_t id) {
  return ++id == 0 ? 1 : id;
}

class NativeWire final : public Wire {
 public:
  explicit NativeWire(const RequestShape& shape) : shape_(shape) {}

  void encode(const Request& request, Outbox& out) override;
  bool take(std::string_view bytes, ReplyCheck& check) override;
  bool inside_reply() const override { return walker_.inside_frame(); }

 private:
  struct Replies;

  void encode_short(Opcode opcode, const Request& request, Outbox& out);
  void encode_words(const std::vector<std::string_view>& words, Outbox& out);

  const RequestShape& shape_;
  std::uint32_t last_id_ = 0;      // Of the newest request.
  std::uint32_t answered_id_ = 0;  // Of the newest whole reply.
  FrameWalker walker_;

  // Of the reply that is being read.
  Status status_ = Status::ok;
  Kind kind_ = Kind::none;
  bool more_follows_ = false;
  bool is_value_ = false;
  bool ends_connection_ = false;  // An error that no request asked for.
  ListWalker list_;               // Of a multi-get.
  std::uint64_t items_ = 0;       // Of it, so far.
  bool is_hit_ = false;           // The item is a value.
  std::string text_;              // Of an error.
};

void NativeWire::encode(const Request& request, Outbox& out) {
  switch (request.verb) {
    case Verb::get:
      return encode_short(Opcode::get, request, out);
    case Verb::set:
      return encode_short(Opcode::set, request, out);
    case Verb::del:
      return encode_short(Opcode::del, request, out);
    case Verb::multi_get: {
      const std::vector<std::string> words = multi_get_words(shape_.keys, request);
      return encode_words({words.begin(), words.end()}, out);
    }
    case Verb::replayed: {
      const Command& command = shape_.replayed[request.key];
      return encode_words({command.begin(), command.end()}, out);
    }
  }
}

void NativeWire::encode_short(Opcode opcode, const Request& request, Outbox& out) {
  const bool is_set = opcode == Opcode::set;
  const bool has_ttl = is_set && shape_.ttl.any();
  const std::size_t key_bytes = shape_.keys.bytes_of(request.key);
  const std::size_t value_bytes = is_set ? shape_.values.of(request.key) : 0;
  char* at = out.room(kHeaderBytes + protocol::kTtlBytes + key_bytes + value_bytes);
  last_id_ = id_after(last_id_);
  const auto flags =
      static_cast<std::uint16_t>(shape_.set_flags | (has_ttl ? protocol::kHasTtl : 0));
  at[0] = static_cast<char>(protocol::kRequestMagic);
  at[1] = static_cast<char>(opcode);
  store_le(at + 2, is_set ? flags : std::uint16_t{0});
  store_le(at + 4, last_id_);
  store_le(at + 8, static_cast<std::uint32_t>(key_bytes));
  store_le(at + 12, static_cast<std::uint32_t>(value_bytes));
  at += kHeaderBytes;
  if (has_ttl) {
    store_le(at, shape_.ttl.of(request.key));
    at += protocol::kTtlBytes;
  }
  shape_.keys.write(at, request.key);
  at += key_bytes;
  if (is_set) ValuePattern(request.key).fill(at, value_bytes);
  out.added(at + value_bytes);
}

void NativeWire::encode_words(const std::vector<std::string_view>& words, Outbox& out) {
  last_id_ = id_after(last_id_);
  std::string frame;
  protocol::append_argv_request(frame, 0, last_id_, words);
  char* at = out.room(frame.size());
  std::memcpy(at, frame.data(), frame.size());
  out.added(at + frame.size());
}

/// What the walker tells of.
struct NativeWire::Replies {
  NativeWire& wire;
  ReplyCheck& check;

  bool begin(const char* header, std::size_t& payload_bytes) {
    const auto magic = static_cast<std::uint8_t>(header[0]);
    const auto id = load_le<std::uint32_t>(header + 4);
    const Request* request = check.expected();
    payload_bytes =
        std::size_t{load_le<std::uint32_t>(header + 8)} + load_le<std::uint32_t>(header + 12);
    if (magic != protocol::kReplyMagic || request == nullptr || id != id_after(wire.answered_id_) ||
        payload_bytes > protocol::kReplyBytesMax) {
      return unexpected(header, payload_bytes);
    }
    wire.status_ = static_cast<Status>(header[1]);
    wire.kind_ = static_cast<Kind>(header[2]);
    wire.more_follows_ = (load_le<std::uint16_t>(header + 2) & protocol::kMoreFollows) != 0;
    wire.is_value_ = request->verb == Verb::get && wire.status_ == Status::ok &&
                     wire.kind_ == Kind::bytes && !wire.more_follows_;
    if (wire.is_value_) {
      check.begin_value(payload_bytes);
    } else {
      begin_other(request->verb);
    }
    return true;
  }

  void begin_other(Verb verb) {
    wire.text_.clear();
    if (verb != Verb::multi_get) return;
    wire.list_ = {};
    wire.items_ = 0;
  }

  void part(std::size_t offset, std::string_view bytes) {
    if (wire.is_value_) {
      check.value_part(offset, bytes);
    } else if (is_error(wire.status_)) {
      const std::size_t room = protocol::kErrorTextBytesMax - wire.text_.size();
      wire.text_.append(bytes.substr(0, room));
    } else if (is_answer_to(Verb::multi_get)) {
      wire.list_.walk(bytes, *this);
    }
  }

  // The values of a multi-get, as the list's walker finds them.
  void item(Kind kind, std::size_t bytes) {
    wire.is_hit_ = kind == Kind::bytes;
    if (wire.is_hit_) check.begin_value(bytes, wire.items_);
  }
  void item_part(std::size_t offset, std::string_view bytes) {
    if (wire.is_hit_) check.value_part(offset, bytes);
  }
  void item_end() {
    if (wire.is_hit_) check.end_value();
    ++wire.items_;
  }

  bool is_answer_to(Verb verb) const {
    return !wire.ends_connection_ && check.expected()->verb == verb;
  }

  bool end() {
    if (wire.ends_connection_) {
      return check.fail("the server ended a connection: " + error_text());
    }
    if (wire.more_follows_) return true;
    wire.answered_id_ = id_after(wire.answered_id_);
    if (wire.is_value_) {
      check.hit();
    } else {
      judge(check.expected()->verb);
    }
    return true;
  }

  void judge(Verb verb) {
    if (is_error(wire.status_)) return check.error(error_text());
    if (verb == Verb::get && wire.status_ == Status::nil) return check.miss();
    if (fits(verb)) return verb == Verb::multi_get ? check.done_many() : check.done();
    check.unfit(fmt::format("status {}, kind {}", static_cast<unsigned>(wire.status_),
                            static_cast<unsigned>(wire.kind_)));
  }

  bool fits(Verb verb) const {
    if (verb == Verb::replayed) return true;
    if (wire.status_ != Status::ok) return false;
    switch (verb) {
      case Verb::set:
        return wire.kind_ == Kind::none;
      case Verb::del:
        return wire.kind_ == Kind::integer;
      case Verb::multi_get:
        return wire.kind_ == Kind::list && wire.list_.is_whole() &&
               wire.list_.items() == check.expected()->keys;
      default:
        return false;
    }
  }

  std::string error_text() const {
    return fmt::format("{} {}", error_prefix(wire.status_), protocol::printable(wire.text_));
  }

  // An error without a request is about the connection, and says why it ends.
  bool unexpected(const char* header, std::size_t& payload_bytes) {
    // Or it is said in a line of RESP, whose begin must do.
    if (header[0] == '-') {
      const std::string_view line(header + 1, protocol::kHeaderBytes - 1);
      return check.fail("the server ended a connection: " + protocol::printable(line));
    }
    protocol::ReplyHeader reply;
    const protocol::DecodeError error = decode_reply_header(header, reply);
    if (error.ok() && payload_bytes > protocol::kReplyBytesMax) {
      return check.fail("what came is no reply of the native protocol: a size over 513 MiB");
    }
    if (error.ok() && reply.id == 0 && is_error(reply.status)) {
      wire.ends_connection_ = true;
      wire.is_value_ = false;
      wire.status_ = reply.status;
      wire.text_.clear();
      return true;
    }
    if (!error.text.empty()) {
      return check.fail(
          fmt::format("what came is no reply of the native protocol: {}", error.text));
    }
    if (check.expected() == nullptr) {
      return check.fail(fmt::format("a reply with id {} came to no request", reply.id));
    }
    return check.fail(fmt::format("replies are out of order: id {} came, {} was next", reply.id,
                                  id_after(wire.answered_id_)));
  }
};

bool NativeWire::take(std::string_view bytes, ReplyCheck& check) {
  Replies replies{*this, check};
  const bool sound = walker_.walk(bytes, replies);
  check.flush();
  return sound;
}

}  // namespace

std::unique_ptr<Wire> make_native_wire(const RequestShape& shape) {
  return std::make_unique<NativeWire>(shape);
}

}  // namespace phoenix::bench
