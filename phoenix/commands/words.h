// Words of a request: options in any case, and numbers, strictly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace phoenix::commands {

constexpr char to_upper(char c) {
  return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
}

constexpr char to_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

/// In lower case, of ASCII only.
std::string lower_case(std::string_view word);

bool equals_ignoring_case(std::string_view a, std::string_view b);

/// A decimal integer as Redis takes it: optional '-', digits, no leading zeros, no spaces, in
/// range.
std::optional<std::int64_t> parse_integer(std::string_view word);

/// As parse_integer, but 0 or more, up to 2^64 - 1.
std::optional<std::uint64_t> parse_unsigned(std::string_view word);

/// At most so much of a client's word is shown in an error text.
inline constexpr std::size_t kPrintableBytesMax = 128;

/// A word from a client for an error text, as Redis prints it: up to the first zero byte, cut, and
/// on one line. Its other bytes are as they came.
std::string printable(std::string_view word, std::size_t bytes_max = kPrintableBytesMax);

}  // namespace phoenix::commands
