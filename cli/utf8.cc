#include "cli/utf8.h"

#include <algorithm>
#include <array>

namespace phoenix::cli {

namespace {

struct Range {
  char32_t first;
  char32_t last;
};

/// Unicode's controls, separators, and default-ignorable or direction-changing characters, as far
/// as they could hide or reorder what is printed.
constexpr std::array<Range, 13> kNotPrintable = {{
    {0x00, 0x1F},
    {0x7F, 0x9F},
    {0xAD, 0xAD},      // Soft hyphen.
    {0x61C, 0x61C},    // Arabic letter mark.
    {0x180E, 0x180E},  // Mongolian vowel separator.
    {0x200B, 0x200F},  // Zero widths and direction marks.
    {0x2028, 0x202E},  // Line and paragraph separators, direction embeddings.
    {0x2060, 0x206F},  // Word joiner, direction isolates.
    {0xD800, 0xDFFF},
    {0xFEFF, 0xFEFF},  // Byte order mark.
    {0xFFF0, 0xFFFB},
    {0xFFFE, 0xFFFF},
    {0xE0000, 0xE0FFF},  // Tags.
}};

/// By the count of bytes: the least code point that needs that many.
constexpr std::array<char32_t, 5> kLeast = {0, 0, 0x80, 0x800, 0x10000};

}  // namespace

Character first_character(std::string_view bytes) {
  const auto lead = static_cast<unsigned char>(bytes[0]);
  if (lead < 0x80) return {lead, 1};
  std::size_t count = 0;
  char32_t code_point = 0;
  if ((lead & 0xE0U) == 0xC0U) {
    count = 2;
    code_point = lead & 0x1FU;
  } else if ((lead & 0xF0U) == 0xE0U) {
    count = 3;
    code_point = lead & 0x0FU;
  } else if ((lead & 0xF8U) == 0xF0U) {
    count = 4;
    code_point = lead & 0x07U;
  }
  if (count == 0 || bytes.size() < count) return {};
  for (std::size_t i = 1; i < count; ++i) {
    const auto next = static_cast<unsigned char>(bytes[i]);
    if ((next & 0xC0U) != 0x80U) return {};
    code_point = (code_point << 6U) | (next & 0x3FU);
  }
  const bool is_surrogate = code_point >= 0xD800 && code_point <= 0xDFFF;
  if (code_point < kLeast[count] || code_point > 0x10FFFF || is_surrogate) return {};
  return {code_point, count};
}

bool is_utf8(std::string_view bytes) {
  while (!bytes.empty()) {
    const std::size_t count = first_character(bytes).bytes;
    if (count == 0) return false;
    bytes.remove_prefix(count);
  }
  return true;
}

bool is_printable(char32_t code_point) {
  return std::none_of(kNotPrintable.begin(), kNotPrintable.end(), [code_point](const Range& range) {
    return code_point >= range.first && code_point <= range.last;
  });
}

}  // namespace phoenix::cli
