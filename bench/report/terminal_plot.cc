#include "bench/report/terminal_plot.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <string_view>

#include <fmt/format.h>

#include "protocol/error.h"

namespace phoenix::bench {
namespace {

constexpr std::string_view kInks = "*o+x#@%&";
static_assert(kInks.size() == kColours);

class Canvas final {
 public:
  Canvas(const LinePlot& plot, const TerminalSize& size)
      : plot_(plot),
        rows_(std::max(size.rows, 4U)),
        y_(plot.y, extent_of(plot, plot.y.scale, &Point::y), rows_ / 2) {
    for (const Tick& tick : y_.ticks()) {
      margin_ = std::max(margin_, plain_text(tick.text).size());
    }
    const std::size_t columns = std::max(size.columns, 40U);
    columns_ = columns > margin_ + kFrame + 10 ? columns - margin_ - kFrame : 10;
    cells_.assign(rows_, std::string(columns_, ' '));
  }

  std::string draw() {
    const FittedAxis x(plot_.x, extent_of(plot_, plot_.x.scale, &Point::x),
                       static_cast<unsigned>(columns_ / 12));
    for (const Mark& mark : plot_.marks) {
      const std::size_t column = place(x.place_of(mark.x), columns_);
      for (std::string& row : cells_) row[column] = ':';
    }
    for (std::size_t i = plot_.series.size(); i > 0; --i) draw(plot_.series[i - 1], i - 1, x);
    return plain_text(plot_.y.title) + "\n" + lines() + x_axis(x) + legend();
  }

 private:
  static constexpr std::size_t kFrame = 2;  // Between the ticks' texts and the first column.

  static Extent extent_of(const LinePlot& plot, Scale scale, double Point::*member) {
    Extent extent(scale);
    for (const Series& series : plot.series) {
      for (const Point& point : series.points) extent.add(point.*member);
    }
    return extent;
  }

  static std::size_t place(double part, std::size_t cells) {
    return static_cast<std::size_t>(std::lround(part * static_cast<double>(cells - 1)));
  }

  // In every column that lies between two points, so that a line stays one.
  void draw(const Series& series, std::size_t index, const FittedAxis& x) {
    const char ink = kInks[index % kInks.size()];
    const Point* last = nullptr;
    for (const Point& point : series.points) {
      const bool is_drawn = std::isfinite(point.x) && std::isfinite(point.y);
      if (is_drawn) connect(last == nullptr ? point : *last, point, x, ink);
      last = is_drawn ? &point : nullptr;
    }
  }

  void connect(const Point& from, const Point& to, const FittedAxis& x, char ink) {
    const std::size_t first = place(x.place_of(from.x), columns_);
    const std::size_t end = place(x.place_of(to.x), columns_);
    const double low = y_.place_of(from.y);
    const double high = y_.place_of(to.y);
    for (std::size_t column = first; column <= end; ++column) {
      const double part =
          end == first ? 1 : static_cast<double>(column - first) / static_cast<double>(end - first);
      cells_[rows_ - 1 - place(low + part * (high - low), rows_)][column] = ink;
    }
  }

  std::string lines() const {
    std::vector<std::string> ticks(rows_);
    for (const Tick& tick : y_.ticks()) {
      ticks[rows_ - 1 - place(tick.place, rows_)] = plain_text(tick.text);
    }
    std::string out;
    for (std::size_t row = 0; row < rows_; ++row) {
      std::string line = fmt::format("{:>{}} |{}", ticks[row], margin_, cells_[row]);
      line.erase(line.find_last_not_of(' ') + 1);
      out += line + "\n";
    }
    return out;
  }

  std::string x_axis(const FittedAxis& x) const {
    const std::size_t left = margin_ + kFrame;
    std::string rule(columns_, '-');
    std::string texts;
    for (const Tick& tick : x.ticks()) {
      const std::size_t column = place(tick.place, columns_);
      rule[column] = '+';
      const std::string text = plain_text(tick.text);
      const std::size_t middle = left + column;
      const std::size_t latest = left + columns_ - std::min(text.size(), columns_);
      const std::size_t begin = std::min(middle - std::min(middle, text.size() / 2), latest);
      if (!texts.empty() && begin < texts.size() + 1) continue;  // No room.
      texts += std::string(begin - texts.size(), ' ') + text;
    }
    return fmt::format("{:>{}} +{}\n{}\n{:>{}}\n", "", margin_, rule, texts,
                       plain_text(plot_.x.title), left + columns_);
  }

  std::string legend() const {
    std::string out;
    for (std::size_t i = 0; i < plot_.series.size(); ++i) {
      out += fmt::format("  {} {}", kInks[i % kInks.size()],
                         protocol::printable(plot_.series[i].name));
    }
    for (const Mark& mark : plot_.marks) out += "  : " + protocol::printable(mark.text);
    return out.empty() ? "  no data\n" : out + "\n";
  }

  const LinePlot& plot_;
  const unsigned rows_;
  const FittedAxis y_;
  std::size_t margin_ = 0;  // Columns of the ticks' texts.
  std::size_t columns_ = 0;
  std::vector<std::string> cells_;
};

}  // namespace

std::string terminal_plot(const LinePlot& plot, const TerminalSize& size) {
  return Canvas(plot, size).draw();
}

}  // namespace phoenix::bench
