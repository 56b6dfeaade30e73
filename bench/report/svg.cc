#include "bench/report/svg.h"

#include <iterator>

#include <fmt/format.h>

namespace phoenix::bench {
namespace {

const char* name_of(Anchor anchor) {
  switch (anchor) {
    case Anchor::middle:
      return "middle";
    case Anchor::end:
      return "end";
    default:
      return "start";
  }
}

// A tenth of a unit is finer than any screen, and short.
std::string rounded(double value) {
  std::string text = fmt::format("{:.1f}", value);
  if (text.ends_with(".0")) text.resize(text.size() - 2);
  return text == "-0" ? "0" : text;
}

}  // namespace

void Trace::add(Place place) {
  data_ += (is_down_ ? "L" : "M") + rounded(place.x) + " " + rounded(place.y);
  is_down_ = true;
}

Svg::Svg(double width, double height, std::string_view classes, std::string_view described) {
  text_ = fmt::format(R"(<svg class="{}" viewBox="0 0 {} {}" role="img" aria-label="{}">)", classes,
                      rounded(width), rounded(height), escaped(described));
}

void Svg::line(Place from, Place to, std::string_view classes) {
  fmt::format_to(std::back_inserter(text_), R"(<line class="{}" x1="{}" y1="{}" x2="{}" y2="{}"/>)",
                 classes, rounded(from.x), rounded(from.y), rounded(to.x), rounded(to.y));
}

void Svg::path(const Trace& trace, std::string_view classes) {
  if (trace.data().empty()) return;
  fmt::format_to(std::back_inserter(text_), R"(<path class="{}" d="{}"/>)", classes, trace.data());
}

void Svg::rectangle(const Box& box, std::string_view classes, std::string_view tooltip) {
  fmt::format_to(std::back_inserter(text_),
                 R"(<rect class="{}" x="{}" y="{}" width="{}" height="{}" rx="2")", classes,
                 rounded(box.left), rounded(box.top), rounded(box.width()), rounded(box.height()));
  close("rect", tooltip);
}

void Svg::circle(Place center, double radius, std::string_view classes, std::string_view tooltip) {
  fmt::format_to(std::back_inserter(text_), R"(<circle class="{}" cx="{}" cy="{}" r="{}")", classes,
                 rounded(center.x), rounded(center.y), rounded(radius));
  close("circle", tooltip);
}

void Svg::text(Place place, Anchor anchor, std::string_view plain, std::string_view classes) {
  fmt::format_to(std::back_inserter(text_),
                 R"(<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>)", classes,
                 rounded(place.x), rounded(place.y), name_of(anchor), escaped(plain));
}

void Svg::close(std::string_view element, std::string_view tooltip) {
  if (tooltip.empty()) {
    text_ += "/>";
  } else {
    text_ += fmt::format("><title>{}</title></{}>", escaped(tooltip), element);
  }
}

Html Svg::finish() && {
  return {std::move(text_) + "</svg>\n"};
}

double width_of_text(std::string_view utf8) {
  constexpr double kMeanWidth = 0.58;  // Of a character, in text sizes, for common sans serifs.
  return static_cast<double>(length_of(utf8)) * kMeanWidth * kTextSize;
}

}  // namespace phoenix::bench
