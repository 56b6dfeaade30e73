#include "bench/compare/summary.h"

#include <algorithm>
#include <cctype>
#include <utility>

#include <fmt/format.h>

namespace phoenix::bench::compare {
namespace {

/// The runs that count of one server and cell, by pass.
using ByPass = std::vector<const Sample*>;

ByPass samples_of(const Comparison& measured, std::size_t passes, std::size_t server,
                  std::size_t cell) {
  ByPass samples(passes, nullptr);
  for (const Run& run : measured.runs) {
    if (run.server == server && run.cell == cell && run.counts()) samples[run.pass] = &*run.sample;
  }
  return samples;
}

std::optional<Spread> spread_over(const ByPass& samples, double Sample::*field) {
  std::vector<double> values;
  for (const Sample* sample : samples) {
    if (sample != nullptr) values.push_back(sample->*field);
  }
  return spread_of(std::move(values));
}

std::optional<Spread> memory_over(const ByPass& samples) {
  std::vector<double> values;
  for (const Sample* sample : samples) {
    if (sample == nullptr || !sample->rss_bytes) continue;
    values.push_back(static_cast<double>(*sample->rss_bytes));
  }
  return spread_of(std::move(values));
}

std::optional<Spread> ratio_over(const ByPass& samples, const ByPass& others,
                                 double Sample::*field) {
  std::vector<double> values;
  for (std::size_t pass = 0; pass < samples.size(); ++pass) {
    if (samples[pass] == nullptr || others[pass] == nullptr) continue;
    const double base = others[pass]->*field;
    if (base > 0) values.push_back(samples[pass]->*field / base);
  }
  return spread_of(std::move(values));
}

CellSummary describe(const ByPass& samples) {
  CellSummary out;
  for (const Sample* sample : samples) {
    out.counted += sample != nullptr ? 1 : 0;
    out.idle += sample != nullptr && sample->busy < kServerBusyEnough ? 1 : 0;
  }
  out.cpu_us = spread_over(samples, &Sample::cpu_us);
  out.operations_per_s = spread_over(samples, &Sample::operations_per_s);
  out.p50_us = spread_over(samples, &Sample::p50_us);
  out.p99_us = spread_over(samples, &Sample::p99_us);
  out.p999_us = spread_over(samples, &Sample::p999_us);
  out.busy = spread_over(samples, &Sample::busy);
  out.rss_bytes = memory_over(samples);
  return out;
}

std::size_t runs_of(const Comparison& measured, std::size_t server, std::size_t cell) {
  const auto count = std::count_if(measured.runs.begin(), measured.runs.end(), [&](const Run& run) {
    return run.server == server && run.cell == cell;
  });
  return static_cast<std::size_t>(count);
}

std::vector<CellSummary> summarize_cell(const Options& options, const Comparison& measured,
                                        std::size_t cell) {
  std::vector<ByPass> samples;
  std::size_t ceiling = options.servers.size();
  for (std::size_t server = 0; server < options.servers.size(); ++server) {
    samples.push_back(samples_of(measured, options.passes, server, cell));
    if (!options.servers[server].keeps_values) ceiling = server;
  }
  std::vector<CellSummary> out;
  for (std::size_t server = 0; server < samples.size(); ++server) {
    CellSummary summary = describe(samples[server]);
    summary.runs = runs_of(measured, server, cell);
    if (server != ceiling && ceiling < samples.size()) {
      summary.cpu_to_ceiling = ratio_over(samples[server], samples[ceiling], &Sample::cpu_us);
    }
    if (server != 0) {
      summary.cpu_to_first = ratio_over(samples[server], samples[0], &Sample::cpu_us);
      summary.rate_to_first = ratio_over(samples[server], samples[0], &Sample::operations_per_s);
    }
    out.push_back(summary);
  }
  return out;
}

MemorySummary summarize_memory(const Options& options, const Comparison& measured,
                               std::size_t server) {
  std::vector<double> before;
  std::vector<double> after;
  std::vector<double> per_key;
  for (const MemoryRun& run : measured.memory) {
    if (run.server != server) continue;
    before.push_back(static_cast<double>(run.before_bytes));
    after.push_back(static_cast<double>(run.after_bytes));
    per_key.push_back((after.back() - before.back()) / static_cast<double>(options.keys));
  }
  return {spread_of(std::move(before)), spread_of(std::move(after)), spread_of(std::move(per_key))};
}

}  // namespace

std::optional<Spread> spread_of(std::vector<double> values) {
  if (values.empty()) return std::nullopt;
  std::sort(values.begin(), values.end());
  const std::size_t middle = values.size() / 2;
  const double median =
      values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
  return Spread{median, values.front(), values.back()};
}

std::string Cell::text() const {
  std::string verb = workload;
  for (char& letter : verb) {
    letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
  }
  return fmt::format("{}, pipeline {}", verb, pipeline);
}

std::vector<Cell> cells_of(const Options& options) {
  std::vector<Cell> cells;
  for (const std::string& workload : options.workloads) {
    for (const std::uint32_t pipeline : options.pipelines) cells.push_back({workload, pipeline});
  }
  return cells;
}

Summary summarize(const Options& options, const Comparison& measured) {
  Summary out;
  out.cells = cells_of(options);
  for (std::size_t cell = 0; cell < out.cells.size(); ++cell) {
    out.by_cell.push_back(summarize_cell(options, measured, cell));
  }
  for (std::size_t server = 0; server < options.servers.size(); ++server) {
    out.memory.push_back(summarize_memory(options, measured, server));
  }
  for (const Run& run : measured.runs) {
    ++out.runs;
    if (run.counts()) {
      ++out.counted;
      continue;
    }
    out.refusals.push_back(fmt::format("pass {}, {}, {}: {}", run.pass + 1,
                                       options.servers[run.server].name, out.cells[run.cell].text(),
                                       run.refusal));
  }
  return out;
}

}  // namespace phoenix::bench::compare
