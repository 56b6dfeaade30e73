#include "bench/report/markup.h"

#include <cstddef>
#include <cstdint>

namespace phoenix::bench {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::uint8_t byte_at(std::string_view bytes, std::size_t at) {
  return static_cast<std::uint8_t>(bytes[at]);
}

bool is_continuation(std::uint8_t byte) {
  return (byte & 0xC0U) == 0x80U;
}

// What the second byte may be, where it is less than all: no overlong forms, no surrogates, nothing
// above U+10FFFF.
bool is_second(std::uint8_t first, std::uint8_t second) {
  if (first == 0xE0) return second >= 0xA0;
  if (first == 0xED) return second < 0xA0;
  if (first == 0xF0) return second >= 0x90;
  if (first == 0xF4) return second < 0x90;
  return true;
}

// Bytes of the character that begins here; 0: none does.
std::size_t character_bytes(std::string_view bytes) {
  const std::uint8_t first = byte_at(bytes, 0);
  if (first < 0x80) return 1;
  const std::size_t size = first < 0xC2   ? 0
                           : first < 0xE0 ? 2
                           : first < 0xF0 ? 3
                           : first < 0xF5 ? 4
                                          : 0;
  if (size == 0 || size > bytes.size() || !is_second(first, byte_at(bytes, 1))) return 0;
  for (std::size_t i = 1; i < size; ++i) {
    if (!is_continuation(byte_at(bytes, i))) return 0;
  }
  return size;
}

bool is_control(char letter) {
  const auto code = static_cast<std::uint8_t>(letter);
  return (code < 0x20 && letter != '\t' && letter != '\n') || code == 0x7F;
}

}  // namespace

std::string clean_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  while (!bytes.empty()) {
    const std::size_t size = character_bytes(bytes);
    const bool is_fine = size > 0 && !is_control(bytes.front());
    out += is_fine ? bytes.substr(0, size) : kReplacement;
    bytes.remove_prefix(size == 0 ? 1 : size);
  }
  return out;
}

std::string escaped(std::string_view plain) {
  std::string out;
  for (const char letter : clean_utf8(plain)) {
    switch (letter) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += letter;
    }
  }
  return out;
}

std::size_t length_of(std::string_view utf8) {
  std::size_t characters = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    if (!is_continuation(byte_at(utf8, i))) ++characters;
  }
  return characters;
}

std::string shortened(std::string_view utf8, std::size_t characters_max) {
  if (length_of(utf8) <= characters_max) return std::string(utf8);
  std::size_t kept = 0;
  for (std::size_t i = 0; i < utf8.size(); ++i) {
    if (!is_continuation(byte_at(utf8, i)) && ++kept >= characters_max) {
      return std::string(utf8.substr(0, i)) + "…";
    }
  }
  return std::string(utf8);
}

}  // namespace phoenix::bench
