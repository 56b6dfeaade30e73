// One drawing in SVG, as text. Coordinates are in units of the view box, which a page scales to the
// width that it has. Looks come from the page's style sheet by class (bench/report/style.h).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/report/markup.h"

namespace phoenix::bench {

struct Place {
  double x = 0;
  double y = 0;
};

struct Box {
  double left = 0;
  double top = 0;
  double right = 0;
  double bottom = 0;

  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

enum class Anchor : std::uint8_t { start, middle, end };

/// An SVG path that is a line through places, with gaps.
class Trace final {
 public:
  void add(Place place);
  /// The next place begins a new piece.
  void lift() { is_down_ = false; }
  const std::string& data() const { return data_; }

 private:
  std::string data_;
  bool is_down_ = false;
};

class Svg final {
 public:
  /// `classes` of the svg element; `described` is read out instead of it.
  Svg(double width, double height, std::string_view classes, std::string_view described);

  void line(Place from, Place to, std::string_view classes);
  void path(const Trace& trace, std::string_view classes);
  /// Tooltips are plain text; none when empty.
  void rectangle(const Box& box, std::string_view classes, std::string_view tooltip = {});
  void circle(Place center, double radius, std::string_view classes, std::string_view tooltip = {});
  void text(Place place, Anchor anchor, std::string_view plain, std::string_view classes = {});

  Html finish() &&;

 private:
  void close(std::string_view element, std::string_view tooltip);

  std::string text_;
};

/// About as wide as that many characters are in the page's font, in units of the view box.
double width_of_text(std::string_view utf8);

/// The size of the text in drawings, in units of the view box; the style sheet says the same.
inline constexpr double kTextSize = 13;

}  // namespace phoenix::bench
