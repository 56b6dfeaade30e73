#include "bench/compare/export.h"

#include <nlohmann/json.hpp>

#include <filesystem>
#include <iterator>

#include <fmt/format.h>

#include "bench/report/machine_json.h"
#include "bench/report/markup.h"

namespace phoenix::bench::compare {
namespace {

using Json = nlohmann::ordered_json;

Json json_of(const std::optional<Spread>& spread) {
  if (!spread) return nullptr;
  return {{"median", spread->median}, {"min", spread->low}, {"max", spread->high}};
}

// No text that is not UTF-8 can stand in JSON.
Json json_of(const std::string& text) {
  return clean_utf8(text);
}

const char* name_of(PeerDurability durability) {
  switch (durability) {
    case PeerDurability::always:
      return "always";
    case PeerDurability::interval:
      return "interval";
    default:
      return "off";
  }
}

Json settings_of(const Options& options) {
  return {{"passes", options.passes},
          {"seconds", options.seconds},
          {"warmup_seconds", options.warmup_seconds},
          {"connections", options.connections},
          {"keys", options.keys},
          {"key_size", options.key_bytes},
          {"value_size", options.value_bytes},
          {"durability", name_of(options.durability)},
          {"server_threads", options.server_threads},
          {"client_threads", options.client_threads},
          {"server_cpu", options.server_cpu < 0 ? Json(nullptr) : Json(options.server_cpu)},
          {"client_cpu", options.client_cpu < 0 ? Json(nullptr) : Json(options.client_cpu)},
          {"seed", options.seed}};
}

Json servers_of(const Options& options, const Comparison& measured, const Summary& summary) {
  Json out = Json::array();
  for (std::size_t i = 0; i < options.servers.size(); ++i) {
    const PeerSpec& spec = options.servers[i];
    Json command = Json::array();
    for (const std::string& word : spec.words) command.push_back(json_of(word));
    // Where the program lay on this machine says nothing on another.
    if (!spec.words.empty()) {
      command[0] = json_of(std::filesystem::path(spec.words[0]).filename().string());
    }
    const bool known = i < measured.versions.size() && !measured.versions[i].empty();
    const MemorySummary& memory = summary.memory[i];
    out.push_back({{"name", spec.name},
                   {"version", known ? json_of(measured.versions[i]) : Json(nullptr)},
                   {"durability", spec.durability},
                   {"command", std::move(command)},
                   {"rss_before_bytes", json_of(memory.before_bytes)},
                   {"rss_after_bytes", json_of(memory.after_bytes)},
                   {"bytes_per_key", json_of(memory.bytes_per_key)}});
  }
  return out;
}

Json cell_of(const Options& options, const Cell& cell, const std::vector<CellSummary>& servers) {
  Json rows = Json::array();
  for (std::size_t i = 0; i < servers.size(); ++i) {
    const CellSummary& each = servers[i];
    rows.push_back({{"server", options.servers[i].name},
                    {"runs", each.runs},
                    {"runs_counted", each.counted},
                    {"runs_with_idle_server", each.idle},
                    {"cpu_us_per_op", json_of(each.cpu_us)},
                    {"cpu_to_ceiling", json_of(each.cpu_to_ceiling)},
                    {"cpu_to_first", json_of(each.cpu_to_first)},
                    {"ops_per_s", json_of(each.operations_per_s)},
                    {"ops_per_s_to_first", json_of(each.rate_to_first)},
                    {"p50_us", json_of(each.p50_us)},
                    {"p99_us", json_of(each.p99_us)},
                    {"p99.9_us", json_of(each.p999_us)},
                    {"server_busy", json_of(each.busy)},
                    {"rss_bytes", json_of(each.rss_bytes)}});
  }
  return {{"workload", cell.workload}, {"pipeline", cell.pipeline}, {"servers", std::move(rows)}};
}

Json run_of(const Options& options, const std::vector<Cell>& cells, const Run& run) {
  Json out{{"pass", run.pass + 1},
           {"server", options.servers[run.server].name},
           {"workload", cells[run.cell].workload},
           {"pipeline", cells[run.cell].pipeline},
           {"counts", run.counts()}};
  if (!run.counts()) {
    out["why_not"] = json_of(run.refusal);
    return out;
  }
  const Sample& sample = *run.sample;
  out["cpu_us_per_op"] = sample.cpu_us;
  out["ops_per_s"] = sample.operations_per_s;
  out["p50_us"] = sample.p50_us;
  out["p99_us"] = sample.p99_us;
  out["p99.9_us"] = sample.p999_us;
  out["server_busy"] = sample.busy;
  out["idle_server"] = sample.busy < kServerBusyEnough;
  out["client_cpu_us_per_op"] = sample.client_cpu_us;
  out["rss_bytes"] = sample.rss_bytes ? Json(*sample.rss_bytes) : Json(nullptr);
  return out;
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char letter : text)
    out += letter == '"' ? std::string("\"\"") : std::string(1, letter);
  return out + "\"";
}

}  // namespace

std::string comparison_json(const Options& options, const Comparison& measured,
                            const Summary& summary) {
  Json cells = Json::array();
  for (std::size_t i = 0; i < summary.cells.size(); ++i) {
    cells.push_back(cell_of(options, summary.cells[i], summary.by_cell[i]));
  }
  Json runs = Json::array();
  for (const Run& run : measured.runs) runs.push_back(run_of(options, summary.cells, run));
  Json failures = Json::array();
  for (const std::string& text : measured.failures) failures.push_back(json_of(text));
  const Json out{{"bench_version", PHOENIX_VERSION},
                 {"kind", "comparison"},
                 {"command", json_of(options.command)},
                 {"began_at_unix_s", measured.began_at_unix_s},
                 {"machine", machine_json(measured.machine)},
                 {"settings", settings_of(options)},
                 {"interrupted", measured.interrupted},
                 {"failures", std::move(failures)},
                 {"runs_counted", summary.counted},
                 {"servers", servers_of(options, measured, summary)},
                 {"cells", std::move(cells)},
                 {"runs", std::move(runs)}};
  return out.dump(1) + "\n";
}

std::string comparison_csv(const Options& options, const Comparison& measured) {
  std::string text =
      "pass,server,workload,pipeline,counts,why_not,cpu_us_per_op,ops_per_s,p50_us,p99_us,"
      "p99.9_us,server_busy,client_cpu_us_per_op,rss_bytes\n";
  const std::vector<Cell> cells = cells_of(options);
  const auto out = std::back_inserter(text);
  for (const Run& run : measured.runs) {
    fmt::format_to(out, "{},{},{},{},{},{},", run.pass + 1, options.servers[run.server].name,
                   cells[run.cell].workload, cells[run.cell].pipeline, run.counts() ? 1 : 0,
                   csv_field(run.refusal));
    if (!run.counts()) {
      text += ",,,,,,,\n";
      continue;
    }
    const Sample& sample = *run.sample;
    fmt::format_to(out, "{:.6f},{:.1f},{:.3f},{:.3f},{:.3f},{:.4f},{:.6f},{}\n", sample.cpu_us,
                   sample.operations_per_s, sample.p50_us, sample.p99_us, sample.p999_us,
                   sample.busy, sample.client_cpu_us,
                   sample.rss_bytes ? std::to_string(*sample.rss_bytes) : std::string());
  }
  return text;
}

}  // namespace phoenix::bench::compare
