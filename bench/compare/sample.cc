#include "bench/compare/sample.h"

#include <fmt/format.h>

namespace phoenix::bench::compare {
namespace {

/// The window's edges fall on turns of the client: that may cost as much.
constexpr double kLongEnough = 0.95;

tl::unexpected<Error> refused(std::string why) {
  return fail(ErrorCode::invalid, std::move(why));
}

double microseconds_at(const Histogram& latency_ns, double percent) {
  return static_cast<double>(latency_ns.percentile(percent)) / 1e3;
}

}  // namespace

std::string faults_of(const RunResult& result) {
  if (!result.failure.empty()) return result.failure;
  std::string text =
      fmt::format("{} errors, {} wrong values", result.all.errors, result.all.mismatches);
  if (!result.complaints.empty()) text += ", such as: " + result.complaints.front();
  return text;
}

Result<Sample> judge(const RunResult& result, const RunRules& rules) {
  if (!result.failure.empty()) return refused(faults_of(result));
  if (result.interrupted) return refused("it was interrupted");
  if (result.seconds < kLongEnough * rules.seconds) {
    return refused(fmt::format("it took {:.2f} of {:g} s", result.seconds, rules.seconds));
  }
  if (result.window.replies == 0) return refused("there was no reply");
  if (!result.correct()) return refused(faults_of(result));
  if (rules.misses_count && result.all.misses != 0) {
    return refused(fmt::format("{} misses of keys that were stored", result.all.misses));
  }
  if (!result.server_cpu_ns) return refused("the server's CPU time is not known");
  const double cpu_s = static_cast<double>(*result.server_cpu_ns) / 1e9;
  return Sample{
      .cpu_us = result.server_cpu_us_per_operation(),
      .operations_per_s = result.operations_per_s,
      .p50_us = microseconds_at(result.latency_ns, 50),
      .p99_us = microseconds_at(result.latency_ns, 99),
      .p999_us = microseconds_at(result.latency_ns, 99.9),
      .busy = cpu_s / (result.seconds * rules.server_threads),
      .client_cpu_us = result.client_cpu_us_per_operation(),
      .rss_bytes = result.server_rss_bytes,
  };
}

}  // namespace phoenix::bench::compare
