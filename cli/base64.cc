#include "cli/base64.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace phoenix::cli {

namespace {

constexpr std::string_view kDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::uint8_t kNoDigit = 0xFF;

constexpr std::array<std::uint8_t, 256> kDigitValues = [] {
  std::array<std::uint8_t, 256> values{};
  for (std::uint8_t& value : values) value = kNoDigit;
  for (std::size_t i = 0; i < kDigits.size(); ++i) {
    values[static_cast<unsigned char>(kDigits[i])] = static_cast<std::uint8_t>(i);
  }
  return values;
}();

/// Appends the bytes of a group of 2 to 4 digits. False when it has anything else.
bool append_group(std::string& bytes, std::string_view digits) {
  std::uint32_t bits = 0;
  for (const char digit : digits) {
    const std::uint8_t value = kDigitValues[static_cast<unsigned char>(digit)];
    if (value == kNoDigit) return false;
    bits = bits << 6U | value;
  }
  bits <<= 6 * (4 - digits.size());
  const std::size_t count = digits.size() - 1;
  for (std::size_t i = 0; i < count; ++i) {
    bytes += static_cast<char>((bits >> (16 - 8 * i)) & 0xFFU);
  }
  return (bits & (0xFFFFFFU >> (8 * count))) == 0;
}

}  // namespace

std::string base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::string_view group = bytes.substr(at, 3);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      bits = bits << 8U | (i < group.size() ? static_cast<unsigned char>(group[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      const bool is_padding = i > group.size();
      text += is_padding ? '=' : kDigits[(bits >> (18 - 6 * i)) & 63U];
    }
  }
  return text;
}

std::optional<std::string> from_base64(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  while (!text.empty()) {
    std::string_view group = text.substr(0, 4);
    text.remove_prefix(4);
    if (text.empty()) {
      const std::size_t padding = group[2] == '=' ? 2 : 1;
      if (group[3] == '=') group.remove_suffix(padding);
    }
    if (!append_group(bytes, group)) return std::nullopt;
  }
  return bytes;
}

}  // namespace phoenix::cli
