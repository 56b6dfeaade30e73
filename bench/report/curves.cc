#include "bench/report/curves.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>

#include <fmt/format.h>

#include "bench/report/figures.h"

namespace phoenix::bench {
namespace {

constexpr int kCurvePoints = 240;       // About one for every four units of a wide drawing.
constexpr std::size_t kStepsMax = 240;  // Of a timeline.

double number(std::uint64_t value) {
  return static_cast<double>(value);
}

// Evenly spaced on the axis, from the lowest value to the highest one. The very last request is
// the maximum: 1 / (1 - p) of all but one is their number.
Series curve_of(std::string name, const Histogram& latency_ns) {
  Series series{std::move(name), {}};
  if (latency_ns.count() == 0) return series;
  const double last = std::max(number(latency_ns.count()), 2.0);
  for (int i = 0; i < kCurvePoints; ++i) {
    const double x = std::pow(last, static_cast<double>(i) / (kCurvePoints - 1));
    series.points.push_back({x, number(latency_ns.percentile(100 * (1 - 1 / x)))});
  }
  series.points.push_back({last, number(latency_ns.max())});
  return series;
}

using FigureOf = std::function<double(const TimelineSecond&)>;

// How the seconds of one step become its figure.
enum class Join : std::uint8_t { mean, worst };

class Timeline final {
 public:
  explicit Timeline(const std::vector<TimelineSecond>& seconds)
      : seconds_(seconds), stride_((seconds.size() + kStepsMax - 1) / kStepsMax) {}

  std::size_t stride() const { return stride_; }

  Series steps(std::string name, Join join, const FigureOf& figure_of) const {
    Series series{std::move(name), {}};
    for (std::size_t first = 0; first < seconds_.size(); first += stride_) {
      const std::size_t end = std::min(first + stride_, seconds_.size());
      const double y = joined(first, end, join, figure_of);
      const TimelineSecond& last = seconds_[end - 1];
      series.points.push_back({seconds_[first].begin_s, y});
      series.points.push_back({last.begin_s + last.length_s, y});
    }
    return series;
  }

 private:
  double joined(std::size_t first, std::size_t end, Join join, const FigureOf& figure_of) const {
    double length_s = 0;
    double sum = 0;
    double worst = kNoFigure;
    for (std::size_t i = first; i < end; ++i) {
      const double value = figure_of(seconds_[i]);
      length_s += seconds_[i].length_s;
      sum += value * seconds_[i].length_s;
      worst = std::fmax(worst, value);  // Of a number and no number: the number.
    }
    if (join == Join::worst) return worst;
    return length_s > 0 ? sum / length_s : kNoFigure;
  }

  const std::vector<TimelineSecond>& seconds_;
  const std::size_t stride_;
};

LinePlot timeline_plot(std::string title, Axis y) {
  LinePlot plot;
  plot.title = std::move(title);
  plot.x = {"time", Unit::seconds, Scale::linear, true};
  plot.y = std::move(y);
  plot.low = true;
  return plot;
}

LinePlot latency_timeline(const Timeline& timeline) {
  LinePlot plot = timeline_plot("Latency", {"latency", Unit::nanoseconds, Scale::log});
  const auto add = [&](const char* name, std::uint64_t TimelineSecond::*figure) {
    plot.series.push_back(timeline.steps(name, Join::worst, [figure](const TimelineSecond& each) {
      return latency_ns(each, each.*figure);
    }));
  };
  add("p50", &TimelineSecond::p50_ns);
  add("p99", &TimelineSecond::p99_ns);
  add("max", &TimelineSecond::max_ns);
  return plot;
}

bool all_known(const std::vector<TimelineSecond>& seconds, auto member) {
  return std::all_of(seconds.begin(), seconds.end(),
                     [member](const TimelineSecond& each) { return (each.*member).has_value(); });
}

BarPlot bars_of(const std::vector<LabelledRun>& runs, std::string title, Axis value,
                const std::function<double(const RunResult&)>& figure_of) {
  BarPlot plot{std::move(title), "", std::move(value), {"runs"}, {}};
  for (const LabelledRun& run : runs) {
    const double figure = figure_of(run.result);
    std::optional<Bar> bar;
    if (std::isfinite(figure)) bar = Bar{figure, figure, figure, ""};
    plot.groups.push_back({run.label, {bar}});
  }
  return plot;
}

}  // namespace

LinePlot percentile_plot(const std::vector<LabelledRun>& runs) {
  LinePlot plot;
  plot.title = "Latency by percentile";
  plot.x = {"percentile", Unit::count, Scale::percentile, true};
  plot.y = {"latency", Unit::nanoseconds, Scale::log};
  for (const LabelledRun& run : runs) {
    const RunResult& result = run.result;
    const bool is_alone = runs.size() == 1;
    plot.series.push_back(curve_of(is_alone ? "all requests" : run.label, result.latency_ns));
    if (!is_alone || result.verbs.size() < 2) continue;
    for (const VerbResult& verb : result.verbs) {
      plot.series.push_back(curve_of(verb.name, verb.latency_ns));
    }
  }
  plot.note =
      "How long the faster ones of all requests took: at 99 %, one in a hundred took longer.";
  return plot;
}

std::vector<LinePlot> timeline_plots(const RunResult& result) {
  if (result.timeline.empty()) return {};
  const Timeline timeline(result.timeline);
  std::vector<LinePlot> plots;
  plots.push_back(timeline_plot("Throughput", {"operations per second", Unit::count}));
  plots.back().series = {
      timeline.steps("operations per second", Join::mean,
                     [](const TimelineSecond& each) { return operations_per_s(each); })};
  plots.push_back(latency_timeline(timeline));
  if (all_known(result.timeline, &TimelineSecond::server_busy)) {
    plots.push_back(timeline_plot(
        "Server CPU", {"busy, of all its cores", Unit::share, Scale::linear, false, 1}));
    plots.back().series = {
        timeline.steps("busy", Join::mean, [](const auto& each) { return *each.server_busy; })};
  }
  if (all_known(result.timeline, &TimelineSecond::server_rss_bytes)) {
    plots.push_back(timeline_plot("Server memory", {"resident", Unit::bytes}));
    plots.back().series = {timeline.steps(
        "resident", Join::worst, [](const auto& each) { return number(*each.server_rss_bytes); })};
  }
  if (timeline.stride() > 1) {
    plots.back().note = fmt::format(
        "Each step stands for {} seconds: means, but the latencies and the memory of the worst "
        "one.",
        timeline.stride());
  }
  return plots;
}

LinePlot knee_plot(const Report& report) {
  LinePlot plot;
  plot.title = "Latency against offered throughput";
  plot.x = {"offered, operations per second", Unit::count};
  plot.y = {"latency", Unit::nanoseconds, Scale::log};
  plot.dots = true;
  for (const Percentile& each : kPercentiles) {
    if (each.percent > 99.9 || each.percent == 90) continue;
    Series series{each.name, {}};
    for (const LabelledRun& run : report.runs) {
      series.points.push_back(
          {run.result.offered_per_s, percentile_ns(run.result.latency_ns, each.percent)});
    }
    plot.series.push_back(std::move(series));
  }
  if (report.sweep && report.sweep->knee && *report.sweep->knee < report.runs.size()) {
    const double x = report.runs[*report.sweep->knee].result.offered_per_s;
    plot.marks.push_back({x, "knee: " + figure_text(Unit::count, x)});
  }
  return plot;
}

std::vector<BarPlot> run_bars(const std::vector<LabelledRun>& runs) {
  std::vector<BarPlot> plots;
  plots.push_back(bars_of(runs, "Throughput", {"operations per second", Unit::count},
                          [](const RunResult& result) { return result.operations_per_s; }));
  plots.push_back(
      bars_of(runs, "99th percentile of latency", {"", Unit::nanoseconds},
              [](const RunResult& result) { return percentile_ns(result.latency_ns, 99); }));
  plots.push_back(bars_of(runs, "CPU time of the server per operation", {"", Unit::nanoseconds},
                          [](const RunResult& result) {
                            return result.server_cpu_ns ? result.server_cpu_us_per_operation() * 1e3
                                                        : kNoFigure;
                          }));
  return plots;
}

}  // namespace phoenix::bench
