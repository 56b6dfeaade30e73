#include "phoenix/commands/words.h"

#include <algorithm>
#include <charconv>

#include "phoenix/commands/command.h"

namespace phoenix::commands {
namespace {

// Of a 64-bit number: a value of a million digits is told from one without reading them.
constexpr std::size_t kDigitsMax = 20;

template <typename T>
std::optional<T> parse(std::string_view word) {
  const std::string_view digits = !word.empty() && word[0] == '-' ? word.substr(1) : word;
  if (digits.empty() || digits.size() > kDigitsMax || (digits.size() > 1 && digits[0] == '0'))
    return std::nullopt;
  if (digits == "0" && digits.size() != word.size()) return std::nullopt;  // "-0"
  T value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string lower_case(std::string_view word) {
  std::string text(word);
  for (char& c : text) c = to_lower(c);
  return text;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) {
           return x == y || to_upper(x) == to_upper(y);
         });
}

std::optional<std::int64_t> parse_integer(std::string_view word) {
  return parse<std::int64_t>(word);
}

std::optional<std::uint64_t> parse_unsigned(std::string_view word) {
  return parse<std::uint64_t>(word);
}

std::string printable(std::string_view word, std::size_t bytes_max) {
  std::string text(word.substr(0, std::min(word.find('\0'), bytes_max)));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n'; }, ' ');
  return text;
}

engine::NewValue Request::value_at(std::size_t index) const {
  const std::string_view bytes = args[index];
  if (large != nullptr && bytes.data() == (*large)->view().data()) {
    return engine::NewValue::adopt(*large);
  }
  return engine::NewValue::copy_of(bytes);
}

}  // namespace phoenix::commands
