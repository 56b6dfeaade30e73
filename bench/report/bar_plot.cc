#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bench/report/figure.h"
#include "bench/report/plots.h"
#include "bench/report/svg.h"

namespace phoenix::bench {
namespace {

constexpr double kThickness = 16;  // Of a bar.
constexpr double kLabelsMax = 230;
constexpr double kRoomMin = 100;  // For the bars, however long the notes behind them.
constexpr double kWhisker = 4;    // Half the length of its ends.

// With one series a group is one bar, and its name stands where the bar's would.
bool has_headings(const BarPlot& plot) {
  return plot.series.size() > 1;
}

const std::string& label_of(const BarPlot& plot, const BarGroup& group, std::size_t index) {
  static const std::string kNone;
  if (!has_headings(plot)) return group.name;
  return index < plot.series.size() ? plot.series[index] : kNone;
}

std::string figure_of(const BarPlot& plot, const std::optional<Bar>& bar) {
  if (!bar) return "-";
  std::string text = figure_text(plot.value.unit, bar->value);
  if (!bar->note.empty()) text += " (" + clean_utf8(bar->note) + ")";
  return text;
}

double width_of_labels(const BarPlot& plot) {
  double widest = 0;
  for (const BarGroup& group : plot.groups) {
    for (std::size_t i = 0; i < group.bars.size(); ++i) {
      widest = std::max(widest, width_of_text(clean_utf8(label_of(plot, group, i))));
    }
  }
  return std::min(widest, kLabelsMax);
}

Extent extent_of(const BarPlot& plot) {
  Extent extent(Scale::linear);
  for (const BarGroup& group : plot.groups) {
    for (const std::optional<Bar>& bar : group.bars) {
      if (!bar) continue;
      extent.add(bar->value);
      extent.add(bar->high);
    }
  }
  return extent;
}

// A bar's label stands left of it on a wide page, above it on a narrow one.
class BarDrawing final {
 public:
  BarDrawing(const BarPlot& plot, Format format)
      : plot_(plot),
        is_wide_(format == Format::wide),
        width_(width_of(format)),
        axis_(plot.value, extent_of(plot), is_wide_ ? 8 : 4),
        height_(height()),
        svg_(width_, height_, class_of(format), plot.title) {
    area_.left = is_wide_ ? width_of_labels(plot) + kGap : 0;
    area_.right = width_ - 2 * kGap;
    if (is_wide_) area_.right = area_.left + room_beside_figures();
    area_.bottom = height_ - below();
  }

  Html draw() {
    draw_axis();
    double top = 0;
    for (const BarGroup& group : plot_.groups) {
      if (has_headings(plot_)) {
        svg_.text({0, top + kTextSize}, Anchor::start, fitted(group.name, width_), "heading");
        top += kLine + 2;
      }
      for (std::size_t i = 0; i < group.bars.size(); ++i) {
        draw_row(group, i, top);
        top += row_height();
      }
      top += group_gap();
    }
    if (plot_.groups.empty()) svg_.text({0, kLine}, Anchor::start, "no data", "muted");
    return std::move(svg_).finish();
  }

 private:
  double row_height() const { return is_wide_ ? kThickness + 6 : kThickness + kLine + 6; }
  double group_gap() const { return has_headings(plot_) ? 2 * kGap : 0; }

  // For the ticks' texts and the axis' title.
  double below() const { return (plot_.value.title.empty() ? 1 : 2) * kLine + kGap; }

  double height() const {
    double height = below() + kGap;
    for (const BarGroup& group : plot_.groups) {
      height += static_cast<double>(group.bars.size()) * row_height() + group_gap();
      if (has_headings(plot_)) height += kLine + 2;
    }
    return height + (plot_.groups.empty() ? 2 * kLine : 0);
  }

  // How wide the axis may be so that every figure has room behind its bar.
  double room_beside_figures() const {
    double room = area_.right - area_.left;
    for (const BarGroup& group : plot_.groups) {
      for (const std::optional<Bar>& bar : group.bars) {
        const double place = bar ? axis_.place_of(std::max(bar->value, bar->high)) : 0;
        const double left = width_ - area_.left - width_of_text(figure_of(plot_, bar)) - 2 * kGap;
        if (place > 0) room = std::min(room, std::max(left / place, kRoomMin));
      }
    }
    return room;
  }

  static std::string fitted(const std::string& text, double width) {
    const std::string clean = clean_utf8(text);
    const double characters = width / width_of_text("m");
    return shortened(clean, static_cast<std::size_t>(characters));
  }

  double x_of(double value) const { return area_.left + axis_.place_of(value) * area_.width(); }

  void draw_axis() {
    for (const Tick& tick : axis_.ticks()) {
      const double x = area_.left + tick.place * area_.width();
      svg_.line({x, 0}, {x, area_.bottom}, "grid");
      const bool is_last = x + width_of_text(tick.text) / 2 > width_;
      const Anchor anchor = tick.place == 0 ? Anchor::start
                            : is_last       ? Anchor::end
                                            : Anchor::middle;
      svg_.text({is_last ? width_ : x, area_.bottom + kLine}, anchor, tick.text, "muted");
    }
    svg_.text({width_, height_ - kGap / 2}, Anchor::end, plot_.value.title, "muted");
  }

  void draw_row(const BarGroup& group, std::size_t index, double top) {
    const std::optional<Bar>& bar = group.bars[index];
    const std::string& label = label_of(plot_, group, index);
    const std::string figure = figure_of(plot_, bar);
    const double text_y = top + kTextSize;
    if (!is_wide_) top += kLine;
    const double label_width = is_wide_ ? kLabelsMax : width_ - width_of_text(figure) - 2 * kGap;
    const Anchor anchor = is_wide_ ? Anchor::end : Anchor::start;
    svg_.text({is_wide_ ? area_.left - kGap : 0, text_y}, anchor, fitted(label, label_width));
    double figure_x = is_wide_ ? area_.left + kGap : width_;
    if (bar) {
      const Box box{area_.left, top, x_of(bar->value), top + kThickness};
      const std::string colour = has_headings(plot_) ? colour_of(index) : colour_of(0);
      svg_.rectangle(box, "bar " + colour, label + ": " + figure);
      if (bar->low < bar->high) draw_whisker(*bar, top + kThickness / 2);
      if (is_wide_) figure_x = std::max(box.right, x_of(bar->high)) + kGap;
    }
    svg_.text({figure_x, text_y}, is_wide_ ? Anchor::start : Anchor::end, figure, "figure");
  }

  void draw_whisker(const Bar& bar, double y) {
    const double low = x_of(bar.low);
    const double high = x_of(bar.high);
    svg_.line({low, y}, {high, y}, "whisker");
    svg_.line({low, y - kWhisker}, {low, y + kWhisker}, "whisker");
    svg_.line({high, y - kWhisker}, {high, y + kWhisker}, "whisker");
  }

  const BarPlot& plot_;
  const bool is_wide_;
  const double width_;
  const FittedAxis axis_;
  const double height_;
  Box area_;  // Of the bars.
  Svg svg_;
};

}  // namespace

Html figure(const BarPlot& plot) {
  Html drawings = BarDrawing(plot, Format::wide).draw();
  drawings += BarDrawing(plot, Format::narrow).draw();
  return framed(plot.title, {}, drawings, plot.note);
}

}  // namespace phoenix::bench
