#include <nlohmann/json.hpp>

#include <cmath>

#include "bench/report/facts.h"
#include "bench/report/figures.h"
#include "bench/report/machine_json.h"
#include "bench/report/numbers.h"
#include "bench/report/report.h"

namespace phoenix::bench {
namespace {

using Json = nlohmann::ordered_json;

// More digits than these are noise.
Json rounded(double value, double decimals) {
  if (!std::isfinite(value)) return nullptr;
  const double factor = std::pow(10.0, decimals);
  return std::round(value * factor) / factor;
}

Json microseconds(double nanoseconds) {
  return rounded(nanoseconds / 1e3, 3);
}

template <typename Value>
Json or_null(const std::optional<Value>& value) {
  return value ? Json(*value) : Json(nullptr);
}

Json text_or_null(const std::string& text) {
  return text.empty() ? Json(nullptr) : Json(text);
}

Json json_of(const Fact& fact) {
  struct Convert {
    Json operator()(std::monostate) const { return nullptr; }
    Json operator()(bool value) const { return value; }
    Json operator()(std::uint64_t value) const { return value; }
    Json operator()(double value) const { return value; }
    Json operator()(const std::string& value) const { return value; }
  };
  return std::visit(Convert{}, fact.value);
}

Json json_of(const Histogram& latency_ns) {
  Json out;
  for (const Percentile& each : kPercentiles) {
    out[each.name] = microseconds(percentile_ns(latency_ns, each.percent));
  }
  out["max"] = microseconds(if_any(latency_ns, latency_ns.max()));
  out["min"] = microseconds(if_any(latency_ns, latency_ns.min()));
  out["mean"] = microseconds(if_any(latency_ns, latency_ns.mean()));
  return out;
}

Json buckets_of(const Histogram& latency_ns) {
  Json out = Json::array();
  latency_ns.each_bucket([&out](std::uint64_t highest_ns, std::uint64_t count) {
    out.push_back({microseconds(static_cast<double>(highest_ns)), count});
  });
  return out;
}

void add_counts(const Counts& counts, Json& out) {
  out["replies"] = counts.replies;
  out["hits"] = counts.hits;
  out["misses"] = counts.misses;
}

void add_server(const ServerFacts& server, Json& out) {
  out["server"] = server.name;
  out["server_version"] = server.version;
  out["server_pid"] = server.pid;
  out["server_cores"] = server.cores;
}

void add_cpu(const LabelledRun& run, Json& out) {
  const RunResult& result = run.result;
  const bool known = result.server_cpu_ns.has_value();
  out["server_cpu_us_per_op"] =
      known ? rounded(result.server_cpu_us_per_operation(), 6) : Json(nullptr);
  out["server_busy"] = known ? rounded(result.server_busy(), 4) : Json(nullptr);
  out["client_cpu_us_per_op"] = rounded(result.client_cpu_us_per_operation(), 6);
  out["client_busy"] = rounded(result.client_busy(run.options.threads), 4);
  out["server_memory_bytes"] = or_null(result.server_rss_bytes);
  out["device_flushes"] = or_null(result.device_flushes);
}

Json open_loop_of(const RunResult& result) {
  if (result.offered_per_s == 0) return nullptr;
  return {{"offered_per_s", rounded(result.offered_per_s, 1)},
          {"unsent", result.unsent},
          {"client_delay_us", json_of(result.client_delay_ns)}};
}

Json verbs_of(const RunResult& result) {
  Json out = Json::object();
  for (const VerbResult& verb : result.verbs) {
    out[verb.name] = {{"replies", verb.latency_ns.count()},
                      {"latency_us", json_of(verb.latency_ns)}};
  }
  return out;
}

Json json_of(const TimelineSecond& second) {
  Json out;
  out["begin_s"] = rounded(second.begin_s, 3);
  out["length_s"] = rounded(second.length_s, 3);
  out["ops_per_s"] = rounded(operations_per_s(second), 1);
  add_counts(second.counts, out);
  out["errors"] = second.counts.errors;
  out["wrong_values"] = second.counts.mismatches;
  out["p50_us"] = microseconds(latency_ns(second, second.p50_ns));
  out["p99_us"] = microseconds(latency_ns(second, second.p99_ns));
  out["max_us"] = microseconds(latency_ns(second, second.max_ns));
  out["server_busy"] = second.server_busy ? rounded(*second.server_busy, 4) : Json(nullptr);
  out["server_memory_bytes"] = or_null(second.server_rss_bytes);
  return out;
}

void add_run(const LabelledRun& run, Json& out) {
  const RunResult& result = run.result;
  add_server(result.server, out);
  for (const Fact& fact : facts_of(run.options)) out[fact.name] = json_of(fact);
  out["seconds"] = rounded(result.seconds, 6);
  out["failure"] = text_or_null(result.failure);
  out["interrupted"] = result.interrupted;
  out["unanswered"] = result.unanswered;
  out["ops_per_s"] = rounded(result.operations_per_s, 1);
  add_counts(result.window, out);
  out["errors"] = result.all.errors;
  out["wrong_values"] = result.all.mismatches;
  out["complaints"] = result.complaints;
  out["latency_us"] = json_of(result.latency_ns);
  add_cpu(run, out);
  out["open_loop"] = open_loop_of(result);
  out["verbs"] = verbs_of(result);
  out["timeline"] = Json::array();
  for (const TimelineSecond& second : result.timeline) out["timeline"].push_back(json_of(second));
  out["histogram"] = buckets_of(result.latency_ns);
}

// What fits stands in one line, objects and their lists else in several: a list of ten thousand
// numbers is one thing, and a change of one figure is a change of one line.
void write(const Json& value, const std::string& indent, std::string& out) {
  constexpr std::size_t kColumns = 300;
  const std::string compact = value.dump(-1, ' ', false, Json::error_handler_t::replace);
  const bool holds_objects =
      value.is_object() || (value.is_array() && !value.empty() && value.front().is_object());
  if (!holds_objects || compact.size() <= kColumns) {
    out += compact;
    return;
  }
  const std::string deeper = indent + "  ";
  out += value.is_object() ? "{" : "[";
  const char* between = "\n";
  for (const auto& [name, each] : value.items()) {
    out += between + deeper;
    if (value.is_object()) {
      out += Json(name).dump(-1, ' ', false, Json::error_handler_t::replace) + ": ";
    }
    write(each, deeper, out);
    between = ",\n";
  }
  out += "\n" + indent + (value.is_object() ? "}" : "]");
}

}  // namespace

nlohmann::ordered_json machine_json(const MachineFacts& machine) {
  return {{"cpu_model", text_or_null(machine.cpu_model)},
          {"cpus_online", machine.cpus_online},
          {"memory_bytes", machine.memory_bytes},
          {"kernel", text_or_null(machine.kernel)},
          {"compiler", machine.compiler},
          {"governor", text_or_null(machine.governor)},
          {"virtualisation", text_or_null(machine.virtualisation)},
          {"load_average", or_null(machine.load_average)}};
}

std::string json_report(const Report& report) {
  Json out;
  out["bench_version"] = PHOENIX_VERSION;
  out["began_at"] = date_text(report.began_at_unix_s);
  out["command"] = report.command;
  out["machine"] = machine_json(report.machine);
  if (report.sweep) out["sweep"] = {{"knee", or_null(report.sweep->knee)}};
  if (report.runs.size() == 1 && !report.sweep) {
    add_run(report.runs.front(), out);
  } else {
    out["runs"] = Json::array();
    for (const LabelledRun& run : report.runs) {
      Json& each = out["runs"].emplace_back(Json::object());
      each["label"] = run.label;
      add_run(run, each);
    }
  }
  std::string text;
  write(out, "", text);
  return text + "\n";
}

}  // namespace phoenix::bench
