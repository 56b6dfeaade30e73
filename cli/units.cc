#include "cli/units.h"

#include <array>
#include <cstddef>
#include <cstdio>

namespace phoenix::cli {

std::string decimal_text(double value, int decimals) {
  std::array<char, 64> text{};
  // More digits than fit are cut off: no value that is shown has them.
  static_cast<void>(std::snprintf(text.data(), text.size(), "%.*f", decimals, value));
  return text.data();
}

std::string duration_text(std::chrono::nanoseconds duration) {
  const double us = static_cast<double>(duration.count()) / 1'000;
  if (us < 1'000) return decimal_text(us, us < 100 ? 1 : 0) + " us";
  const bool is_ms = us < 1'000'000;
  const double value = us / (is_ms ? 1'000 : 1'000'000);
  return decimal_text(value, value < 10 ? 2 : 1) + (is_ms ? " ms" : " s");
}

std::string size_text(std::uint64_t bytes) {
  constexpr std::array<const char*, 5> kUnits = {" KiB", " MiB", " GiB", " TiB", " PiB"};
  if (bytes < 1'024) return std::to_string(bytes) + " B";
  double value = static_cast<double>(bytes) / 1'024;
  std::size_t unit = 0;
  for (; value >= 1'024 && unit + 1 < kUnits.size(); ++unit) value /= 1'024;
  return decimal_text(value, 1) + kUnits[unit];
}

}  // namespace phoenix::cli
