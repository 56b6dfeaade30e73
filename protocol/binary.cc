// Requests of the native protocol: the checks that are not in the hot header path, argv, and the
// encoding that clients use. Replies are in reply.cc.
#include "protocol/binary.h"

#include <algorithm>
#include <array>

#include "protocol/require.h"

namespace phoenix::protocol {

namespace {

constexpr std::uint16_t kDurabilityFlags = kWaitDurable | kDoNotWait;

/// What a request of one type may carry beside its header.
struct RequestShape {
  bool has_key;
  bool has_value;
  std::uint16_t flags;
};

/// By Opcode.
constexpr std::array<RequestShape, 8> kShapes = {{
    {false, true, kDurabilityFlags},   // argv
    {false, true, kDurabilityFlags},   // hello
    {true, false, kDurabilityFlags},   // get
    {true, true, kRequestFlagsKnown},  // set
    {true, false, kDurabilityFlags},   // del
    {true, false, kDurabilityFlags},   // exists
    {true, false, kDurabilityFlags},   // incr
    {false, true, kDurabilityFlags},   // ping
}};

DecodeError check_flag_pairs(std::uint16_t flags) {
  const auto has_both = [flags](std::uint16_t a, std::uint16_t b) {
    return (flags & a) != 0 && (flags & b) != 0;
  };
  if (has_both(kIfAbsent, kIfPresent)) {
    return {Status::error, "bad flags: if-absent and if-present exclude each other"};
  }
  if (has_both(kHasTtl, kKeepTtl)) {
    return {Status::error, "bad flags: a ttl and keep-ttl exclude each other"};
  }
  if (has_both(kWaitDurable, kDoNotWait)) {
    return {Status::error, "bad flags: wait-durable and do-not-wait exclude each other"};
  }
  if ((flags & kTtlIsTime) != 0 && (flags & kHasTtl) == 0) {
    return {Status::error, "bad flags: ttl-is-time needs a ttl (flag 0)"};
  }
  return {Status::ok, {}};
}

void append_u32(std::string& out, std::uint32_t value) {
  std::array<char, sizeof value> bytes{};
  store_le(bytes.data(), value);
  out.append(bytes.data(), bytes.size());
}

void append_header(std::string& out, const RequestHeader& header) {
  std::array<char, 4> start{};
  start[0] = static_cast<char>(kRequestMagic);
  start[1] = static_cast<char>(header.type);
  store_le(start.data() + 2, header.flags);
  out.append(start.data(), start.size());
  append_u32(out, header.id);
  append_u32(out, header.key_bytes);
  append_u32(out, header.value_bytes);
}

}  // namespace

DecodeError check_request(const RequestHeader& header, std::uint64_t ttl_ms) {
  if (header.type >= kShapes.size()) {
    return {Status::error, "unknown request type: send the command as argv (type 0)"};
  }
  const RequestShape& shape = kShapes[header.type];
  if (!shape.has_key && header.key_bytes != 0) {
    return {Status::error, "bad key size: this type of request has no key"};
  }
  if (!shape.has_value && header.value_bytes != 0) {
    return {Status::error, "bad value size: this type of request has no value"};
  }
  if (header.flags == 0) return {Status::ok, {}};
  if ((header.flags & ~shape.flags) != 0) {
    return {Status::error, "bad flags: ttl and condition flags are for set (type 3) only"};
  }
  if ((header.flags & kHasTtl) != 0 && (ttl_ms == 0 || ttl_ms > kTtlMsMax)) {
    return {Status::error, "bad ttl: it must be from 1 to 2^48 - 1 milliseconds"};
  }
  return check_flag_pairs(header.flags);
}

DecodeError decode_argv(std::string_view value, std::uint32_t args_max,
                        std::vector<std::string_view>& args) {
  args.clear();
  if (value.size() < sizeof(std::uint32_t)) {
    return {Status::bad_frame, "bad argv: no room for the count of words"};
  }
  const auto count = load_le<std::uint32_t>(value.data());
  value.remove_prefix(sizeof count);
  if (count == 0) return {Status::bad_frame, "bad argv: no words, the first names the command"};
  if (count > std::min(args_max, kArgsMax)) return {Status::too_large, "too many words in argv"};
  if (count > value.size() / sizeof(std::uint32_t)) {
    return {Status::bad_frame, "bad argv: more words counted than there are bytes for"};
  }
  args.reserve(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    if (value.size() < sizeof(std::uint32_t)) {
      return {Status::bad_frame, "bad argv: it ends before a word's size"};
    }
    const auto size = load_le<std::uint32_t>(value.data());
    value.remove_prefix(sizeof size);
    if (size > kValueBytesMax) return {Status::too_large, "word size over 512 MiB"};
    if (size > value.size()) return {Status::bad_frame, "bad argv: it ends inside a word"};
    args.push_back(value.substr(0, size));
    value.remove_prefix(size);
  }
  if (!value.empty()) return {Status::bad_frame, "bad argv: bytes left over after the last word"};
  return {Status::ok, {}};
}

// NOLINTNEXTLINE(readability-function-size): the fields of a frame, in their order.
void append_request(std::string& out, Opcode type, std::uint16_t flags, std::uint32_t id,
                    std::string_view key, std::string_view value, std::uint64_t ttl_ms) {
  append_header(out, {static_cast<std::uint8_t>(type), flags, id, wire_size(key.size()),
                      wire_size(value.size())});
  if ((flags & kHasTtl) != 0) {
    std::array<char, kTtlBytes> ttl{};
    store_le(ttl.data(), ttl_ms);
    out.append(ttl.data(), ttl.size());
  }
  out.append(key);
  out.append(value);
}

void append_argv_request(std::string& out, std::uint16_t flags, std::uint32_t id,
                         const std::vector<std::string_view>& args) {
  std::size_t value_bytes = sizeof(std::uint32_t);
  for (const std::string_view arg : args) value_bytes += sizeof(std::uint32_t) + arg.size();
  // An argv frame has no ttl field: a flag that announced one would shift every later byte.
  require((flags & kHasTtl) == 0);
  append_header(out,
                {static_cast<std::uint8_t>(Opcode::argv), flags, id, 0, wire_size(value_bytes)});
  append_u32(out, wire_size(args.size()));
  for (const std::string_view arg : args) {
    append_u32(out, wire_size(arg.size()));
    out.append(arg);
  }
}

}  // namespace phoenix::protocol
