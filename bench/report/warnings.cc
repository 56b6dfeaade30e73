#include "bench/report/warnings.h"

#include <fmt/format.h>

#include "bench/report/numbers.h"
#include "bench/wire/ceiling_name.h"

namespace phoenix::bench {
namespace {

using Sentences = std::vector<std::string>;

void warn_of_misses(const Counts& counts, Sentences& out) {
  const auto gets = static_cast<double>(counts.hits + counts.misses);
  const auto misses = static_cast<double>(counts.misses);
  if (counts.misses == 0 || misses < kMissesSuspicious * gets) return;
  out.push_back(fmt::format(
      "{:.0f} % of the keys read were misses: the server has no such keys (--preload stores them)",
      100 * misses / gets));
}

// With an open loop the rate is the client's on purpose.
void warn_of_cpu(const RunResult& result, Sentences& out) {
  if (!result.server_cpu_ns) {
    out.emplace_back(
        "the server's process is not known (--server-pid), so neither is its CPU time");
  } else if (result.offered_per_s == 0 && result.server_busy() < kBusyEnough) {
    out.push_back(fmt::format(
        "the server was only {:.0f} % busy: its CPU time per operation is too high and the "
        "throughput not its own (more --connections, --pipeline or --threads, or another --cpu)",
        result.server_busy() * 100));
  }
}

void warn_of_open_loop(const RunResult& result, bool is_step, Sentences& out) {
  if (result.offered_per_s == 0) return;
  // A sweep goes beyond what can be served on purpose.
  if (result.unsent > 0 && !is_step) {
    out.push_back(fmt::format(
        "{} requests that were due were never sent, since all pipelines were full: the offered "
        "rate is more than could be served; they count with their wait until the end, and would "
        "have waited longer",
        grouped(result.unsent)));
  }
  const std::uint64_t delay_ns = result.client_delay_ns.percentile(99);
  const std::uint64_t latency_ns = result.latency_ns.percentile(50);
  if (delay_ns > latency_ns) {
    out.push_back(fmt::format(
        "the client itself was late: 1 % of the requests left more than {} after their time, "
        "longer than the median latency (more --threads, or a lower rate)",
        figure_text(Unit::nanoseconds, static_cast<double>(delay_ns))));
  }
}

}  // namespace

Sentences warnings_of(const LabelledRun& run, bool is_step) {
  const RunResult& result = run.result;
  Sentences out;
  if (result.interrupted) {
    out.push_back(fmt::format(
        "interrupted after {:.2f} s, before all that was asked for was measured", result.seconds));
  }
  if (result.unanswered > 0) {
    out.push_back(fmt::format("{} requests had no reply within a second of being stopped",
                              grouped(result.unanswered)));
  }
  if (result.window.replies == 0) {
    out.emplace_back("no reply came in the measured time: there are no figures");
  }
  if (result.server.name == kCeilingName) {
    out.emplace_back("this server keeps nothing, so its values were not checked");
  }
  warn_of_misses(result.window, out);
  warn_of_cpu(result, out);
  warn_of_open_loop(result, is_step, out);
  return out;
}

Sentences wrongs_of(const RunResult& result) {
  Sentences out = result.complaints;
  if (!result.failure.empty()) {
    out.push_back(fmt::format("failed after {:.2f} s: {}", result.seconds, result.failure));
  }
  if (result.all.errors + result.all.mismatches != 0) {
    out.push_back(fmt::format("{} error replies, {} wrong values in {} replies",
                              grouped(result.all.errors), grouped(result.all.mismatches),
                              grouped(result.all.replies)));
  }
  return out;
}

}  // namespace phoenix::bench
