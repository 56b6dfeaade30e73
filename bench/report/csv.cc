#include "bench/report/csv.h"

#include <cmath>
#include <optional>

#include <fmt/format.h>

#include "bench/report/facts.h"
#include "bench/report/figures.h"
#include "bench/report/report.h"

namespace phoenix::bench {
namespace {

using Cells = std::vector<std::string>;

// A line of one empty cell is no empty line only when it is quoted.
std::string cell_of(const std::string& text, bool is_alone) {
  const bool is_plain = text.find_first_of(",\"\r\n") == std::string::npos;
  if (is_plain && !(is_alone && text.empty())) return text;
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"') out += '"';
    out += letter;
  }
  return out + '"';
}

std::string decimal(double value, int decimals) {
  return std::isfinite(value) ? fmt::format("{:.{}f}", value, decimals) : "";
}

std::string microseconds(double nanoseconds) {
  return decimal(nanoseconds / 1e3, 3);
}

std::string or_empty(const std::optional<std::uint64_t>& number) {
  return number ? std::to_string(*number) : "";
}

std::string csv_of_timeline(const RunResult& result) {
  std::string out = csv_line({"begin_s", "length_s", "ops_per_s", "replies", "hits", "misses",
                              "errors", "wrong_values", "p50_us", "p99_us", "max_us", "server_busy",
                              "server_memory_bytes"});
  for (const TimelineSecond& second : result.timeline) {
    const Counts& counts = second.counts;
    out += csv_line({decimal(second.begin_s, 3), decimal(second.length_s, 3),
                     decimal(operations_per_s(second), 1), std::to_string(counts.replies),
                     std::to_string(counts.hits), std::to_string(counts.misses),
                     std::to_string(counts.errors), std::to_string(counts.mismatches),
                     microseconds(latency_ns(second, second.p50_ns)),
                     microseconds(latency_ns(second, second.p99_ns)),
                     microseconds(latency_ns(second, second.max_ns)),
                     second.server_busy ? decimal(*second.server_busy, 4) : "",
                     or_empty(second.server_rss_bytes)});
  }
  return out;
}

// The table's columns, so that a name and its figure stand together.
class Row final {
 public:
  void add(const std::string& name, std::string value) {
    names_.push_back(name);
    values_.push_back(std::move(value));
  }
  const Cells& names() const { return names_; }
  const Cells& values() const { return values_; }

 private:
  Cells names_;
  Cells values_;
};

void add_latency(const Histogram& latency_ns, Row& row) {
  for (const Percentile& each : kPercentiles) {
    row.add(fmt::format("{}_us", each.name), microseconds(percentile_ns(latency_ns, each.percent)));
  }
  row.add("max_us", microseconds(if_any(latency_ns, latency_ns.max())));
  row.add("mean_us", microseconds(if_any(latency_ns, latency_ns.mean())));
}

void add_cpu(const LabelledRun& run, Row& row) {
  const RunResult& result = run.result;
  const bool known = result.server_cpu_ns.has_value();
  row.add("server_cpu_us_per_op", known ? decimal(result.server_cpu_us_per_operation(), 6) : "");
  row.add("server_busy", known ? decimal(result.server_busy(), 4) : "");
  row.add("client_cpu_us_per_op", decimal(result.client_cpu_us_per_operation(), 6));
  row.add("client_busy", decimal(result.client_busy(run.options.threads), 4));
  row.add("server_memory_bytes", or_empty(result.server_rss_bytes));
  row.add("device_flushes", or_empty(result.device_flushes));
}

Row row_of(const LabelledRun& run) {
  const RunResult& result = run.result;
  const bool is_open = result.offered_per_s > 0;
  Row row;
  row.add("label", run.label);
  row.add("server", result.server.name);
  row.add("server_version", result.server.version);
  for (const Fact& fact : facts_of(run.options)) row.add(fact.name, text_of(fact));
  row.add("seconds", decimal(result.seconds, 6));
  row.add("interrupted", result.interrupted ? "true" : "false");
  row.add("offered_per_s", is_open ? decimal(result.offered_per_s, 1) : "");
  row.add("unsent", is_open ? std::to_string(result.unsent) : "");
  row.add("ops_per_s", decimal(result.operations_per_s, 1));
  row.add("replies", std::to_string(result.window.replies));
  row.add("hits", std::to_string(result.window.hits));
  row.add("misses", std::to_string(result.window.misses));
  row.add("errors", std::to_string(result.all.errors));
  row.add("wrong_values", std::to_string(result.all.mismatches));
  add_latency(result.latency_ns, row);
  add_cpu(run, row);
  return row;
}

}  // namespace

std::string csv_line(const Cells& cells) {
  std::string out;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (i > 0) out += ',';
    out += cell_of(cells[i], cells.size() == 1);
  }
  return out + "\r\n";
}

std::string csv_report(const Report& report) {
  if (report.runs.size() == 1 && !report.sweep) {
    return csv_of_timeline(report.runs.front().result);
  }
  std::string out;
  for (const LabelledRun& run : report.runs) {
    const Row row = row_of(run);
    if (out.empty()) out += csv_line(row.names());
    out += csv_line(row.values());
  }
  return out;
}

}  // namespace phoenix::bench
