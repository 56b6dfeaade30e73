#include "cli/server_info.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace phoenix::cli {

namespace {

constexpr std::size_t kFieldsMax = 4'096;

/// What `text` begins with; all of it when `is_whole`.
std::optional<double> number(std::string_view text, bool is_whole) {
  double value = 0;
  const char* end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || (is_whole && at != end)) return std::nullopt;
  // What is no number at all, "inf" and "nan" too, and what no integer could hold.
  constexpr double kMax = 1e15;
  return value >= -kMax && value <= kMax ? std::optional(value) : std::nullopt;
}

/// db0, db1, ...
bool is_database(std::string_view name) {
  return name.starts_with("db") && number(name.substr(2), true).has_value();
}

}  // namespace

InfoFields parse_info(std::string_view page) {
  constexpr std::string_view kKeys = "keys=";
  InfoFields fields;
  double database_keys = 0;
  const bool has_keyspace = page.find("# Keyspace") != std::string_view::npos;
  while (!page.empty() && fields.size() < kFieldsMax) {
    std::string_view line = page.substr(0, page.find('\n'));
    page.remove_prefix(std::min(line.size() + 1, page.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) continue;
    const std::string_view name = line.substr(0, colon);
    const std::string_view value = line.substr(colon + 1);
    if (const auto whole = number(value, true)) fields.emplace(name, *whole);
    if (is_database(name) && value.starts_with(kKeys)) {
      database_keys += number(value.substr(kKeys.size()), false).value_or(0);
    }
  }
  // An empty Redis names no database at all.
  if (has_keyspace) fields.emplace("keys", database_keys);
  return fields;
}

}  // namespace phoenix::cli
