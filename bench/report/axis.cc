#include "bench/report/axis.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

namespace phoenix::bench {
namespace {

constexpr double kEpsilon = 1e-9;  // Of what floating point makes of round numbers.
constexpr std::array<double, 3> kRound{1, 2, 5};

double power_of_ten(int exponent) {
  return std::pow(10.0, exponent);
}

int decade_of(double value) {
  return static_cast<int>(std::floor(std::log10(value) + kEpsilon));
}

// The largest 1, 2 or 5 times a power of ten that is not above the value.
double round_down(double value) {
  const double base = power_of_ten(decade_of(value));
  double found = base;
  for (const double factor : kRound) {
    if (factor * base <= value * (1 + kEpsilon)) found = factor * base;
  }
  return found;
}

double round_up(double value) {
  const double below = round_down(value);
  if (below >= value * (1 - kEpsilon)) return below;
  const double base = power_of_ten(decade_of(value));
  for (const double factor : kRound) {
    if (factor * base > below * (1 + kEpsilon)) return factor * base;
  }
  return 10 * base;
}

// Bytes are counted in powers of two: their steps are round in the unit that they are shown in.
double round_step(Unit unit, double step, double high) {
  if (unit != Unit::bytes || high < 0x1p10) return round_up(step);
  const double factor = std::exp2(10 * std::floor(std::log2(high) / 10));
  return round_up(step / factor) * factor;
}

std::string percentile_text(int decade) {
  if (decade == 0) return "0 %";
  if (decade == 1) return "90 %";
  std::string text = "99";
  if (decade > 2) text += "." + std::string(static_cast<std::size_t>(decade - 2), '9');
  return text + " %";
}

}  // namespace

void Extent::add(double value) {
  if (!std::isfinite(value) || (scale_ != Scale::linear && value <= 0)) return;
  const bool is_first = empty();
  low_ = is_first ? value : std::min(low_, value);
  high_ = is_first ? value : std::max(high_, value);
}

FittedAxis::FittedAxis(const Axis& axis, const Extent& extent, unsigned ticks_max)
    : scale_(axis.scale), unit_(axis.unit) {
  ticks_max = std::max(ticks_max, 2U);
  switch (scale_) {
    case Scale::linear:
      fit_linear(axis, extent, ticks_max);
      break;
    case Scale::log:
      fit_log(extent, ticks_max);
      break;
    case Scale::percentile:
      fit_percentile(extent, ticks_max);
      break;
  }
}

double FittedAxis::place_of(double value) const {
  if (!std::isfinite(value)) return 0;
  if (scale_ == Scale::linear) return std::clamp((value - low_) / (high_ - low_), 0.0, 1.0);
  const double lowest = std::log10(low_);
  const double place = (std::log10(std::max(value, low_)) - lowest) / (std::log10(high_) - lowest);
  return std::clamp(place, 0.0, 1.0);
}

void FittedAxis::add_tick(double value, std::string text) {
  ticks_.push_back({place_of(value), std::move(text)});
}

void FittedAxis::fit_linear(const Axis& axis, const Extent& extent, unsigned ticks_max) {
  const double highest = std::max(extent.empty() ? 0 : extent.high(), axis.at_least);
  high_ = highest > 0 ? highest : 1;
  const double step = round_step(unit_, high_ / ticks_max, high_);
  const auto steps = static_cast<unsigned>(axis.tight ? std::floor(high_ / step + kEpsilon)
                                                      : std::ceil(high_ / step - kEpsilon));
  if (!axis.tight) high_ = steps * step;
  for (unsigned i = 0; i <= steps; ++i) add_tick(i * step, tick_text(unit_, i * step));
}

void FittedAxis::fit_log(const Extent& extent, unsigned ticks_max) {
  low_ = round_down(extent.empty() ? 1 : extent.low());
  high_ = round_up(extent.empty() ? 10 : extent.high());
  // A line in the middle of a plot that is one value high says more than one at its edge.
  if (high_ / low_ < 2 * (1 + kEpsilon)) {
    low_ = round_down(low_ / 2);
    high_ = round_up(high_ * 2);
  }
  const int first = decade_of(low_);
  const int last = decade_of(high_);
  const auto decades = static_cast<unsigned>(last - first + 1);
  const bool is_fine = 3 * std::log10(high_ / low_) + 1 <= ticks_max + kEpsilon || decades < 3;
  const int stride = is_fine ? 1 : static_cast<int>((decades + ticks_max - 1) / ticks_max);
  for (int decade = first; decade <= last; decade += stride) {
    for (const double factor : kRound) {
      const double value = factor * power_of_ten(decade);
      const bool is_inside = value >= low_ * (1 - kEpsilon) && value <= high_ * (1 + kEpsilon);
      if (is_inside && (is_fine || factor == 1)) add_tick(value, tick_text(unit_, value));
    }
  }
}

void FittedAxis::fit_percentile(const Extent& extent, unsigned ticks_max) {
  low_ = 1;
  high_ = std::max(extent.empty() ? 0 : extent.high(), 10.0);
  const int last = decade_of(high_);
  const int stride = static_cast<int>((static_cast<unsigned>(last) + ticks_max) / ticks_max);
  for (int decade = 0; decade <= last; decade += stride) {
    add_tick(power_of_ten(decade), percentile_text(decade));
    // Between 0 and 90 % there is room for the median, unless the axis is long.
    if (decade == 0 && stride == 1 && place_of(2) * ticks_max > 0.45) add_tick(2, "50 %");
  }
}

}  // namespace phoenix::bench
