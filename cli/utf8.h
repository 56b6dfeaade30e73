// Which bytes are UTF-8 text, and which of it is safe and visible on a terminal. Pure.
#pragma once

#include <cstddef>
#include <string_view>

namespace phoenix::cli {

struct Character {
  char32_t code_point = 0;
  std::size_t bytes = 0;  // 0: what stands there is not UTF-8.
};

/// The character that `bytes` (not empty) starts with. Shortest forms only, no surrogates, up to
/// U+10FFFF (RFC 3629).
[[nodiscard]] Character first_character(std::string_view bytes);

[[nodiscard]] bool is_utf8(std::string_view bytes);

/// Visible, and leaves the rest of the line alone: no control characters, no line separators, none
/// that change the direction of writing or are invisible in every font.
[[nodiscard]] bool is_printable(char32_t code_point);

}  // namespace phoenix::cli
