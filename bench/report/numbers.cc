#include "bench/report/numbers.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <ctime>
#include <span>

#include <fmt/chrono.h>
#include <fmt/format.h>

namespace phoenix::bench {
namespace {

struct Magnitude {
  double factor;
  const char* suffix;
};

constexpr std::array<Magnitude, 5> kCounts{
    Magnitude{1, ""}, {1e3, " k"}, {1e6, " M"}, {1e9, " G"}, {1e12, " T"}};
constexpr std::array<Magnitude, 4> kTimes{
    Magnitude{1, " ns"}, {1e3, " µs"}, {1e6, " ms"}, {1e9, " s"}};
constexpr std::array<Magnitude, 1> kSeconds{Magnitude{1, " s"}};
constexpr std::array<Magnitude, 1> kShares{Magnitude{0.01, " %"}};
constexpr std::array<Magnitude, 5> kBytes{
    Magnitude{1, " B"}, {0x1p10, " KiB"}, {0x1p20, " MiB"}, {0x1p30, " GiB"}, {0x1p40, " TiB"}};

std::span<const Magnitude> magnitudes_of(Unit unit) {
  switch (unit) {
    case Unit::nanoseconds:
      return kTimes;
    case Unit::seconds:
      return kSeconds;
    case Unit::share:
      return kShares;
    case Unit::bytes:
      return kBytes;
    default:
      return kCounts;
  }
}

// The largest one that does not exceed the value, by more than what rounding makes of it.
const Magnitude& magnitude_of(Unit unit, double value) {
  const std::span<const Magnitude> all = magnitudes_of(unit);
  std::size_t found = 0;
  for (std::size_t i = 1; i < all.size(); ++i) {
    if (std::abs(value) * (1 + 1e-9) >= all[i].factor) found = i;
  }
  return all[found];
}

// Nothing is counted in parts of one, and no byte or nanosecond is cut in two.
bool is_whole(Unit unit, const Magnitude& magnitude) {
  return magnitude.factor == 1 && unit != Unit::seconds;
}

constexpr double kGroupedFrom = 99'999.5;

// What is left when even the largest unit is too small.
std::string large_text(double value) {
  constexpr double kGroupedMax = 1e9;
  return value > 0 && value < kGroupedMax ? grouped(value) : fmt::format("{:.3g}", value);
}

}  // namespace

std::string figure_text(Unit unit, double value) {
  if (!std::isfinite(value)) return "-";
  const Magnitude& magnitude = magnitude_of(unit, value);
  const double scaled = value / magnitude.factor;
  const double size = std::abs(scaled);
  const int decimals = is_whole(unit, magnitude) || size >= 99.95 ? 0 : size >= 9.995 ? 1 : 2;
  if (size >= kGroupedFrom) return large_text(scaled) + magnitude.suffix;
  return fmt::format("{:.{}f}{}", scaled, decimals, magnitude.suffix);
}

std::string tick_text(Unit unit, double value) {
  if (!std::isfinite(value)) return "-";
  if (value == 0) return "0";
  const Magnitude& magnitude = magnitude_of(unit, value);
  const double scaled = value / magnitude.factor;
  if (std::abs(scaled) >= kGroupedFrom) return large_text(scaled) + magnitude.suffix;
  return fmt::format("{:.6g}{}", scaled, magnitude.suffix);
}

std::string plain_text(std::string text) {
  constexpr std::string_view kMicro = "µ";
  const std::size_t at = text.find(kMicro);
  if (at != std::string::npos) text.replace(at, kMicro.size(), "u");
  return text;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string grouped(double number) {
  constexpr double kWholeMax = 1.8e19;  // Below 2^64.
  if (!(number > 0)) return "0";
  return grouped(static_cast<std::uint64_t>(std::min(std::round(number), kWholeMax)));
}

std::string date_text(std::int64_t unix_s) {
  const std::time_t time = unix_s;
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return "unknown";
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", parts);
}

}  // namespace phoenix::bench
