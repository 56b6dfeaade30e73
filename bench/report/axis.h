// Axes of plots: from the values to a range with round ends, places in it, and ticks that a reader
// can use. No pixels.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "bench/report/numbers.h"

namespace phoenix::bench {

enum class Scale : std::uint8_t {
  linear,      // From 0.
  log,         // For what is above 0; anything else stands at the low end.
  percentile,  // Of 1 / (1 - p), logarithmic: 2 is the median, 100 the 99th percentile. From 1.
};

/// What a plot says of one of its axes.
struct Axis {
  std::string title;
  Unit unit = Unit::count;
  Scale scale = Scale::linear;
  bool tight = false;   // Ends where the values end, not at the next tick.
  double at_least = 0;  // The high end is no lower (linear only): 1 for a share, say.
};

/// The lowest and the highest of what there is to show. Values that are no finite numbers, and for
/// a logarithmic axis those that are not above 0, do not count.
class Extent final {
 public:
  explicit Extent(Scale scale) : scale_(scale) {}

  void add(double value);
  bool empty() const { return low_ > high_; }
  double low() const { return low_; }
  double high() const { return high_; }

 private:
  Scale scale_;
  double low_ = 1;
  double high_ = 0;
};

struct Tick {
  double place = 0;  // 0 at the low end of the axis, 1 at the high one.
  std::string text;
};

/// An axis that fits its values.
class FittedAxis final {
 public:
  /// With about `ticks_max` ticks, at least 2. An extent without values gives some range.
  FittedAxis(const Axis& axis, const Extent& extent, unsigned ticks_max);

  /// 0 to 1, also for what lies outside; 0 for what is no finite number.
  double place_of(double value) const;

  const std::vector<Tick>& ticks() const { return ticks_; }

 private:
  void fit_linear(const Axis& axis, const Extent& extent, unsigned ticks_max);
  void fit_log(const Extent& extent, unsigned ticks_max);
  void fit_percentile(const Extent& extent, unsigned ticks_max);
  void add_tick(double value, std::string text);

  Scale scale_;
  Unit unit_;
  double low_ = 0;
  double high_ = 1;
  std::vector<Tick> ticks_;
};

}  // namespace phoenix::bench
