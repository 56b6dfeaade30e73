// Building blocks of RESP replies: what a server writes. Pure, and small enough to be inlined where
// replies are made by the million.
#pragma once

#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace phoenix::protocol {

/// Of RESP: what HELLO asked for.
enum class RespVersion : std::uint8_t { resp2 = 2, resp3 = 3 };

/// A type, a number of up to 20 characters, CR LF.
inline constexpr std::size_t kRespNumberBytesMax = 23;

/// Writes the line at `out`, where there is room for kRespNumberBytesMax; returns its end.
inline char* store_resp_number(char* out, char type, std::int64_t number) {
  *out++ = type;
  if (number >= 0 && number < 10) {
    *out++ = static_cast<char>('0' + number);
  } else {
    out = std::to_chars(out, out + 20, number).ptr;
  }
  std::memcpy(out, "\r\n", 2);  // NOLINT(bugprone-not-null-terminated-result): no C string.
  return out + 2;
}

inline void append_resp_number(std::string& out, char type, std::int64_t number) {
  char line[kRespNumberBytesMax];
  out.append(line, static_cast<std::size_t>(store_resp_number(line, type, number) - line));
}

inline void append_resp_bulk(std::string& out, char type, std::string_view bytes) {
  append_resp_number(out, type, static_cast<std::int64_t>(bytes.size()));
  out.append(bytes);
  out.append("\r\n");
}

/// A line may hold no line end: those of `text` become spaces.
inline void append_resp_line(std::string& out, char type, std::string_view text) {
  out += type;
  for (const char c : text) out += c == '\r' || c == '\n' ? ' ' : c;
  out.append("\r\n");
}

}  // namespace phoenix::protocol
