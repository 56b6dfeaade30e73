// memcached's text protocol and its meta commands
// (https://docs.memcached.org/protocols/basic/, https://docs.memcached.org/protocols/meta/).
// Both are lines with counted bodies; a multi-get is the text protocol's in both, since meta
// commands take one key.
#include <algorithm>
#include <charconv>
#include <string>

#include <fmt/format.h>

#include "bench/wire/line_walker.h"
#include "bench/wire/wires.h"
#include "protocol/error.h"
#include "protocol/limits.h"

namespace phoenix::bench {
namespace {

constexpr std::uint64_t kMsPerSecond = 1000;
// From here on memcached takes an expiry as a Unix time.
constexpr std::uint64_t kRelativeSecondsMax = 60ULL * 60 * 24 * 30;

class MemcachedWire final : public Wire {
 public:
  MemcachedWire(const RequestShape& shape, bool is_meta) : shape_(shape), is_meta_(is_meta) {}

  void encode(const Request& request, Outbox& out) override;
  bool take(std::string_view bytes, ReplyCheck& check) override;
  bool inside_reply() const override { return walker_.inside() || has_value_; }

 private:
  struct Replies;

  char* put_key(char* at, std::uint64_t number) const;
  char* put_set(char* at, std::uint64_t number) const;
  char* put_multi_get(char* at, const Request& request) const;
  /// Rounded up: whole seconds are all that memcached knows.
  std::uint64_t ttl_seconds(std::uint64_t number) const {
    const std::uint64_t ms = shape_.ttl.any() ? shape_.ttl.of(number) : 0;
    return std::min((ms + kMsPerSecond - 1) / kMsPerSecond, kRelativeSecondsMax);
  }

  const RequestShape& shape_;
  const bool is_meta_;
  LineWalker walker_;
  bool has_body_ = false;
  bool has_value_ = false;  // Of the text protocol's GET: "END" is still to come.
  std::uint64_t next_ = 0;  // Of the keys asked for: those before it have been answered.
};

char* MemcachedWire::put_key(char* at, std::uint64_t number) const {
  shape_.keys.write(at, number);
  return at + shape_.keys.bytes_of(number);
}

char* MemcachedWire::put_set(char* at, std::uint64_t number) const {
  const std::size_t value_bytes = shape_.values.of(number);
  at = put_key(put(at, is_meta_ ? "ms " : "set "), number);
  if (is_meta_) {
    *at++ = ' ';
    at = put_number(at, value_bytes);
    if (shape_.ttl.any()) at = put_number(put(at, " T"), ttl_seconds(number));
  } else {
    at = put_number(put(at, " 0 "), ttl_seconds(number));
    *at++ = ' ';
    at = put_number(at, value_bytes);
  }
  at = put(at, kLineEnd);
  ValuePattern(number).fill(at, value_bytes);
  return put(at + value_bytes, kLineEnd);
}

char* MemcachedWire::put_multi_get(char* at, const Request& request) const {
  at = put(at, "get");
  for (std::uint64_t i = 0; i < request.keys; ++i) {
    *at++ = ' ';
    at = put_key(at, shape_.keys.behind(request.key, i));
  }
  return put(at, kLineEnd);
}

void MemcachedWire::encode(const Request& request, Outbox& out) {
  char* at = out.room(shape_.keyed_bytes_max(request.keys));
  switch (request.verb) {
    case Verb::get:
      at = put_key(put(at, is_meta_ ? "mg " : "get "), request.key);
      at = put(at, is_meta_ ? " v\r\n" : "\r\n");
      break;
    case Verb::set:
      at = put_set(at, request.key);
      break;
    case Verb::del:
      at = put_key(put(at, is_meta_ ? "md " : "delete "), request.key);
      at = put(at, kLineEnd);
      break;
    case Verb::multi_get:
      at = put_multi_get(at, request);
      break;
    case Verb::replayed:
      PHX_CHECK(false);  // Refused with the options: its commands are no lines of this protocol.
  }
  out.added(at);
}

struct MemcachedWire::Replies {
  MemcachedWire& wire;
  ReplyCheck& check;

  bool has_body() const { return wire.has_body_; }

  bool line(std::string_view text, std::size_t& body_bytes) {
    wire.has_body_ = false;
    const Request* request = check.expected();
    if (request == nullptr) {
      return check.fail("a reply came to no request: " + protocol::printable(text));
    }
    if (is_error(text)) {
      end_text_get();
      check.error(text);
      return true;
    }
    switch (request->verb) {
      case Verb::get:
        return wire.is_meta_ ? meta_get(text, body_bytes) : text_get(*request, text, body_bytes);
      case Verb::multi_get:
        return text_get(*request, text, body_bytes);
      default:
        judge(request->verb, text);
        return true;
    }
  }

  // VALUE <key> <flags> <bytes> and the body, for each key that is there, and END.
  bool text_get(const Request& request, std::string_view text, std::size_t& body_bytes) {
    if (text != "END")
      return wire.next_ < request.keys ? text_value(text, body_bytes) : broken(text);
    if (request.verb == Verb::multi_get) {
      check.done_many();
    } else if (wire.has_value_) {
      check.hit();
    } else {
      check.miss();
    }
    end_text_get();
    return true;
  }

  bool text_value(std::string_view text, std::size_t& body_bytes) {
    if (!value_line(text, "VALUE ", 3, body_bytes)) return false;
    const std::size_t key_at = text.find(' ') + 1;
    const std::string_view key = text.substr(key_at, text.find(' ', key_at) - key_at);
    const auto place = check.place_of(key, wire.next_);
    if (place) {
      check.begin_value(body_bytes, *place);
    } else {
      check.begin_value_of_other(key);
    }
    wire.has_value_ = true;
    wire.next_ = place.value_or(wire.next_) + 1;
    return true;
  }

  void end_text_get() {
    wire.has_value_ = false;
    wire.next_ = 0;
  }

  // VA <bytes> and the body, or EN.
  bool meta_get(std::string_view text, std::size_t& body_bytes) {
    if (text == "EN") {
      check.miss();
      return true;
    }
    if (!value_line(text, "VA ", 1, body_bytes)) return false;
    check.begin_value(body_bytes);
    return true;
  }

  void body_part(std::size_t offset, std::string_view bytes) { check.value_part(offset, bytes); }

  bool body_end() {
    if (wire.is_meta_ && check.expected()->verb == Verb::get) {
      check.hit();
    } else {
      check.end_value();
    }
    return true;
  }

  void judge(Verb verb, std::string_view text) {
    const bool stored = text == (wire.is_meta_ ? "HD" : "STORED");
    const bool deleted = text == (wire.is_meta_ ? "HD" : "DELETED");
    const bool was_absent = text == (wire.is_meta_ ? "NF" : "NOT_FOUND");
    if (verb == Verb::set ? stored : deleted || was_absent) return check.done();
    check.unfit("reply: " + std::string(text));
  }

  // The bytes are the word at `place`, counted from 1, behind the name.
  bool value_line(std::string_view text, std::string_view name, int place,
                  std::size_t& body_bytes) {
    if (!text.starts_with(name)) return broken(text);
    std::string_view rest = text.substr(name.size());
    for (; place > 1; --place) {
      const std::size_t blank = rest.find(' ');
      if (blank == std::string_view::npos) return broken(text);
      rest.remove_prefix(blank + 1);
    }
    const std::string_view digits = rest.substr(0, rest.find(' '));
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), body_bytes);
    if (parsed.ec != std::errc{} || parsed.ptr != digits.data() + digits.size() ||
        body_bytes > protocol::kReplyBytesMax) {
      return broken(text);
    }
    wire.has_body_ = true;
    return true;
  }

  static bool is_error(std::string_view text) {
    return text.starts_with("ERROR") || text.starts_with("CLIENT_ERROR") ||
           text.starts_with("SERVER_ERROR");
  }

  bool broken(std::string_view text) {
    return check.fail("what came is no reply of memcached: " +
                      protocol::printable(text.substr(0, 80)));
  }
};

bool MemcachedWire::take(std::string_view bytes, ReplyCheck& check) {
  Replies replies{*this, check};
  bool sound = walker_.walk(bytes, replies);
  if (!walker_.problem().empty()) {
    sound = check.fail(fmt::format("what came is no reply of memcached: {}", walker_.problem()));
  }
  check.flush();
  return sound;
}

}  // namespace

std::unique_ptr<Wire> make_memcached_text_wire(const RequestShape& shape) {
  return std::make_unique<MemcachedWire>(shape, false);
}

std::unique_ptr<Wire> make_memcached_meta_wire(const RequestShape& shape) {
  return std::make_unique<MemcachedWire>(shape, true);
}

}  // namespace phoenix::bench
