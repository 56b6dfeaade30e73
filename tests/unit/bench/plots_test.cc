// Numbers, axes, drawings and pages: what reports are made of.
#include "bench/report/plots.h"

#include <cmath>
#include <cstdlib>
#include <limits>

#include <doctest/doctest.h>

#include "bench/report/page.h"
#include "bench/report/svg.h"
#include "tests/unit/bench/text_checks.h"

using namespace phoenix::bench;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

std::vector<std::string> ticks_of(const Axis& axis, std::vector<double> values, unsigned most) {
  Extent extent(axis.scale);
  for (const double value : values) extent.add(value);
  std::vector<std::string> texts;
  double last = -1;
  const FittedAxis fitted(axis, extent, most);
  for (const Tick& tick : fitted.ticks()) {
    CHECK(tick.place > last);
    CHECK(tick.place <= 1);
    last = tick.place;
    texts.push_back(tick.text);
  }
  CHECK(texts.size() >= 2);
  return texts;
}

using Texts = std::vector<std::string>;

double number_after(const std::string& text, std::size_t at) {
  return std::strtod(text.c_str() + at, nullptr);
}

void check_within(const std::string& drawing, std::string_view attribute, double limit) {
  const std::string name = " " + std::string(attribute) + "=\"";
  for (std::size_t at = drawing.find(name); at != std::string::npos;
       at = drawing.find(name, at + 1)) {
    const double value = number_after(drawing, at + name.size());
    CAPTURE(drawing.substr(at, 40));
    CHECK(value >= 0);
    CHECK(value <= limit);
  }
}

void check_paths(const std::string& drawing, double width, double height) {
  for (std::size_t at = drawing.find(" d=\""); at != std::string::npos;
       at = drawing.find(" d=\"", at + 1)) {
    const char* text = drawing.c_str() + at + 4;
    while (*text == 'M' || *text == 'L') {
      char* end = nullptr;
      const double x = std::strtod(text + 1, &end);
      const double y = std::strtod(end, &end);
      const bool is_inside = x >= 0 && x <= width && y >= 0 && y <= height;
      CHECK(is_inside);
      text = end;
    }
    CHECK(*text == '"');
  }
}

double width_of_first_bar(const std::string& figure) {
  const std::size_t bar = figure.find("<rect ");
  return number_after(figure, figure.find("width=\"", bar) + 7);
}

// Well formed, drawn for both formats, and nothing outside of what is seen.
std::string checked(const Html& figure) {
  const std::string& text = figure.text;
  CHECK(flaw_of(text) == "");
  CHECK_FALSE(contains(text, "nan"));
  CHECK_FALSE(contains(text, "inf\""));
  CHECK(times(text, "<svg ") == 2);
  for (std::size_t at = text.find("<svg "); at != std::string::npos;
       at = text.find("<svg ", at + 1)) {
    const std::string drawing = text.substr(at, text.find("</svg>", at) - at);
    const std::size_t box = drawing.find("viewBox=\"0 0 ") + 13;
    const double width = number_after(drawing, box);
    const double height = number_after(drawing, drawing.find(' ', box));
    REQUIRE(width > 0);
    REQUIRE(height > 0);
    for (const char* attribute : {"x", "x1", "x2", "cx", "width"}) {
      check_within(drawing, attribute, width);
    }
    for (const char* attribute : {"y", "y1", "y2", "cy", "height"}) {
      check_within(drawing, attribute, height);
    }
    check_paths(drawing, width, height);
  }
  return text;
}

LinePlot plot_of(Scale x, Scale y, std::vector<Point> points) {
  return {.title = "plot",
          .x = {"x", Unit::count, x},
          .y = {"y", Unit::nanoseconds, y},
          .series = {{"series", std::move(points)}}};
}

}  // namespace

TEST_CASE("figures have three digits that count and a fitting unit") {
  CHECK(figure_text(Unit::count, 950) == "950");
  CHECK(figure_text(Unit::count, 1'234'567) == "1.23 M");
  CHECK(figure_text(Unit::count, 12'345) == "12.3 k");
  CHECK(figure_text(Unit::nanoseconds, 850) == "850 ns");
  CHECK(figure_text(Unit::nanoseconds, 12'345) == "12.3 µs");
  CHECK(figure_text(Unit::nanoseconds, 3.1e9) == "3.10 s");
  CHECK(figure_text(Unit::nanoseconds, 9e14) == "900,000 s");
  CHECK(figure_text(Unit::share, 0.953) == "95.3 %");
  CHECK(figure_text(Unit::bytes, 1536) == "1.50 KiB");
  CHECK(figure_text(Unit::seconds, 2.5) == "2.50 s");
  CHECK(figure_text(Unit::bytes, 0) == "0 B");
  CHECK(figure_text(Unit::count, kNan) == "-");
  CHECK(plain_text(figure_text(Unit::nanoseconds, 12'345)) == "12.3 us");
  CHECK(plain_text("1.25 M") == "1.25 M");
  CHECK(figure_text(Unit::count, 1e300) == "1e+288 T");
  CHECK(tick_text(Unit::count, 500'000) == "500 k");
  CHECK(tick_text(Unit::nanoseconds, 2.5e6) == "2.5 ms");
  CHECK(tick_text(Unit::share, 0.25) == "25 %");
  CHECK(tick_text(Unit::seconds, 0) == "0");
  CHECK(grouped(std::uint64_t{1'234'567}) == "1,234,567");
  CHECK(grouped(999.6) == "1,000");
  CHECK(grouped(kNan) == "0");
  CHECK(grouped(1e300) == "18,000,000,000,000,000,000");
  CHECK(date_text(1'779'006'600) == "2026-05-17 08:30:00 UTC");
}

TEST_CASE("ticks of a linear axis are round, from zero") {
  const Axis axis{"", Unit::count};
  CHECK(ticks_of(axis, {950'000, 1'380'000}, 4) == Texts{"0", "500 k", "1 M", "1.5 M"});
  CHECK(ticks_of(axis, {7}, 10) == Texts{"0", "1", "2", "3", "4", "5", "6", "7"});
  CHECK(ticks_of(axis, {0}, 2) == Texts{"0", "0.5", "1"});
  CHECK(ticks_of(axis, {}, 2) == Texts{"0", "0.5", "1"});
  CHECK(ticks_of(axis, {kNan, kInfinity, 10}, 5) == Texts{"0", "2", "4", "6", "8", "10"});
  CHECK(ticks_of({"", Unit::bytes}, {3.5 * 1024 * 1024}, 4) ==
        Texts{"0", "1 MiB", "2 MiB", "3 MiB", "4 MiB"});
  CHECK(ticks_of({"", Unit::share, Scale::linear, false, 1}, {0.3}, 4) ==
        Texts{"0", "50 %", "100 %"});
  CHECK(ticks_of({"", Unit::seconds, Scale::linear, true}, {9.7}, 5) ==
        Texts{"0", "2 s", "4 s", "6 s", "8 s"});
}

TEST_CASE("ticks of a logarithmic axis are 1, 2 and 5, or decades where these were too many") {
  const Axis axis{"", Unit::nanoseconds, Scale::log};
  CHECK(ticks_of(axis, {110e3, 900e3}, 7) == Texts{"100 µs", "200 µs", "500 µs", "1 ms"});
  CHECK(ticks_of(axis, {100, 1e9}, 8) ==
        Texts{"100 ns", "1 µs", "10 µs", "100 µs", "1 ms", "10 ms", "100 ms", "1 s"});
  CHECK(ticks_of(axis, {100, 1e9}, 4) == Texts{"100 ns", "10 µs", "1 ms", "100 ms"});
  CHECK(ticks_of(axis, {100'000}, 7) == Texts{"50 µs", "100 µs", "200 µs"});
  CHECK(ticks_of(axis, {0, -5}, 7) == Texts{"1 ns", "2 ns", "5 ns", "10 ns"});
}

TEST_CASE("ticks of percentiles are nines") {
  const Axis axis{"", Unit::count, Scale::percentile};
  CHECK(ticks_of(axis, {1, 12'000}, 10) ==
        Texts{"0 %", "50 %", "90 %", "99 %", "99.9 %", "99.99 %"});
  CHECK(ticks_of(axis, {1, 1e7}, 5) == Texts{"0 %", "99 %", "99.99 %", "99.9999 %"});
  CHECK(ticks_of(axis, {}, 10) == Texts{"0 %", "50 %", "90 %"});
}

TEST_CASE("places follow the scale") {
  Extent extent(Scale::log);
  extent.add(10);
  extent.add(1000);
  const FittedAxis axis({"", Unit::count, Scale::log}, extent, 9);
  CHECK(axis.place_of(10) == 0);
  CHECK(axis.place_of(100) == doctest::Approx(0.5));
  CHECK(axis.place_of(1000) == doctest::Approx(1));
  CHECK(axis.place_of(1e9) == 1);
  CHECK(axis.place_of(0) == 0);
  CHECK(axis.place_of(kNan) == 0);
  Extent to_ten(Scale::linear);
  to_ten.add(10);
  const FittedAxis linear({"", Unit::count}, to_ten, 5);
  CHECK(linear.place_of(5) == 0.5);
  CHECK(linear.place_of(-5) == 0);
  CHECK(linear.place_of(15) == 1);
}

TEST_CASE("text from outside is escaped, and cleaned of what is no text") {
  CHECK(escaped("<a href=\"x\">&") == "&lt;a href=&quot;x&quot;&gt;&amp;");
  CHECK(clean_utf8("grün €😀\n") == "grün €😀\n");
  CHECK(clean_utf8(std::string_view("a\0b\x1b", 4)) == "a\uFFFDb\uFFFD");
  CHECK(clean_utf8("\xff\xc3(") == "\uFFFD\uFFFD(");
  CHECK(clean_utf8("\xc0\xaf") == "\uFFFD\uFFFD");              // Overlong.
  CHECK(clean_utf8("\xed\xa0\x80") == "\uFFFD\uFFFD\uFFFD");    // A surrogate.
  CHECK(clean_utf8("\xf4\x90\x80\x80x").ends_with("\uFFFDx"));  // Above U+10FFFF.
  CHECK(clean_utf8("\xe2\x82") == "\uFFFD\uFFFD");              // Cut off.
  CHECK(length_of("grün") == 4);
  CHECK(shortened("grüner", 6) == "grüner");
  CHECK(shortened("grüner", 4) == "grü…");
}

TEST_CASE("lines stay inside their drawing, whatever the values") {
  for (const Scale x : {Scale::linear, Scale::log, Scale::percentile}) {
    for (const Scale y : {Scale::linear, Scale::log}) {
      CHECK(contains(checked(figure(plot_of(x, y, {}))), "no data"));
      checked(figure(plot_of(x, y, {{1, 0}})));
      checked(figure(plot_of(x, y, {{1, 5e4}, {20, 7e6}, {300, 1e12}})));
      checked(figure(plot_of(x, y, {{1, -5}, {2, kInfinity}, {kNan, 3}, {4, 1e300}})));
    }
  }
}

TEST_CASE("a line has a gap where there is no figure, and dots have tooltips") {
  LinePlot plot = plot_of(Scale::linear, Scale::linear, {{0, 1e6}, {1, kNan}, {2, 1e6}, {3, 2e6}});
  CHECK(times(checked(figure(plot)), "M") == times(checked(figure(plot)), "<path ") * 2);
  plot.dots = true;
  plot.marks = {{2, "knee"}};
  const std::string text = checked(figure(plot));
  CHECK(contains(text, "<title>series: 1.00 ms at 2</title>"));
  CHECK(times(text, ">knee</text>") == 2);
  CHECK(times(text, "<circle ") == 6);
}

TEST_CASE("every series has a legend and a colour; a ninth takes the first one again") {
  LinePlot plot = plot_of(Scale::linear, Scale::log, {{1, 2}, {2, 3}});
  CHECK_FALSE(contains(checked(figure(plot)), "legend"));
  plot.title = "a < b";
  for (int i = 0; i < 8; ++i) plot.series.push_back({"<more & more>", {{1, 5}, {2, 9}}});
  const std::string text = checked(figure(plot));
  CHECK(times(text, "<li>") == 9);
  CHECK(times(text, "&lt;more &amp; more&gt;") == 8);
  CHECK(times(text, "\"curve s0\"") == 4);
  CHECK(times(text, "\"curve s7\"") == 2);
  CHECK(contains(text, "<figcaption>a &lt; b</figcaption>"));
}

TEST_CASE("bars stay inside their drawing and say their figure, their spread and what is missing") {
  BarPlot plot{.title = "throughput", .value = {"operations per second", Unit::count}};
  plot.series = {"phoenix", std::string(200, 'w') + "\xff", "<b>"};
  checked(figure(plot));
  plot.groups = {{"GET", {Bar{2e6, 1.9e6, 2.2e6, ""}, Bar{1e6, 1e6, 1e6, "idle"}, std::nullopt}},
                 {std::string(300, 'g'), {Bar{0, 0, 0, ""}, Bar{kNan, kNan, kNan, "?"}, Bar{}}}};
  const std::string text = checked(figure(plot));
  CHECK(times(text, "\"whisker\"") == 6);  // Three lines in each drawing.
  CHECK(times(text, ">1.00 M (idle)<") == 2);
  CHECK(times(text, "\"bar s0\"") == 4);
  CHECK(contains(text, "<title>&lt;b&gt;: 0</title>"));
  CHECK(contains(text, "…"));
  CHECK_FALSE(contains(text, std::string(200, 'w') + "</text>"));
}

TEST_CASE("every figure has room behind its bar, and a note takes none where its bar is short") {
  BarPlot plot{.title = "t", .value = {"", Unit::count}, .series = {"one"}};
  const std::string note(40, 'n');
  plot.groups = {{"a", {Bar{100, 100, 100, ""}}}, {"b", {Bar{1, 1, 1, note}}}};
  const double beside_short = width_of_first_bar(checked(figure(plot)));
  plot.groups[0].bars[0]->note = note;
  plot.groups[1].bars[0]->note.clear();
  const double beside_long = width_of_first_bar(checked(figure(plot)));
  CHECK(beside_short > 800);
  CHECK(beside_long > 500);
  CHECK(beside_long < 920 - width_of_text("100 (" + note + ")"));
}

TEST_CASE("a page is whole in itself and well formed") {
  Html body = headlines({{"Throughput", "1.23 M", "ops/s"}, {"Errors", "3", "", Tone::bad}});
  body += warnings({"not <so> sure", "\xff"});
  body += warnings({});
  body += table({.head = {"run", "p50"}, .rows = {{"a & b", "1"}, {"<i>", "2"}}});
  body += facts({{"CPU", "\"fast\""}});
  body += section("Repeat", command("phoenix-bench --host '<x>'"));
  const std::string text = page("<title> & more", "sub", body);
  CHECK(flaw_of(text) == "");
  CHECK(contains(text, "<h1>&lt;title&gt; &amp; more</h1>"));
  CHECK(contains(text, "<td class=\"text\">a &amp; b</td><td>1</td>"));
  CHECK(contains(text, "<div class=\"bad\"><dt>Errors</dt><dd>3</dd></div>"));
  CHECK(times(text, "class=\"warnings\"") == 1);
  for (const char* foreign : {"<script", "http:", "https:", "url(", "@import", "src="}) {
    CHECK_FALSE(contains(text, foreign));
  }
}
