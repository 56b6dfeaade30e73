#include <algorithm>
#include <iterator>

#include <fmt/format.h>

#include "bench/report/curves.h"
#include "bench/report/facts.h"
#include "bench/report/figures.h"
#include "bench/report/report.h"
#include "bench/report/terminal_plot.h"
#include "bench/report/warnings.h"
#include "protocol/error.h"

namespace phoenix::bench {
namespace {

using Lines = std::string;
using Row = std::vector<std::string>;

void add(Lines& lines, const char* name, const std::string& text) {
  lines += fmt::format("{:<12}{}\n", name, text);
}

std::string nanoseconds(double value) {
  return plain_text(figure_text(Unit::nanoseconds, value));
}

// The first column to the left, the others to the right.
Lines aligned(const std::vector<Row>& rows) {
  std::vector<std::size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  Lines lines;
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      lines += i == 0 ? fmt::format("{:<{}}", row[i], widths[i])
                      : fmt::format("  {:>{}}", row[i], widths[i]);
    }
    lines += "\n";
  }
  return lines;
}

Row latency_row(std::string name, const Histogram& latency_ns) {
  Row row{std::move(name)};
  for (const Percentile& each : kPercentiles) {
    row.push_back(nanoseconds(percentile_ns(latency_ns, each.percent)));
  }
  row.push_back(nanoseconds(if_any(latency_ns, latency_ns.max())));
  return row;
}

Lines latency_table(const RunResult& result) {
  std::vector<Row> rows{{"latency"}, latency_row("  all", result.latency_ns)};
  for (const Percentile& each : kPercentiles) rows.front().emplace_back(each.name);
  rows.front().emplace_back("max");
  if (result.verbs.size() > 1) {
    for (const VerbResult& verb : result.verbs) {
      rows.push_back(latency_row("  " + protocol::printable(verb.name), verb.latency_ns));
    }
  }
  if (result.offered_per_s > 0) rows.push_back(latency_row("  sent late", result.client_delay_ns));
  for (Row& row : rows) row.front().resize(std::max<std::size_t>(row.front().size(), 10), ' ');
  return aligned(rows);
}

void add_throughput(const RunResult& result, Lines& lines) {
  if (result.offered_per_s > 0) {
    add(lines, "offered",
        fmt::format("{} ops/s, {} never sent", grouped(result.offered_per_s),
                    grouped(result.unsent)));
  }
  add(lines, "throughput",
      fmt::format("{} ops/s over {:.2f} s", grouped(result.operations_per_s), result.seconds));
}

void add_resources(const LabelledRun& run, Lines& lines) {
  const RunResult& result = run.result;
  if (result.server_cpu_ns) {
    add(lines, "server CPU",
        fmt::format("{:.4f} us per operation, {:.0f} % busy", result.server_cpu_us_per_operation(),
                    result.server_busy() * 100));
  }
  if (result.server_rss_bytes) {
    add(lines, "memory",
        figure_text(Unit::bytes, static_cast<double>(*result.server_rss_bytes)) + " resident");
  }
  if (result.device_flushes) {
    add(lines, "flushes", grouped(*result.device_flushes) + " of the server's devices");
  }
  add(lines, "client CPU",
      fmt::format("{:.4f} us per operation, {:.0f} % busy", result.client_cpu_us_per_operation(),
                  result.client_busy(run.options.threads) * 100));
}

std::string described(const ServerFacts& server) {
  std::string text = protocol::printable(server_text(server));
  if (server.pid != 0) text += fmt::format(", process {}", server.pid);
  return text + fmt::format(", {} core{}", server.cores, server.cores == 1 ? "" : "s");
}

std::string described(const MachineFacts& machine) {
  std::string text;
  for (const auto& [name, fact] : machine_texts(machine)) {
    if (name == "phoenix-bench") break;  // What follows is of the program.
    if (!text.empty()) text += ", ";
    text += (name == "CPU" || name == "kernel" ? "" : name + " ") + protocol::printable(fact);
  }
  return text.empty() ? "unknown" : text;
}

Lines told_of(const LabelledRun& run, bool is_step) {
  Lines lines;
  for (const std::string& each : warnings_of(run, is_step)) {
    lines += "warning: " + plain_text(each) + "\n";
  }
  for (const std::string& each : wrongs_of(run.result)) {
    lines += "wrong: " + protocol::printable(each) + "\n";
  }
  return lines;
}

Lines run_text(const LabelledRun& run) {
  const RunResult& result = run.result;
  const Counts& counts = result.window;
  Lines lines;
  add(lines, "load", load_text(run.options));
  add(lines, "server", described(result.server));
  add_throughput(result, lines);
  lines += latency_table(result);
  add(lines, "replies",
      fmt::format("{}: {} hits, {} misses, {} errors, {} wrong values", grouped(counts.replies),
                  grouped(counts.hits), grouped(counts.misses), grouped(counts.errors),
                  grouped(counts.mismatches)));
  add_resources(run, lines);
  return lines;
}

std::string knee_text(const Report& report) {
  const std::optional<std::size_t> knee = report.sweep->knee;
  if (!knee || *knee >= report.runs.size()) {
    return "below the first step: even that was more than the server could bear";
  }
  const RunResult& result = report.runs[*knee].result;
  return fmt::format("{} ops/s, p99 {}", grouped(result.offered_per_s),
                     nanoseconds(percentile_ns(result.latency_ns, 99)));
}

Lines runs_table(const Report& report) {
  std::vector<Row> rows{{"run", "ops/s", "p50", "p99", "p99.9", "max", "us CPU", "busy"}};
  for (const LabelledRun& run : report.runs) {
    const RunResult& result = run.result;
    const bool known = result.server_cpu_ns.has_value();
    rows.push_back({protocol::printable(run.label), grouped(result.operations_per_s),
                    nanoseconds(percentile_ns(result.latency_ns, 50)),
                    nanoseconds(percentile_ns(result.latency_ns, 99)),
                    nanoseconds(percentile_ns(result.latency_ns, 99.9)),
                    nanoseconds(if_any(result.latency_ns, result.latency_ns.max())),
                    known ? fmt::format("{:.4f}", result.server_cpu_us_per_operation()) : "-",
                    known ? fmt::format("{:.0f} %", result.server_busy() * 100) : "-"});
  }
  return aligned(rows);
}

Lines runs_text(const Report& report) {
  Lines lines;
  add(lines, "load", load_text(report.runs.front().options));
  add(lines, "server", described(report.runs.front().result.server));
  lines += runs_table(report);
  if (!report.sweep) return lines;
  lines += terminal_plot(knee_plot(report));
  add(lines, "knee", knee_text(report));
  return lines;
}

}  // namespace

std::string text_report(const Report& report) {
  if (report.runs.empty()) return "nothing was measured\n";
  const bool is_single = report.runs.size() == 1 && !report.sweep;
  Lines lines = is_single ? run_text(report.runs.front()) : runs_text(report);
  add(lines, "machine", described(report.machine));
  add(lines, "again", report.command);
  for (const LabelledRun& run : report.runs) {
    const Lines told = told_of(run, report.sweep.has_value());
    if (!is_single && !told.empty()) lines += protocol::printable(run.label) + ":\n";
    lines += told;
  }
  return lines;
}

}  // namespace phoenix::bench
