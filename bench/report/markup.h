// Markup as a type of its own: what is Html has been escaped, what is a string has not. So a server
// that calls itself "<script>" is shown as just that.
#pragma once

#include <string>
#include <string_view>

namespace phoenix::bench {

/// Text that may stand in a page as it is. Only functions that escape what they are given make it.
struct Html {
  std::string text;

  Html& operator+=(const Html& more) {
    text += more.text;
    return *this;
  }
};

/// The bytes as UTF-8: what is none, and control characters but tab and newline, become U+FFFD.
std::string clean_utf8(std::string_view bytes);

/// For the text of an element and for attributes in double quotes, in HTML as in SVG. Any bytes.
std::string escaped(std::string_view plain);

/// Characters (code points) of valid UTF-8.
std::size_t length_of(std::string_view utf8);

/// At most `characters_max` of them; where some are left out the last is "…". `utf8` is valid.
std::string shortened(std::string_view utf8, std::size_t characters_max);

}  // namespace phoenix::bench
