// RESP2, as Redis and its relatives speak it
// (https://redis.io/docs/latest/develop/reference/protocol-spec/), and what RESP3 adds to replies,
// but for pushes, which answer nobody.
#include <charconv>
#include <string>

#include <fmt/format.h>

#include "bench/wire/line_walker.h"
#include "bench/wire/wires.h"
#include "protocol/error.h"
#include "protocol/limits.h"

namespace phoenix::bench {
namespace {

// Of a number with its sign and line ends: "*65536\r\n", "$16\r\n" and the end of its word.
constexpr std::size_t kFramingBytesMax = 32;

class RespWire final : public Wire {
 public:
  explicit RespWire(const RequestShape& shape) : shape_(shape) {}

  void encode(const Request& request, Outbox& out) override;
  bool take(std::string_view bytes, ReplyCheck& check) override;
  bool inside_reply() const override { return walker_.inside() || items_left_ != 0; }

 private:
  struct Replies;

  static char* put_word(char* at, std::string_view word);
  char* put_key(char* at, std::uint64_t number) const;
  void encode_keyed(std::string_view head, const Request& request, Outbox& out) const;
  void encode_set(const Request& request, Outbox& out) const;
  template <typename Words>
  static void encode_words(const Words& words, Outbox& out);

  const RequestShape& shape_;
  LineWalker walker_;

  // Of the reply that is being read.
  std::uint64_t items_left_ = 0;  // Values still to come of a list, at all depths together.
  bool is_list_ = false;
  std::uint64_t list_items_ = 0;  // Announced by the outermost list,
  std::uint64_t item_ = 0;        // and which of its values is next.
  bool has_body_ = false;
  bool is_value_ = false;
};

// "$16\r\n"; the word and its line end follow.
char* put_size(char* at, std::size_t bytes) {
  *at++ = '$';
  return put(put_number(at, bytes), kLineEnd);
}

char* RespWire::put_word(char* at, std::string_view word) {
  return put(put(put_size(at, word.size()), word), kLineEnd);
}

char* RespWire::put_key(char* at, std::uint64_t number) const {
  const std::size_t bytes = shape_.keys.bytes_of(number);
  at = put_size(at, bytes);
  shape_.keys.write(at, number);
  return put(at + bytes, kLineEnd);
}

void RespWire::encode_keyed(std::string_view head, const Request& request, Outbox& out) const {
  char* at = out.room(shape_.keyed_bytes_max(1));
  out.added(put_key(put(at, head), request.key));
}

void RespWire::encode_set(const Request& request, Outbox& out) const {
  char* at = out.room(shape_.keyed_bytes_max(1));
  const bool has_ttl = shape_.ttl.any();
  at = put(at, has_ttl ? "*5\r\n$3\r\nSET\r\n" : "*3\r\n$3\r\nSET\r\n");
  at = put_key(at, request.key);
  const std::size_t value_bytes = shape_.values.of(request.key);
  at = put_size(at, value_bytes);
  ValuePattern(request.key).fill(at, value_bytes);
  at = put(at + value_bytes, kLineEnd);
  if (has_ttl) at = put_word(put_word(at, "PX"), std::to_string(shape_.ttl.of(request.key)));
  out.added(at);
}

template <typename Words>
void RespWire::encode_words(const Words& words, Outbox& out) {
  std::size_t bytes_max = kFramingBytesMax;
  for (const std::string& word : words) bytes_max += kFramingBytesMax + word.size();
  char* at = out.room(bytes_max);
  *at++ = '*';
  at = put(put_number(at, words.size()), kLineEnd);
  for (const std::string& word : words) at = put_word(at, word);
  out.added(at);
}

void RespWire::encode(const Request& request, Outbox& out) {
  switch (request.verb) {
    case Verb::get:
      return encode_keyed("*2\r\n$3\r\nGET\r\n", request, out);
    case Verb::del:
      return encode_keyed("*2\r\n$3\r\nDEL\r\n", request, out);
    case Verb::set:
      return encode_set(request, out);
    case Verb::multi_get:
      return encode_words(multi_get_words(shape_.keys, request), out);
    case Verb::replayed:
      return encode_words(shape_.replayed[request.key], out);
  }
}

struct RespWire::Replies {
  RespWire& wire;
  ReplyCheck& check;

  bool has_body() const { return wire.has_body_; }

  bool line(std::string_view text, std::size_t& body_bytes) {
    wire.has_body_ = false;
    if (wire.items_left_ == 0) {  // A reply begins.
      if (check.expected() == nullptr) {
        return check.fail("a reply came to no request: " + protocol::printable(text));
      }
      wire.items_left_ = 1;
      wire.is_list_ = false;
      wire.item_ = 0;
    }
    if (text.empty()) return broken(text);
    const char kind = text.front();
    const std::string_view rest = text.substr(1);
    switch (kind) {
      case '$':
      case '=':  // RESP3: a text with its format before it.
        return rest == "-1" ? nil() : counted(rest, body_bytes);
      case '*':
      case '~':
        return rest == "-1" ? nil() : list(rest, 1);
      case '%':
        return list(rest, 2);
      case '_':
        return nil();
      case '-':
        return error(rest);
      case '+':
      case ':':
      case '#':
      case ',':
      case '(':
        return scalar(text);
      default:
        return broken(text);
    }
  }

  bool counted(std::string_view digits, std::size_t& body_bytes) {
    std::size_t bytes = 0;
    if (!number(digits, bytes) || bytes > protocol::kReplyBytesMax) return broken(digits);
    body_bytes = bytes;
    wire.has_body_ = true;
    wire.is_value_ = check.expected()->verb == (wire.is_list_ ? Verb::multi_get : Verb::get);
    if (wire.is_value_) check.begin_value(bytes, wire.item_);
    return true;
  }

  void body_part(std::size_t offset, std::string_view bytes) {
    if (wire.is_value_) check.value_part(offset, bytes);
  }

  bool body_end() {
    if (wire.is_list_ && wire.is_value_) check.end_value();
    if (!ends_reply()) return true;
    if (wire.is_value_ && !wire.is_list_) {
      check.hit();
    } else {
      answered("a value");
    }
    return true;
  }

  bool list(std::string_view digits, std::uint64_t values_each) {
    std::uint64_t items = 0;
    if (!number(digits, items) || items > protocol::kReplyItemsMax) return broken(digits);
    if (!wire.is_list_) wire.list_items_ = items;
    wire.is_list_ = true;
    wire.items_left_ += items * values_each;
    // What lists in lists announce is bounded as a whole.
    if (wire.items_left_ > 2 * std::uint64_t{protocol::kReplyItemsMax}) return broken(digits);
    if (--wire.items_left_ == 0) answered("a list");
    return true;
  }

  // One value of the reply is over: whether it was the last one.
  bool ends_reply() {
    ++wire.item_;
    return --wire.items_left_ == 0;
  }

  bool nil() {
    if (!ends_reply()) return true;
    if (!wire.is_list_ && check.expected()->verb == Verb::get) {
      check.miss();
    } else {
      answered("nil");
    }
    return true;
  }

  bool scalar(std::string_view text) {
    if (ends_reply()) answered(text);
    return true;
  }

  bool error(std::string_view text) {
    if (!ends_reply()) return true;
    if (wire.is_list_) {
      answered("a list");
    } else {
      check.error(text);
    }
    return true;
  }

  // The last part of a reply that is no hit, no miss and no error.
  void answered(std::string_view what) {
    const Verb verb = check.expected()->verb;
    const bool fits =
        verb == Verb::replayed || (verb == Verb::set && what == "+OK") ||
        (verb == Verb::del && what.starts_with(':')) ||
        (verb == Verb::multi_get && wire.is_list_ && wire.list_items_ == check.expected()->keys);
    if (fits) return verb == Verb::multi_get ? check.done_many() : check.done();
    check.unfit("reply: " + std::string(what));
  }

  bool broken(std::string_view text) {
    return check.fail("what came is no RESP reply: " + protocol::printable(text.substr(0, 80)));
  }

  template <typename Number>
  static bool number(std::string_view digits, Number& value) {
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return parsed.ec == std::errc{} && parsed.ptr == digits.data() + digits.size();
  }
};

bool RespWire::take(std::string_view bytes, ReplyCheck& check) {
  Replies replies{*this, check};
  bool sound = walker_.walk(bytes, replies);
  if (!walker_.problem().empty()) {
    sound = check.fail(fmt::format("what came is no RESP reply: {}", walker_.problem()));
  }
  check.flush();
  return sound;
}

}  // namespace

std::unique_ptr<Wire> make_resp_wire(const RequestShape& shape) {
  return std::make_unique<RespWire>(shape);
}

}  // namespace phoenix::bench
