#include "bench/crash/values.h"

#include <charconv>
#include <optional>
#include <span>

#include <fmt/format.h>

#include "phoenix/base/crc32c.h"

namespace phoenix::bench::crash {
namespace {

/// The word before the next blank, which is taken off too; empty when there is none.
std::string_view take_word(std::string_view& text) {
  const std::size_t blank = text.find(' ');
  if (blank == std::string_view::npos) return {};
  const std::string_view word = text.substr(0, blank);
  text.remove_prefix(blank + 1);
  return word;
}

std::optional<std::uint64_t> number(std::string_view word) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string encode_value(std::string_view key, history::Value value, std::size_t size_bytes) {
  std::string bytes = fmt::format("{} {} {} ", key, value, size_bytes);
  // So that damage to these words shows too.
  bytes += fmt::format("{:08x} ", crc32c(0, std::as_bytes(std::span(bytes))));
  // Differs from write to write and along the value, so that no piece fits elsewhere.
  std::uint64_t state = value;
  while (bytes.size() < size_bytes) {
    state = state * 0x9E3779B97F4A7C15U + bytes.size();
    bytes += static_cast<char>('a' + (state >> 59U) % 26);
  }
  return bytes;
}

history::Value decode_value(std::string_view bytes) {
  std::string_view rest = bytes;
  const std::string_view key = take_word(rest);
  const auto value = number(take_word(rest));
  const auto size_bytes = number(take_word(rest));
  if (!value || !size_bytes || *value == history::kAbsent || *size_bytes > bytes.size()) {
    return history::kForeign;
  }
  return encode_value(key, *value, *size_bytes) == bytes ? *value : history::kForeign;
}

}  // namespace phoenix::bench::crash
