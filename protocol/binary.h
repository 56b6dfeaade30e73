// The native protocol: `type|size|key|value`. A fixed little-endian header of 16 bytes tells every
// size before key and value come. docs/PROTOCOL.md is the definition; these are pure functions of
// bytes: no IO, no clock, no globals.
//
//   request                               reply
//    0  u8   magic 0xF1                   u8   magic 0xE1
//    1  u8   type (Opcode)                u8   status (Status)
//    2  u16  flags (RequestFlags)         u16  kind (Kind, low byte) and kMoreFollows
//    4  u32  id, echoed                   u32  id
//    8  u32  key size                     u32  key size (0)
//   12  u32  value size                   u32  value size
//   16  u64  ttl_ms, when flagged         -
//       key, value                        value: bytes, an error's text, or values (see Kind)
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/error.h"
#include "protocol/limits.h"

namespace phoenix::protocol {

inline constexpr std::uint8_t kRequestMagic = 0xF1;  // Low nibble: protocol version 1.
inline constexpr std::uint8_t kReplyMagic = 0xE1;
inline constexpr std::size_t kHeaderBytes = 16;
inline constexpr std::size_t kTtlBytes = 8;

/// Commands with a short form. All others (and these too) travel as argv: value = u32 count, then
/// per word u32 size and bytes; the first word is the command's name in any case; key size is 0.
enum class Opcode : std::uint8_t {
  argv = 0,
  hello = 1,   // No key; value: empty, or the client's name.
  get = 2,     // key
  set = 3,     // key, value, ttl, the condition flags
  del = 4,     // key
  exists = 5,  // key
  incr = 6,    // key
  ping = 7,    // No key; value: empty, or what to echo.
};

enum RequestFlags : std::uint16_t {
  kHasTtl = 1U << 0,       // 8 bytes of ttl_ms stand between header and key (SET only).
  kTtlIsTime = 1U << 1,    // They are a Unix time in milliseconds, not a duration.
  kIfAbsent = 1U << 2,     // NX
  kIfPresent = 1U << 3,    // XX
  kKeepTtl = 1U << 4,      // KEEPTTL
  kReturnOld = 1U << 5,    // GET
  kWaitDurable = 1U << 6,  // Answer when it is on disk, whatever the server's mode.
  kDoNotWait = 1U << 7,    // Answer when executed, whatever the server's mode.
};
inline constexpr std::uint16_t kRequestFlagsKnown = 0xFF;

/// What the value of a reply is. Lists and maps hold values: u8 kind, u32 size, bytes each;
/// a list's bytes start with a u32 count, a map's with a u32 count of pairs.
enum class Kind : std::uint8_t {
  none = 0,     // Status says it all (OK, nil, or an error with its text).
  bytes = 1,    // A value or a key: any bytes.
  integer = 2,  // i64, 8 bytes.
  text = 3,     // A line for people (PONG, a help text).
  list = 4,
  map = 5,
  nil = 6,    // Inside lists and maps.
  error = 7,  // Inside lists and maps: u8 status, then text.
};
/// Set in a reply's flags when further frames with the same id follow (LIST).
inline constexpr std::uint16_t kMoreFollows = 0x8000;

struct RequestHeader {
  std::uint8_t type = 0;
  std::uint16_t flags = 0;
  std::uint32_t id = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;

  /// Between the end of the header and the key.
  std::size_t ttl_bytes() const { return (flags & kHasTtl) != 0 ? kTtlBytes : 0; }
  /// Of the whole frame.
  std::size_t frame_bytes() const {
    return kHeaderBytes + ttl_bytes() + std::size_t{key_bytes} + value_bytes;
  }
};

/// Why bytes are no frame. `text` names the field; static storage.
struct DecodeError {
  Status status = Status::bad_frame;
  std::string_view text;

  [[nodiscard]] bool ok() const { return status == Status::ok; }
};

/// Reads and checks the first kHeaderBytes of `bytes` (there must be that many). Every size is
/// checked against limits.h here, before anything is allocated for it. Null error text: all right.
[[nodiscard]] inline DecodeError decode_header(const char* bytes, RequestHeader& header) {
  const auto magic = static_cast<std::uint8_t>(bytes[0]);
  header.type = static_cast<std::uint8_t>(bytes[1]);
  header.flags = load_le<std::uint16_t>(bytes + 2);
  header.id = load_le<std::uint32_t>(bytes + 4);
  header.key_bytes = load_le<std::uint32_t>(bytes + 8);
  header.value_bytes = load_le<std::uint32_t>(bytes + 12);
  if (magic != kRequestMagic) return {Status::bad_frame, "bad magic: a request starts with 0xF1"};
  if ((header.flags & ~kRequestFlagsKnown) != 0) {
    return {Status::bad_frame, "bad flags: bits above 7 are reserved and must be 0"};
  }
  if (header.key_bytes > kKeyBytesMax) return {Status::too_large, "key size over 64 KiB"};
  const bool is_argv = header.type == static_cast<std::uint8_t>(Opcode::argv);
  if (header.value_bytes > (is_argv ? kArgvBytesMax : kValueBytesMax)) {
    return {Status::too_large, is_argv ? "argv size over 513 MiB" : "value size over 512 MiB"};
  }
  if (is_argv && header.key_bytes != 0) {
    return {Status::bad_frame, "bad key size: an argv request has no key"};
  }
  return {Status::ok, {}};
}

/// Judges what a well-framed request asks for: a known type, flags that fit it and do not
/// contradict each other, no key or value where none belongs, a ttl in 1..kTtlMsMax. `ttl_ms`
/// counts only when it is flagged. The frame's end is known, so an error here has Status::error and
/// the connection goes on. That `ttl_ms` and the clock together stay below kTtlMsMax is for the
/// command to check.
[[nodiscard]] DecodeError check_request(const RequestHeader& header, std::uint64_t ttl_ms);

/// Splits the value of an argv frame into its words, as views into it. At most `args_max` words
/// (never more than kArgsMax) of at most kValueBytesMax bytes; there is at least one. Clears
/// `args` first.
[[nodiscard]] DecodeError decode_argv(std::string_view value, std::uint32_t args_max,
                                      std::vector<std::string_view>& args);

/// Where a request that a client builds is appended. Sizes should be within limits.h (the server
/// refuses the others); a size that its field cannot hold stops the process.
void append_request(std::string& out, Opcode type, std::uint16_t flags, std::uint32_t id,
                    std::string_view key, std::string_view value, std::uint64_t ttl_ms = 0);
void append_argv_request(std::string& out, std::uint16_t flags, std::uint32_t id,
                         const std::vector<std::string_view>& args);

struct ReplyHeader {
  Status status = Status::ok;
  Kind kind = Kind::none;
  bool more_follows = false;
  std::uint32_t id = 0;
  std::uint32_t key_bytes = 0;
  std::uint32_t value_bytes = 0;

  std::size_t frame_bytes() const { return kHeaderBytes + std::size_t{key_bytes} + value_bytes; }
};

/// Writes kHeaderBytes to `out`.
inline void store_reply_header(char* out, const ReplyHeader& header) {
  out[0] = static_cast<char>(kReplyMagic);
  out[1] = static_cast<char>(header.status);
  store_le(out + 2, static_cast<std::uint16_t>(static_cast<std::uint16_t>(header.kind) |
                                               (header.more_follows ? kMoreFollows : 0)));
  store_le(out + 4, header.id);
  store_le(out + 8, header.key_bytes);
  store_le(out + 12, header.value_bytes);
}

/// Reads and checks the first kHeaderBytes of a reply. Null error text: all right.
[[nodiscard]] DecodeError decode_reply_header(const char* bytes, ReplyHeader& header);

/// A reply or a part of one, decoded: for clients, for tests, and where parts are gathered.
struct Value {
  Kind kind = Kind::none;
  Status status = Status::ok;  // For kind none and error (and nil, where it is Status::nil).
  bool has_prefix = false;     // An error of RESP: its text brings its own first word.
  bool is_push = false;        // A message that answers no request: a push of RESP3, id 0 natively.
  std::int64_t integer = 0;
  std::string_view bytes;    // bytes, text, an error's text: a view into what was decoded.
  std::vector<Value> items;  // A list's values; a map's keys and values in turn.
};

/// An error as people see it: a prefix ("ERR", "OOM" ...) and the text, as it came from the peer.
[[nodiscard]] std::string error_line(const Value& error);

/// Decodes the value of a reply frame. Checks counts against the bytes that are there before it
/// allocates for them, and the depth against kReplyDepthMax. Null error text: all right.
[[nodiscard]] DecodeError decode_reply_value(const ReplyHeader& header, std::string_view value,
                                             Value& out);

/// Appends `value` in its nested form (u8 kind, u32 size, bytes). Kind none takes the form that its
/// status has inside a list: none, nil or error. Lists at most kReplyDepthMax deep.
void append_value(std::string& out, const Value& value);

/// Appends a whole reply frame that carries `value` (any kind but nil and error, which exist only
/// inside lists and maps). An error's text is cut at kErrorTextBytesMax.
void append_reply(std::string& out, std::uint32_t id, const Value& value,
                  bool more_follows = false);

}  // namespace phoenix::protocol
