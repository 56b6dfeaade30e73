// The kinds of plots that reports are made of. A figure holds each plot twice, drawn for a wide and
// for a narrow page, and the style sheet shows the one that fits: scaling alone would leave a phone
// with text that nobody can read. Title and legend are text of the page, so that they can wrap.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bench/report/axis.h"
#include "bench/report/markup.h"

namespace phoenix::bench {

/// Of colours in the style sheet; the next series begin again with the first.
inline constexpr std::size_t kColours = 8;

struct Point {
  double x = 0;
  double y = 0;  // No finite number: a gap.
};

struct Series {
  std::string name;
  std::vector<Point> points;  // By rising x.
};

/// A vertical line with a word to it.
struct Mark {
  double x = 0;
  std::string text;
};

/// Series over a common x axis. Every string may hold any bytes.
struct LinePlot {
  std::string title;
  std::string note;  // Below the plot, in small print; may be empty.
  Axis x;
  Axis y;
  std::vector<Series> series;
  std::vector<Mark> marks;
  bool dots = false;  // On every point, with its figures as a tooltip.
  bool low = false;   // Half as high: for plots that stand above each other.
};

Html figure(const LinePlot& plot);

struct Bar {
  double value = 0;
  double low = 0;  // The whisker's ends; equal ones draw none.
  double high = 0;
  std::string note;  // Behind the figure: "server idle", say.
};

/// One bar per series, in their order; none where there is no figure.
struct BarGroup {
  std::string name;
  std::vector<std::optional<Bar>> bars;
};

/// Groups of horizontal bars side by side, with whiskers for the spread.
struct BarPlot {
  std::string title;
  std::string note;
  Axis value;
  std::vector<std::string> series;  // A single one needs no name.
  std::vector<BarGroup> groups;
};

Html figure(const BarPlot& plot);

}  // namespace phoenix::bench
