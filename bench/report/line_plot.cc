#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bench/report/figure.h"
#include "bench/report/plots.h"
#include "bench/report/svg.h"

namespace phoenix::bench {
namespace {

constexpr double kDotRadius = 3.5;

double height_of(const LinePlot& plot, Format format) {
  if (plot.low) return format == Format::wide ? 190 : 180;
  return format == Format::wide ? 340 : 290;
}

double widest(const std::vector<Tick>& ticks) {
  double width = 0;
  for (const Tick& tick : ticks) width = std::max(width, width_of_text(tick.text));
  return width;
}

class LineDrawing final {
 public:
  LineDrawing(const LinePlot& plot, Format format)
      : plot_(plot),
        x_(plot.x, extent_of_x(plot), format == Format::wide ? 10 : 5),
        y_(plot.y, extent_of_y(plot), plot.low ? 4 : 10),
        height_(height_of(plot, format)),
        svg_(width_of(format), height_, class_of(format), plot.title) {
    // Above: the y axis' title. Below: the ticks of the x axis, and its title.
    area_ = {widest(y_.ticks()) + kGap, 1.5 * kLine, width_of(format) - 2 * kGap,
             height_ - 2 * kLine - kGap};
  }

  Html draw() {
    draw_y_axis();
    draw_x_axis();
    for (const Mark& mark : plot_.marks) draw(mark);
    for (std::size_t i = plot_.series.size(); i > 0; --i) draw(i - 1);
    if (is_empty()) svg_.text(middle(), Anchor::middle, "no data", "muted");
    return std::move(svg_).finish();
  }

 private:
  static Extent extent_of_x(const LinePlot& plot) {
    Extent extent(plot.x.scale);
    for (const Series& series : plot.series) {
      for (const Point& point : series.points) extent.add(point.x);
    }
    return extent;
  }

  static Extent extent_of_y(const LinePlot& plot) {
    Extent extent(plot.y.scale);
    for (const Series& series : plot.series) {
      for (const Point& point : series.points) extent.add(point.y);
    }
    return extent;
  }

  bool is_empty() const {
    return std::all_of(plot_.series.begin(), plot_.series.end(),
                       [](const Series& series) { return series.points.empty(); });
  }

  Place middle() const { return {(area_.left + area_.right) / 2, (area_.top + area_.bottom) / 2}; }
  double x_at(double place) const { return area_.left + place * area_.width(); }
  double y_at(double place) const { return area_.bottom - place * area_.height(); }
  Place place_of(const Point& point) const {
    return {x_at(x_.place_of(point.x)), y_at(y_.place_of(point.y))};
  }

  void draw_y_axis() {
    for (const Tick& tick : y_.ticks()) {
      const double y = y_at(tick.place);
      svg_.line({area_.left, y}, {area_.right, y}, "grid");
      svg_.text({area_.left - kGap, y + kTextSize / 3}, Anchor::end, tick.text, "muted");
    }
    svg_.text({0, kTextSize}, Anchor::start, plot_.y.title, "muted");
  }

  void draw_x_axis() {
    svg_.line({area_.left, area_.bottom}, {area_.right, area_.bottom}, "axis");
    double free_from = -kGap;  // Ticks whose text would run into the last one have none.
    for (const Tick& tick : x_.ticks()) {
      const double x = x_at(tick.place);
      svg_.line({x, area_.bottom}, {x, area_.bottom + kGap / 2}, "axis");
      const double half = width_of_text(tick.text) / 2;
      if (x - half < free_from + kGap) continue;
      const bool is_last = x + half > area_.right + 2 * kGap;
      const Place place{is_last ? area_.right + 2 * kGap : x, area_.bottom + kLine + 1};
      svg_.text(place, is_last ? Anchor::end : Anchor::middle, tick.text, "muted");
      free_from = x + half;
    }
    svg_.text({area_.right + 2 * kGap, height_ - kGap / 2}, Anchor::end, plot_.x.title, "muted");
  }

  void draw(const Mark& mark) {
    const double place = x_.place_of(mark.x);
    const double x = x_at(place);
    svg_.line({x, area_.top}, {x, area_.bottom}, "mark");
    const bool is_left = place < 0.5;
    svg_.text({x + (is_left ? kGap : -kGap), area_.top + kTextSize},
              is_left ? Anchor::start : Anchor::end, mark.text, "marked");
  }

  void draw(std::size_t index) {
    const Series& series = plot_.series[index];
    const std::string colour = colour_of(index);
    Trace trace;
    for (const Point& point : series.points) {
      if (std::isfinite(point.x) && std::isfinite(point.y)) {
        trace.add(place_of(point));
      } else {
        trace.lift();
      }
    }
    svg_.path(trace, "curve " + colour);
    if (!plot_.dots && series.points.size() > 1) return;
    for (const Point& point : series.points) {
      if (std::isfinite(point.x) && std::isfinite(point.y)) draw_dot(series, point, colour);
    }
  }

  void draw_dot(const Series& series, const Point& point, const std::string& colour) {
    svg_.circle(place_of(point), kDotRadius, "dot " + colour,
                fmt::format("{}: {} at {}", series.name, figure_text(plot_.y.unit, point.y),
                            figure_text(plot_.x.unit, point.x)));
  }

  const LinePlot& plot_;
  const FittedAxis x_;
  const FittedAxis y_;
  const double height_;
  Box area_;  // Between the axes.
  Svg svg_;
};

}  // namespace

Html figure(const LinePlot& plot) {
  std::vector<std::string> names;
  for (const Series& series : plot.series) names.push_back(series.name);
  Html drawings = LineDrawing(plot, Format::wide).draw();
  drawings += LineDrawing(plot, Format::narrow).draw();
  return framed(plot.title, names, drawings, plot.note);
}

}  // namespace phoenix::bench
