#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "bench/report/curves.h"
#include "bench/report/facts.h"
#include "bench/report/figures.h"
#include "bench/report/page.h"
#include "bench/report/report.h"
#include "bench/report/warnings.h"

namespace phoenix::bench {
namespace {

constexpr const char* kUnknown = "-";

std::string nanoseconds(double value) {
  return figure_text(Unit::nanoseconds, value);
}

std::string share(double value) {
  return fmt::format("{:.0f} %", value * 100);
}

std::string server_cpu(const RunResult& result) {
  if (!result.server_cpu_ns) return kUnknown;
  return figure_text(Unit::nanoseconds, result.server_cpu_us_per_operation() * 1e3);
}

std::string capitalised(std::string sentence) {
  if (!sentence.empty() && sentence.front() >= 'a' && sentence.front() <= 'z') {
    sentence.front() = static_cast<char>(sentence.front() - 'a' + 'A');
  }
  return sentence + ".";
}

Headline headline_of_wrongs(const RunResult& result) {
  const std::uint64_t wrong = result.all.errors + result.all.mismatches;
  const Tone tone = wrong > 0 ? Tone::bad : result.all.replies > 0 ? Tone::good : Tone::plain;
  return {"Errors and wrong values", grouped(wrong),
          "of " + grouped(result.all.replies) + " replies", tone};
}

Html headlines_of(const RunResult& result) {
  const Histogram& latency_ns = result.latency_ns;
  std::vector<Headline> out;
  std::string note = "operations per second";
  if (result.offered_per_s > 0) {
    note = fmt::format("of {} operations per second offered",
                       figure_text(Unit::count, result.offered_per_s));
  }
  out.push_back({"Throughput", figure_text(Unit::count, result.operations_per_s), note});
  out.push_back({"Median latency", nanoseconds(percentile_ns(latency_ns, 50)),
                 "mean " + nanoseconds(if_any(latency_ns, latency_ns.mean()))});
  out.push_back({"99th percentile", nanoseconds(percentile_ns(latency_ns, 99)),
                 "99.9th " + nanoseconds(percentile_ns(latency_ns, 99.9))});
  if (result.server_cpu_ns) {
    out.push_back(
        {"Server CPU per operation", server_cpu(result), share(result.server_busy()) + " busy"});
  }
  out.push_back(headline_of_wrongs(result));
  return headlines(out);
}

Html warnings_about(const Report& report) {
  std::vector<std::string> sentences;
  for (const LabelledRun& run : report.runs) {
    const std::string prefix = report.runs.size() > 1 ? run.label + ": " : "";
    for (const std::string& each : warnings_of(run, report.sweep.has_value())) {
      sentences.push_back(capitalised(prefix + each));
    }
    for (const std::string& each : wrongs_of(run.result)) {
      sentences.push_back(prefix + "Wrong: " + each + ".");
    }
  }
  return warnings(sentences);
}

Table latency_table(const RunResult& result) {
  Table out;
  out.head = {"requests", "replies", "min", "mean"};
  for (const Percentile& each : kPercentiles) out.head.emplace_back(each.name);
  out.head.emplace_back("max");
  const auto add = [&out](const std::string& name, const Histogram& latency_ns) {
    std::vector<std::string> row{name, grouped(latency_ns.count()),
                                 nanoseconds(if_any(latency_ns, latency_ns.min())),
                                 nanoseconds(if_any(latency_ns, latency_ns.mean()))};
    for (const Percentile& each : kPercentiles) {
      row.push_back(nanoseconds(percentile_ns(latency_ns, each.percent)));
    }
    row.push_back(nanoseconds(if_any(latency_ns, latency_ns.max())));
    out.rows.push_back(std::move(row));
  };
  add("all", result.latency_ns);
  if (result.verbs.size() > 1) {
    for (const VerbResult& verb : result.verbs) add(verb.name, verb.latency_ns);
  }
  if (result.offered_per_s > 0) add("sent late by the client", result.client_delay_ns);
  return out;
}

NamedTexts outcome_of(const LabelledRun& run) {
  const RunResult& result = run.result;
  const Counts& counts = result.window;
  NamedTexts out{{"measured time", figure_text(Unit::seconds, result.seconds)},
                 {"operations per second", grouped(result.operations_per_s)},
                 {"replies", grouped(counts.replies)},
                 {"hits", grouped(counts.hits)},
                 {"misses", grouped(counts.misses)},
                 {"errors", grouped(result.all.errors)},
                 {"wrong values", grouped(result.all.mismatches)},
                 {"client CPU per operation",
                  figure_text(Unit::nanoseconds, result.client_cpu_us_per_operation() * 1e3)},
                 {"client busy", share(result.client_busy(run.options.threads))}};
  if (result.offered_per_s > 0) {
    out.emplace_back("offered per second", grouped(result.offered_per_s));
    out.emplace_back("due and never sent", grouped(result.unsent));
  }
  if (result.server_rss_bytes) {
    out.emplace_back("server memory, resident",
                     figure_text(Unit::bytes, static_cast<double>(*result.server_rss_bytes)));
  }
  if (result.device_flushes) {
    out.emplace_back("flushes of its devices", grouped(*result.device_flushes));
  }
  return out;
}

NamedTexts told_to_do(const LabelledRun& run) {
  NamedTexts out{{"server", server_text(run.result.server)},
                 {"server's cores", std::to_string(run.result.server.cores)}};
  for (const Fact& fact : facts_of(run.options)) {
    std::string text = text_of(fact);
    if (!text.empty()) out.emplace_back(fact.name, std::move(text));
  }
  return out;
}

Html single_run(const LabelledRun& run) {
  Html out = section("Latency", [&] {
    Html content = figure(percentile_plot({run}));
    content += table(latency_table(run.result));
    return content;
  }());
  Html seconds;
  for (const LinePlot& plot : timeline_plots(run.result)) seconds += figure(plot);
  if (!seconds.text.empty()) out += section("Second by second", seconds);
  out += section("Counted", facts(outcome_of(run)));
  return out;
}

Table runs_table(const Report& report) {
  const bool is_sweep = report.sweep.has_value();
  Table out;
  out.head = {"run"};
  if (is_sweep) out.head.emplace_back("offered");
  for (const char* name :
       {"ops/s", "p50", "p90", "p99", "p99.9", "p99.99", "max", "CPU per op", "busy", "errors"}) {
    out.head.emplace_back(name);
  }
  for (const LabelledRun& run : report.runs) {
    const RunResult& result = run.result;
    std::vector<std::string> row{run.label};
    if (is_sweep) row.push_back(grouped(result.offered_per_s));
    row.push_back(grouped(result.operations_per_s));
    for (const Percentile& each : kPercentiles) {
      row.push_back(nanoseconds(percentile_ns(result.latency_ns, each.percent)));
    }
    row.push_back(nanoseconds(if_any(result.latency_ns, result.latency_ns.max())));
    row.push_back(server_cpu(result));
    row.push_back(result.server_cpu_ns ? share(result.server_busy()) : kUnknown);
    row.push_back(grouped(result.all.errors + result.all.mismatches));
    out.rows.push_back(std::move(row));
  }
  return out;
}

Html headlines_of_sweep(const Report& report) {
  const std::optional<std::size_t> knee = report.sweep->knee;
  if (!knee || *knee >= report.runs.size()) {
    return headlines(
        {{"Knee", kUnknown, "even the first step was more than the server could bear", Tone::bad}});
  }
  const RunResult& result = report.runs[*knee].result;
  const Histogram& latency_ns = result.latency_ns;
  return headlines(
      {{"Knee", figure_text(Unit::count, result.offered_per_s), "operations per second"},
       {"Median latency there", nanoseconds(percentile_ns(latency_ns, 50)), ""},
       {"99th percentile there", nanoseconds(percentile_ns(latency_ns, 99)), ""},
       {"99.9th percentile there", nanoseconds(percentile_ns(latency_ns, 99.9)), ""}});
}

// Of a sweep the curves that tell its story: no load, half of what is borne, the knee, the first
// step beyond it, and the last.
std::vector<LabelledRun> told_steps(const Report& report) {
  const std::size_t last = report.runs.size() - 1;
  const std::size_t knee = std::min(report.sweep->knee.value_or(0), last);
  const std::set<std::size_t> steps{0, knee / 2, knee, std::min(knee + 1, last), last};
  std::vector<LabelledRun> out;
  for (const std::size_t step : steps) {
    out.push_back(report.runs[step]);
    if (report.sweep->knee == step) out.back().label += " (the knee)";
  }
  return out;
}

Html several_runs(const Report& report) {
  Html plots;
  if (report.sweep) {
    plots += figure(knee_plot(report));
  } else {
    for (const BarPlot& plot : run_bars(report.runs)) plots += figure(plot);
  }
  plots += figure(percentile_plot(report.sweep ? told_steps(report) : report.runs));
  Html out = section(report.sweep ? "The knee" : "Side by side", plots);
  out += section("Runs", table(runs_table(report)));
  return out;
}

std::string title_of(const Report& report) {
  const LabelledRun& first = report.runs.front();
  const std::string server = server_text(first.result.server);
  if (report.sweep) return server + ": latency against load";
  if (report.runs.size() > 1) return fmt::format("{} runs side by side", report.runs.size());
  return server + " under load";
}

}  // namespace

std::string html_report(const Report& report) {
  const std::string date = date_text(report.began_at_unix_s);
  if (report.runs.empty()) return page("Nothing was measured", date, {});
  const LabelledRun& first = report.runs.front();
  const bool is_single = report.runs.size() == 1 && !report.sweep;
  Html content;
  if (is_single) content += headlines_of(first.result);
  if (report.sweep) content += headlines_of_sweep(report);
  content += warnings_about(report);
  content += is_single ? single_run(first) : several_runs(report);
  content += section("What was run", facts(told_to_do(first)));
  content += section("Machine", facts(machine_texts(report.machine)));
  content += section("Repeat it", command(report.command));
  return page(title_of(report), load_text(first.options) + "\n" + date, content);
}

}  // namespace phoenix::bench
