// Replies of the native protocol, both ways. Decoding is for clients, which trust a server no more
// than a server trusts them: every size and count is held against the bytes that are there, and
// against limits.h, before anything is allocated for it. Lists nest at most kReplyDepthMax deep, so
// the recursion here has a bound.
#include <array>

#include "protocol/binary.h"
#include "protocol/require.h"

namespace phoenix::protocol {

namespace {

/// A nested value's kind and size; also the least that one costs on the wire.
constexpr std::size_t kNestedHeadBytes = 5;

constexpr std::uint16_t kReplyFlagsKnown = kMoreFollows | 0xFF;

DecodeError bad(std::string_view text) {
  return {Status::bad_frame, text};
}
DecodeError fine() {
  return {Status::ok, {}};
}

DecodeError check_reply_status(const ReplyHeader& header) {
  if (header.status == Status::ok) {
    const bool empty = header.kind != Kind::none || header.value_bytes == 0;
    return empty ? fine() : bad("bad value size: kind none with status ok has no value");
  }
  if (header.more_follows) return bad("bad flags: nothing follows a nil or an error");
  if (header.kind != Kind::none) return bad("bad kind: nil and errors have kind none");
  if (header.status == Status::nil) {
    return header.value_bytes == 0 ? fine() : bad("bad value size: nil has no value");
  }
  if (!is_error(header.status)) return bad("bad status: 2 to 15 are reserved");
  if (header.value_bytes > kErrorTextBytesMax) {
    return {Status::too_large, "error text over 512 bytes"};
  }
  return fine();
}

DecodeError check_reply_header(const ReplyHeader& header) {
  if (header.kind > Kind::map) return bad("bad kind: a reply has a kind from 0 to 5");
  if (header.key_bytes > kKeyBytesMax) return {Status::too_large, "key size over 64 KiB"};
  if (header.value_bytes > kReplyBytesMax) return {Status::too_large, "reply size over 513 MiB"};
  if (header.kind == Kind::integer && header.value_bytes != sizeof(std::int64_t)) {
    return bad("bad value size: an integer has 8 bytes");
  }
  return check_reply_status(header);
}

// NOLINTBEGIN(misc-no-recursion): at most kReplyDepthMax deep.
class ValueDecoder final {
 public:
  DecodeError decode(Kind kind, std::string_view bytes, std::uint32_t depth, Value& out) {
    out.kind = kind;
    switch (kind) {
      case Kind::none:
        return bytes.empty() ? fine() : bad("bad size: a nested none has no bytes");
      case Kind::nil:
        out.status = Status::nil;
        return bytes.empty() ? fine() : bad("bad size: a nested nil has no bytes");
      case Kind::integer:
        if (bytes.size() != sizeof out.integer) return bad("bad size: an integer has 8 bytes");
        out.integer = load_le<std::int64_t>(bytes.data());
        return fine();
      case Kind::bytes:
      case Kind::text:
        if (bytes.size() > kValueBytesMax) return {Status::too_large, "value size over 512 MiB"};
        out.bytes = bytes;
        return fine();
      case Kind::error:
        return decode_error(bytes, out);
      case Kind::list:
      case Kind::map:
        return decode_items(bytes, depth, out);
    }
    return bad("bad kind: a value has a kind from 0 to 7");
  }

 private:
  static DecodeError decode_error(std::string_view bytes, Value& out) {
    if (bytes.empty()) return bad("bad size: a nested error starts with its status");
    out.status = static_cast<Status>(bytes[0]);
    if (!is_error(out.status)) return bad("bad status: a nested error has one of 16 or more");
    out.bytes = bytes.substr(1);
    if (out.bytes.size() > kErrorTextBytesMax) {
      return {Status::too_large, "error text over 512 bytes"};
    }
    return fine();
  }

  DecodeError decode_items(std::string_view bytes, std::uint32_t depth, Value& out) {
    if (depth >= kReplyDepthMax) return {Status::too_large, "lists nested over 16 deep"};
    if (bytes.size() < sizeof(std::uint32_t)) return bad("bad list: no room for its count");
    std::uint64_t count = load_le<std::uint32_t>(bytes.data());
    if (out.kind == Kind::map) count *= 2;
    bytes.remove_prefix(sizeof(std::uint32_t));
    if (count > bytes.size() / kNestedHeadBytes) {
      return bad("bad list: more values counted than there are bytes for");
    }
    if (count > items_left_) return {Status::too_large, "over 1,048,576 values in a reply"};
    items_left_ -= count;
    out.items.resize(count);
    for (Value& item : out.items) {
      const DecodeError error = take_value(bytes, depth + 1, item);
      if (!error.ok()) return error;
    }
    return bytes.empty() ? fine() : bad("bad list: bytes left over after its last value");
  }

  /// Takes one nested value off the front of `bytes`.
  DecodeError take_value(std::string_view& bytes, std::uint32_t depth, Value& out) {
    if (bytes.size() < kNestedHeadBytes) return bad("bad list: it ends before a value's size");
    const auto kind = static_cast<Kind>(bytes[0]);
    const auto size = load_le<std::uint32_t>(bytes.data() + 1);
    bytes.remove_prefix(kNestedHeadBytes);
    if (size > bytes.size()) return bad("bad list: it ends inside a value");
    const std::string_view body = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return decode(kind, body, depth, out);
  }

  std::uint64_t items_left_ = kReplyItemsMax;
};
// NOLINTEND(misc-no-recursion)

template <typename T>
void append_le(std::string& out, T value) {
  std::array<char, sizeof value> bytes{};
  store_le(bytes.data(), value);
  out.append(bytes.data(), bytes.size());
}

/// The kind that `value` has inside a list.
Kind nested_kind(const Value& value) {
  if (value.kind != Kind::none || value.status == Status::ok) return value.kind;
  return value.status == Status::nil ? Kind::nil : Kind::error;
}

// NOLINTBEGIN(misc-no-recursion): append_body holds it to kReplyDepthMax.
void append_nested(std::string& out, const Value& value, std::uint32_t depth);

/// What follows a nested value's size, or a frame's header.
void append_body(std::string& out, Kind kind, const Value& value, std::uint32_t depth) {
  switch (kind) {
    case Kind::none:
    case Kind::nil:
      return;
    case Kind::integer:
      append_le(out, value.integer);
      return;
    case Kind::error:
      out.push_back(static_cast<char>(value.status));
      out.append(value.bytes.substr(0, kErrorTextBytesMax));
      return;
    case Kind::bytes:
    case Kind::text:
      out.append(value.bytes);
      return;
    case Kind::list:
    case Kind::map:
      break;
  }
  require(depth < kReplyDepthMax);
  require(kind == Kind::list || value.items.size() % 2 == 0);
  append_le(out, wire_size(kind == Kind::map ? value.items.size() / 2 : value.items.size()));
  for (const Value& item : value.items) append_nested(out, item, depth + 1);
}

void append_nested(std::string& out, const Value& value, std::uint32_t depth) {
  const Kind kind = nested_kind(value);
  out.push_back(static_cast<char>(kind));
  const std::size_t size_at = out.size();
  append_le(out, std::uint32_t{0});
  append_body(out, kind, value, depth);
  store_le(out.data() + size_at, wire_size(out.size() - size_at - sizeof(std::uint32_t)));
}
// NOLINTEND(misc-no-recursion)

}  // namespace

DecodeError decode_reply_header(const char* bytes, ReplyHeader& header) {
  const auto flags = load_le<std::uint16_t>(bytes + 2);
  header.status = static_cast<Status>(bytes[1]);
  header.kind = static_cast<Kind>(flags & 0xFFU);
  header.more_follows = (flags & kMoreFollows) != 0;
  header.id = load_le<std::uint32_t>(bytes + 4);
  header.key_bytes = load_le<std::uint32_t>(bytes + 8);
  header.value_bytes = load_le<std::uint32_t>(bytes + 12);
  if (static_cast<std::uint8_t>(bytes[0]) != kReplyMagic) {
    return bad("bad magic: a reply starts with 0xE1");
  }
  if ((flags & ~kReplyFlagsKnown) != 0) {
    return bad("bad flags: bits 8 to 14 are reserved and must be 0");
  }
  return check_reply_header(header);
}

DecodeError decode_reply_value(const ReplyHeader& header, std::string_view value, Value& out) {
  out = Value{};
  const DecodeError unfit = check_reply_header(header);
  if (!unfit.ok()) return unfit;
  if (value.size() != header.value_bytes) return bad("bad value size: not what the header says");
  if (header.status != Status::ok) {
    out.status = header.status;
    out.bytes = value;
    return fine();
  }
  const DecodeError error = ValueDecoder().decode(header.kind, value, 0, out);
  if (!error.ok()) out = Value{};
  return error;
}

std::string error_line(const Value& error) {
  std::string line;
  if (!error.has_prefix) line.append(error_prefix(error.status)).append(" ");
  return line.append(error.bytes);
}

void append_value(std::string& out, const Value& value) {
  append_nested(out, value, 0);
}

void append_reply(std::string& out, std::uint32_t id, const Value& value, bool more_follows) {
  require(value.kind <= Kind::map);
  const std::size_t start = out.size();
  out.resize(start + kHeaderBytes);
  if (is_error(value.status) && value.kind == Kind::none) {
    out.append(value.bytes.substr(0, kErrorTextBytesMax));
  } else {
    append_body(out, value.kind, value, 0);
  }
  ReplyHeader header;
  header.status = value.kind == Kind::none ? value.status : Status::ok;
  header.kind = value.kind;
  header.more_follows = more_follows;
  require(!more_follows || header.status == Status::ok);
  header.id = id;
  header.value_bytes = wire_size(out.size() - start - kHeaderBytes);
  store_reply_header(out.data() + start, header);
}

}  // namespace phoenix::protocol
