// A reply is looked at twice: RespReader finds its end and checks all of it, and only then is it
// decoded, so that nothing is allocated for a count before its values are there.
#include "protocol/resp.h"

#include <algorithm>
#include <charconv>

namespace phoenix::protocol {

namespace {

constexpr std::string_view kEnd = "\r\n";
/// With the type in front and the end: the longest number has 20 characters.
constexpr std::size_t kNumberLineBytesMax = 32;
/// "txt:" in front of a verbatim string.
constexpr std::size_t kVerbatimPrefixBytes = 4;

DecodeError bad(std::string_view text) {
  return {Status::bad_frame, text};
}
DecodeError fine() {
  return {Status::ok, {}};
}
/// One text for all, so that it does not depend on how the bytes arrive.
DecodeError too_long() {
  return {Status::too_large, "reply over what this client accepts"};
}

/// What the line of a type holds.
enum class Form : std::uint8_t { unknown, text, number, size, count };

Form form_of(char type) {
  switch (type) {
    case '+':
    case '-':
    case ',':
    case '(':
    case '#':
    case '_':
      return Form::text;
    case ':':
      return Form::number;
    case '$':
    case '=':
    case '!':
      return Form::size;
    case '*':
    case '~':
    case '%':
    case '|':
    case '>':
      return Form::count;
    default:
      return Form::unknown;
  }
}

/// The line that every value starts with.
struct Head {
  char type = 0;
  std::string_view text;    // Between type and end.
  std::int64_t number = 0;  // What the text says, for a number, a size or a count. Null is -1.
  std::size_t bytes = 0;    // Of the line with its end; 0 while it is not whole.

  bool has_body() const { return form_of(type) == Form::size && number >= 0; }
  /// Of all that must be there before the next value.
  std::size_t part_bytes() const {
    return bytes + (has_body() ? static_cast<std::size_t>(number) + kEnd.size() : 0);
  }
};

DecodeError check_text(const Head& head) {
  if (head.type == '#' && head.text != "t" && head.text != "f") {
    return bad("bad boolean: it is t or f");
  }
  return head.type == '_' && !head.text.empty() ? bad("bad null: nothing stands behind it")
                                                : fine();
}

DecodeError read_number(Head& head) {
  const char* const end = head.text.data() + head.text.size();
  const auto [rest, error] = std::from_chars(head.text.data(), end, head.number);
  if (error != std::errc() || rest != end) return bad("bad number: it is not decimal");
  if (form_of(head.type) == Form::number) return fine();
  const bool may_be_null = head.type == '$' || head.type == '*';
  if (head.number < (may_be_null ? -1 : 0)) return bad("bad size: it is negative");
  if (form_of(head.type) == Form::size && head.number > std::int64_t{kValueBytesMax}) {
    return {Status::too_large, "value size over 512 MiB"};
  }
  if (head.type == '=' && head.number < std::int64_t{kVerbatimPrefixBytes}) {
    return bad("bad size: a verbatim string has at least its format");
  }
  return fine();
}

/// Reads the line at the front of `bytes`, of which at most `bytes_max` may be looked at.
DecodeError read_head(std::string_view bytes, std::size_t bytes_max, Head& head) {
  if (bytes.empty()) return fine();
  head.type = bytes[0];
  const Form form = form_of(head.type);
  // At once: a peer of another kind may send a short line and then nothing more.
  if (form == Form::unknown) return bad("bad type: this is no RESP reply");
  const std::size_t line_max = form == Form::text ? kRespLineBytesMax : kNumberLineBytesMax;
  bytes_max = std::min(bytes_max, line_max);
  const std::size_t newline = bytes.substr(0, bytes_max).find('\n');
  if (newline == std::string_view::npos) return bytes.size() >= bytes_max ? too_long() : fine();
  if (bytes[newline - 1] != '\r') return bad("bad line: it does not end in CR LF");
  head.text = bytes.substr(1, newline - kEnd.size());
  head.bytes = newline + 1;
  return form == Form::text ? check_text(head) : read_number(head);
}

/// How many values follow a head that counts them.
std::uint64_t items_of(char type, std::int64_t count) {
  const auto items = static_cast<std::uint64_t>(count);
  return type == '%' || type == '|' ? 2 * items : items;
}

// NOLINTBEGIN(misc-no-recursion): RespReader has held it to kRespDepthMax.
/// Of a reply that was found to be whole and right.
class RespDecoder final {
 public:
  explicit RespDecoder(std::string_view reply) : rest_(reply) {}

  void decode(bool is_nested, Value& out) {
    const Head head = take_head();
    if (head.number < 0 && form_of(head.type) != Form::number) return set_nil(is_nested, out);
    switch (head.type) {
      case '_':
        return set_nil(is_nested, out);
      case '+':
        return set_bytes(Kind::text, head.text, out);
      case '-':
        return set_error(head.text, is_nested, out);
      case ':':
        return set_integer(head.number, out);
      case '#':
        return set_integer(head.text == "t" ? 1 : 0, out);
      case '$':
        return set_bytes(Kind::bytes, take_body(head), out);
      case '=':
        return set_bytes(Kind::text, take_body(head).substr(kVerbatimPrefixBytes), out);
      case '!':
        return set_error(take_body(head), is_nested, out);
      case '%':
        return take_items(Kind::map, head, out);
      case '>':
        out.is_push = true;
        return take_items(Kind::list, head, out);
      case '*':
      case '~':
        return take_items(Kind::list, head, out);
      default:  // A double, or a big number.
        return set_bytes(Kind::bytes, head.text, out);
    }
  }

 private:
  /// The next head that is no attribute; the values of attributes are passed over.
  Head take_head() {
    for (;;) {
      Head head;
      static_cast<void>(read_head(rest_, rest_.size(), head));
      rest_.remove_prefix(head.bytes);
      if (head.type != '|') return head;
      Value skipped;
      take_items(Kind::map, head, skipped);
    }
  }

  std::string_view take_body(const Head& head) {
    const std::string_view body = rest_.substr(0, static_cast<std::size_t>(head.number));
    rest_.remove_prefix(body.size() + kEnd.size());
    return body;
  }

  void take_items(Kind kind, const Head& head, Value& out) {
    out.kind = kind;
    out.items.resize(items_of(head.type, head.number));
    for (Value& item : out.items) decode(true, item);
  }

  static void set_nil(bool is_nested, Value& out) {
    out.kind = is_nested ? Kind::nil : Kind::none;
    out.status = Status::nil;
  }
  static void set_integer(std::int64_t integer, Value& out) {
    out.kind = Kind::integer;
    out.integer = integer;
  }
  static void set_bytes(Kind kind, std::string_view bytes, Value& out) {
    out.kind = kind;
    out.bytes = bytes;
  }
  static void set_error(std::string_view text, bool is_nested, Value& out) {
    out.kind = is_nested ? Kind::error : Kind::none;
    out.status = status_of_prefix(text.substr(0, text.find(' ')));
    out.has_prefix = true;
    out.bytes = text;
  }

  std::string_view rest_;
};
// NOLINTEND(misc-no-recursion)

void append_count(std::string& out, char type, std::size_t count) {
  std::array<char, 24> digits{};
  const auto written = std::to_chars(digits.begin(), digits.end(), count);
  out.push_back(type);
  out.append(digits.data(), written.ptr).append(kEnd);
}

}  // namespace

void append_resp_request(std::string& out, const std::vector<std::string_view>& words) {
  append_count(out, '*', words.size());
  for (const std::string_view word : words) {
    append_count(out, '$', word.size());
    out.append(word).append(kEnd);
  }
}

RespReader::RespReader(std::size_t reply_bytes_max) : ReplyReader(reply_bytes_max) {
  start_reply();
}

void RespReader::start_reply() {
  scanned_bytes_ = 0;
  items_left_ = kReplyItemsMax;
  depth_ = 0;
  due_[0] = 1;
}

/// The value at the front has come; notes what is still to come because of it.
DecodeError RespReader::count(char type, std::int64_t number) {
  // An attribute stands in front of the value that it is about.
  if (type != '|') --due_[depth_];
  if (form_of(type) == Form::count && number >= 0) {
    const std::uint64_t items = items_of(type, number);
    if (number > kReplyItemsMax || items > items_left_) {
      return {Status::too_large, "over 1,048,576 values in a reply"};
    }
    if (depth_ == kRespDepthMax) return {Status::too_large, "lists nested over 32 deep"};
    items_left_ -= static_cast<std::uint32_t>(items);
    due_[++depth_] = static_cast<std::uint32_t>(items);
  }
  while (depth_ > 0 && due_[depth_] == 0) --depth_;
  return fine();
}

ReplyReader::Outcome RespReader::next(Value& value) {
  if (!error().ok()) return Outcome::malformed;
  const std::string_view bytes = buffered();
  while (due_[0] > 0 || depth_ > 0) {
    Head head;
    const std::string_view rest = bytes.substr(scanned_bytes_);
    const std::size_t left_max = reply_bytes_max() - scanned_bytes_;
    // Before its line is looked at, which may have come in part: the error is the same then.
    const bool is_push = rest.starts_with('>');
    if (is_push && depth_ > 0) return fail(bad("bad type: a push inside of a reply"));
    const DecodeError unreadable = read_head(rest, left_max, head);
    if (!unreadable.ok()) return fail(unreadable);
    if (head.bytes == 0) return Outcome::need_more;
    const std::size_t part = head.part_bytes();
    if (part > left_max) return fail(too_long());
    if (rest.size() < part) return Outcome::need_more;
    if (head.has_body() && rest.substr(part - kEnd.size(), kEnd.size()) != kEnd) {
      return fail(bad("bad value: it does not end in CR LF"));
    }
    const DecodeError uncountable = count(head.type, head.number);
    if (!uncountable.ok()) return fail(uncountable);
    scanned_bytes_ += part;
  }
  value = Value{};
  RespDecoder(bytes.substr(0, scanned_bytes_)).decode(false, value);
  take(scanned_bytes_);
  start_reply();
  return Outcome::frame;
}

}  // namespace phoenix::protocol
