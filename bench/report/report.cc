#include "bench/report/report.h"

#include <array>
#include <iterator>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "bench/wire/ceiling_name.h"
#include "protocol/error.h"

namespace phoenix::bench {
namespace {

struct Percentile {
  const char* name;
  double percent;
};
constexpr std::array<Percentile, 4> kPercentiles{
    Percentile{"p50", 50}, {"p90", 90}, {"p99", 99}, {"p99.9", 99.9}};

double microseconds(std::uint64_t nanoseconds) {
  return static_cast<double>(nanoseconds) / 1e3;
}

std::string grouped(std::uint64_t number) {
  std::string digits = std::to_string(number);
  for (std::size_t at = digits.size(); at > 3; at -= 3) digits.insert(at - 3, 1, ',');
  return digits;
}

std::string quoted(std::string_view text) {
  std::string out = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') out += '\\';
    if (static_cast<unsigned char>(letter) < 0x20) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(letter));
    } else {
      out += letter;
    }
  }
  return out + '"';
}

const char* name_of(Durability durability) {
  switch (durability) {
    case Durability::wait:
      return "wait";
    case Durability::do_not_wait:
      return "nowait";
    default:
      return "default";
  }
}

std::string describe_load(const RunOptions& options) {
  const std::string& verbs = options.workload.name;
  return fmt::format(
      "{}, {} connections, pipeline {}, {} keys of {} bytes, values of {} bytes, {} thread{}, "
      "seed {}",
      verbs, options.connections, options.pipeline, grouped(options.workload.keys),
      options.workload.key_size.text(), options.workload.value_size.text(), options.threads,
      options.threads == 1 ? "" : "s", options.seed);
}

std::string describe_server(const ServerFacts& server) {
  std::string text = server.name.empty() ? "unknown" : protocol::printable(server.name);
  if (!server.version.empty()) text += " " + protocol::printable(server.version);
  if (server.pid != 0) text += fmt::format(", process {}", server.pid);
  return text + fmt::format(", {} core{}", server.cores, server.cores == 1 ? "" : "s");
}

std::string warning_of_misses(const Counts& counts) {
  const auto gets = static_cast<double>(counts.hits + counts.misses);
  const auto misses = static_cast<double>(counts.misses);
  if (counts.misses == 0 || misses < kMissesSuspicious * gets) return {};
  return fmt::format(
      "warning: {:.0f} % of the GETs were misses: the server has no such keys (--preload stores "
      "them)\n",
      100 * misses / gets);
}

std::string warning_of_cpu(const RunResult& result) {
  if (!result.server_cpu_ns) {
    return "warning: the server's process is not known (--server-pid), so neither is its CPU "
           "time\n";
  }
  if (result.server_busy() >= kBusyEnough) return {};
  return fmt::format(
      "warning: the server was only {:.0f} % busy: its CPU time per operation is too high and the "
      "throughput not its own (more --connections, --pipeline or --threads, or another --cpu)\n",
      result.server_busy() * 100);
}

std::string complaints_of(const RunResult& result) {
  std::string out;
  for (const std::string& text : result.complaints) out += fmt::format("wrong: {}\n", text);
  if (!result.correct()) {
    out += fmt::format("wrong: {} error replies, {} wrong values in {} replies\n",
                       grouped(result.all.errors), grouped(result.all.mismatches),
                       grouped(result.all.replies));
  }
  return out;
}

using Text = std::back_insert_iterator<std::string>;

void append_json_counts(Text out, const RunResult& result) {
  fmt::format_to(out,
                 "  \"replies\": {}, \"hits\": {}, \"misses\": {}, \"errors\": {}, "
                 "\"wrong_values\": {},\n",
                 result.window.replies, result.window.hits, result.window.misses, result.all.errors,
                 result.all.mismatches);
}

void append_json_latency(Text out, const Histogram& latency_ns) {
  fmt::format_to(out, "  \"latency_us\": {{");
  for (const Percentile& each : kPercentiles) {
    fmt::format_to(out, "\"{}\": {:.3f}, ", each.name,
                   microseconds(latency_ns.percentile(each.percent)));
  }
  fmt::format_to(out, "\"max\": {:.3f}}},\n", microseconds(latency_ns.max()));
}

void append_json_cpu(Text out, const RunOptions& options, const RunResult& result) {
  if (result.server_cpu_ns) {
    fmt::format_to(out, "  \"server_cpu_us_per_op\": {:.6f}, \"server_busy\": {:.4f},\n",
                   result.server_cpu_us_per_operation(), result.server_busy());
  } else {
    fmt::format_to(out, "  \"server_cpu_us_per_op\": null, \"server_busy\": null,\n");
  }
  fmt::format_to(out, "  \"client_cpu_us_per_op\": {:.6f}, \"client_busy\": {:.4f}\n",
                 result.client_cpu_us_per_operation(), result.client_busy(options.threads));
}

void append_json_options(Text out, const RunOptions& options) {
  const Target& target = options.target;
  fmt::format_to(out, "  \"host\": {}, \"port\": {}, \"unix\": {},\n", quoted(target.host),
                 target.port, target.unix_path.empty() ? "null" : quoted(target.unix_path));
  fmt::format_to(out, "  \"connections\": {}, \"pipeline\": {},\n", options.connections,
                 options.pipeline);
  fmt::format_to(out, "  \"workload\": {}, \"get_share\": {:g}, \"keys\": {}, \"key_size\": {},\n",
                 quoted(options.workload.name), options.workload.mix.get, options.workload.keys,
                 quoted(options.workload.key_size.text()));
  fmt::format_to(out,
                 "  \"value_size\": {}, \"durability\": {}, \"preload\": {}, \"threads\": {},\n",
                 quoted(options.workload.value_size.text()), quoted(name_of(options.durability)),
                 options.preload, options.threads);
  fmt::format_to(out, "  \"seed\": {},\n", options.seed);
}

}  // namespace

std::string text_report(const RunOptions& options, const RunResult& result) {
  std::string text;
  const Text out = std::back_inserter(text);
  fmt::format_to(out, "load        {}\n", describe_load(options));
  fmt::format_to(out, "server      {}\n", describe_server(result.server));
  fmt::format_to(out, "throughput  {} ops/s over {:.2f} s\n",
                 grouped(static_cast<std::uint64_t>(result.operations_per_s)), result.seconds);
  fmt::format_to(out, "latency     ");
  for (const Percentile& each : kPercentiles) {
    fmt::format_to(out, "{} {:.1f}  ", each.name,
                   microseconds(result.latency_ns.percentile(each.percent)));
  }
  fmt::format_to(out, "max {:.1f} us\n", microseconds(result.latency_ns.max()));
  fmt::format_to(out, "replies     {}: {} hits, {} misses, {} errors, {} wrong values\n",
                 grouped(result.window.replies), grouped(result.window.hits),
                 grouped(result.window.misses), grouped(result.window.errors),
                 grouped(result.window.mismatches));
  if (result.server_cpu_ns) {
    fmt::format_to(out, "server CPU  {:.4f} us per operation, {:.0f} % busy\n",
                   result.server_cpu_us_per_operation(), result.server_busy() * 100);
  }
  fmt::format_to(out, "client CPU  {:.4f} us per operation, {:.0f} % busy\n",
                 result.client_cpu_us_per_operation(), result.client_busy(options.threads) * 100);
  if (result.server.name == kCeilingName) {
    fmt::format_to(out, "note: this server keeps nothing, so its values were not checked\n");
  }
  return text + warning_of_misses(result.window) + warning_of_cpu(result) + complaints_of(result);
}

std::string json_report(const RunOptions& options, const RunResult& result) {
  std::string text = "{\n";
  const Text out = std::back_inserter(text);
  fmt::format_to(out, "  \"bench_version\": \"{}\", \"server\": {}, \"server_version\": {},\n",
                 PHOENIX_VERSION, quoted(result.server.name), quoted(result.server.version));
  fmt::format_to(out, "  \"server_pid\": {}, \"server_cores\": {},\n", result.server.pid,
                 result.server.cores);
  append_json_options(out, options);
  fmt::format_to(out, "  \"seconds\": {:.6f}, \"ops_per_s\": {:.1f},\n", result.seconds,
                 result.operations_per_s);
  append_json_counts(out, result);
  append_json_latency(out, result.latency_ns);
  append_json_cpu(out, options, result);
  return text + "}\n";
}

}  // namespace phoenix::bench
