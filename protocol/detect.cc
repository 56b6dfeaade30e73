#include "protocol/detect.h"

#include <algorithm>
#include <array>

#include "protocol/binary.h"

namespace phoenix::protocol {

namespace {

constexpr std::uint8_t kTlsHandshake = 0x16;
constexpr std::uint8_t kTlsMajorVersion = 0x03;

/// Beginnings of HTTP, in any case. None is a command of ours but GET, which therefore needs the
/// slash: an inline `GET key` is RESP. The last word is the header that every browser sends, for a
/// request line that was cut off on its way here.
constexpr std::array<std::string_view, 11> kHttpStarts = {
    "GET /",    "POST ",  "PUT ",   "HEAD ", "OPTIONS ", "DELETE ",
    "CONNECT ", "TRACE ", "PATCH ", "PRI ",  "Host:",
};

constexpr std::size_t longest_start() {
  std::size_t longest = 0;
  for (const std::string_view start : kHttpStarts) longest = std::max(longest, start.size());
  return longest;
}
static_assert(longest_start() <= kDetectBytesMax);

constexpr char folded(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
}

/// Whether the shorter one of both begins the other one, in any case.
bool agree(std::string_view a, std::string_view b) {
  const std::size_t size = std::min(a.size(), b.size());
  return std::equal(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(size), b.begin(),
                    [](char x, char y) { return folded(x) == folded(y); });
}

/// Text is RESP unless it begins like HTTP; while it could still become that, it is undecided.
Detected detect_text(std::string_view text) {
  for (const std::string_view start : kHttpStarts) {
    if (agree(text, start))
      return text.size() < start.size() ? Detected::need_more : Detected::http;
  }
  return Detected::resp;
}

/// Line ends and tabs count: redis-cli's pipe mode sends an empty line, and RESP ignores it.
bool is_text(std::uint8_t byte) {
  return (byte >= 0x20 && byte < 0x7F) || byte == '\r' || byte == '\n' || byte == '\t';
}

}  // namespace

Detected detect(std::string_view first_bytes) {
  if (first_bytes.empty()) return Detected::need_more;
  const auto first = static_cast<std::uint8_t>(first_bytes[0]);
  if (first == kRequestMagic) return Detected::native;
  if ((first & 0xF0U) == (kRequestMagic & 0xF0U)) return Detected::native_other_version;
  if (first == kTlsHandshake) {
    if (first_bytes.size() == 1) return Detected::need_more;
    const bool is_tls = static_cast<std::uint8_t>(first_bytes[1]) == kTlsMajorVersion;
    return is_tls ? Detected::tls : Detected::garbage;
  }
  return is_text(first) ? detect_text(first_bytes) : Detected::garbage;
}

}  // namespace phoenix::protocol
