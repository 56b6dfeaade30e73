#include "bench/compare/page.h"

#include <cmath>
#include <utility>

#include <fmt/format.h>

#include "bench/compare/table.h"
#include "bench/report/facts.h"
#include "bench/report/markup.h"
#include "bench/report/numbers.h"
#include "bench/report/page.h"
#include "bench/report/plots.h"

namespace phoenix::bench::compare {
namespace {

std::vector<std::string> names_of(const Options& options) {
  std::vector<std::string> names;
  for (const PeerSpec& spec : options.servers) names.push_back(spec.name);
  return names;
}

Bar bar_of(const Spread& spread, double unit, const CellSummary& summary) {
  std::string note;
  if (summary.idle != 0) note = "server idle";
  return {spread.median * unit, spread.low * unit, spread.high * unit, std::move(note)};
}

// A plot for each pipeline: with more requests on their way an operation costs a tenth, and bars of
// both on one axis could not be read.
Html plots_of(const Options& options, const Summary& summary, const BarPlot& look,
              std::optional<Spread> CellSummary::*field, double unit) {
  Html out;
  for (const std::uint32_t pipeline : options.pipelines) {
    BarPlot plot = look;
    plot.title = fmt::format("{}, pipeline {}", look.title, pipeline);
    plot.series = names_of(options);
    for (std::size_t cell = 0; cell < summary.cells.size(); ++cell) {
      if (summary.cells[cell].pipeline != pipeline) continue;
      BarGroup group{summary.cells[cell].workload, {}};
      for (const CellSummary& each : summary.by_cell[cell]) {
        const std::optional<Spread>& value = each.*field;
        group.bars.push_back(value ? std::optional<Bar>(bar_of(*value, unit, each)) : std::nullopt);
      }
      plot.groups.push_back(std::move(group));
    }
    out += figure(plot);
  }
  return out;
}

Html cost_plots(const Options& options, const Summary& summary) {
  BarPlot look;
  look.title = "Server CPU time per operation";
  look.note = "Shorter is better. Whiskers: lowest and highest pass.";
  look.value.title = "CPU time per operation";
  look.value.unit = Unit::nanoseconds;
  return plots_of(options, summary, look, &CellSummary::cpu_us, 1e3);
}

Html rate_plots(const Options& options, const Summary& summary) {
  BarPlot look;
  look.title = "Operations per second";
  look.note =
      "Longer is better. Where a server is marked idle, the client or the disk was the "
      "limit.";
  look.value.title = "operations per second";
  return plots_of(options, summary, look, &CellSummary::operations_per_s, 1);
}

Html memory_part(const Options& options, const Summary& summary) {
  const Table numbers = table_of_memory(options, summary);
  if (numbers.rows.empty()) return {};
  BarPlot plot;
  plot.title = "Resident memory per key";
  plot.note = fmt::format("Growth while {} keys of {} bytes with values of {} bytes were stored.",
                          grouped(options.keys), options.key_bytes, options.value_bytes);
  plot.value.title = "bytes per key";
  plot.value.unit = Unit::bytes;
  BarGroup group;
  for (std::size_t server = 0; server < options.servers.size(); ++server) {
    const auto& per_key = summary.memory[server].bytes_per_key;
    if (!per_key) continue;
    plot.series.push_back(options.servers[server].name);
    group.bars.push_back(Bar{per_key->median, per_key->low, per_key->high, {}});
  }
  plot.groups.push_back(std::move(group));
  Html out = figure(plot);
  out += table(numbers);
  return section("Memory", out);
}

// Of all servers to the first one, in all cells: what a reader takes away.
Html ratio_table(const Options& options, const Summary& summary,
                 std::optional<Spread> CellSummary::*field, const char* what) {
  Table out{{"workload", "pipeline"}, {}, 1};
  for (std::size_t server = 1; server < options.servers.size(); ++server) {
    out.head.push_back(options.servers[server].name);
  }
  for (std::size_t cell = 0; cell < summary.cells.size(); ++cell) {
    std::vector<std::string> row{summary.cells[cell].workload,
                                 std::to_string(summary.cells[cell].pipeline)};
    for (std::size_t server = 1; server < options.servers.size(); ++server) {
      const CellSummary& each = summary.by_cell[cell][server];
      const std::optional<Spread>& ratio = each.*field;
      const bool idle = each.idle + summary.by_cell[cell].front().idle != 0;
      row.push_back(ratio ? fmt::format("{:.2f}× [{:.2f}–{:.2f}]{}", ratio->median, ratio->low,
                                        ratio->high, idle ? " !" : "")
                          : "-");
    }
    out.rows.push_back(std::move(row));
  }
  Html content = paragraph(
      fmt::format("{} over that of {} in the same pass: median [lowest–highest] over the passes; ! "
                  "marks runs in which one of the two servers was idle.",
                  what, options.servers.front().name));
  content += table(out);
  return content;
}

// What stands in tables of its own is left out, so that the rest fits a laptop.
Table narrowed(Table table) {
  std::vector<std::vector<std::string>*> rows{&table.head};
  for (auto& row : table.rows) rows.push_back(&row);
  for (auto* row : rows) {
    row->erase(row->begin() + kRateToFirstColumn);
    row->erase(row->begin() + kCpuToFirstColumn);
  }
  return table;
}

Html cells_part(const Options& options, const Summary& summary) {
  Html out;
  for (std::size_t cell = 0; cell < summary.cells.size(); ++cell) {
    out += paragraph(summary.cells[cell].text());
    out += table(narrowed(table_of_cell(options, summary, cell)));
  }
  return section("All figures", out);
}

Html conditions_part(const Options& options, const Comparison& measured) {
  Html out = paragraph(conditions_text(options) + ".");
  out += paragraph(
      "Every pass starts all servers anew and stores the same keys in each. Their runs alternate: "
      "every second pass goes through them backwards, and each pair of passes begins with "
      "another.");
  out += table(table_of_servers(options, measured));
  out += facts(commands_of(options));
  return section("How it was measured", out);
}

}  // namespace

std::string comparison_page(const Options& options, const Comparison& measured,
                            const Summary& summary) {
  std::string names;
  for (const std::string& name : names_of(options)) names += (names.empty() ? "" : ", ") + name;
  Html cost = cost_plots(options, summary);
  Html rate = rate_plots(options, summary);
  if (options.servers.size() > 1) {
    cost += ratio_table(options, summary, &CellSummary::cpu_to_first, "CPU time per operation");
    rate += ratio_table(options, summary, &CellSummary::rate_to_first, "Operations per second");
  }
  Html content = warnings(cautions_of(options, measured, summary));
  content += section("CPU time", cost);
  content += section("Throughput", rate);
  content += memory_part(options, summary);
  content += cells_part(options, summary);
  content += conditions_part(options, measured);
  content += section("Machine", facts(machine_texts(measured.machine)));
  content += section("Repeat it", command(options.command));
  return page("Servers compared", names + " · " + date_text(measured.began_at_unix_s), content);
}

}  // namespace phoenix::bench::compare
