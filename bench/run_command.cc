#include "bench/run_command.h"

#include <cstdio>
#include <utility>

#include <fmt/format.h>

#include "bench/load/live.h"
#include "bench/load/sweep.h"
#include "bench/measure/machine.h"
#include "bench/report/report.h"
#include "phoenix/uring/system.h"

namespace phoenix::bench {
namespace {

std::string step_label(const RunResult& step, const SweepSteps& sweep) {
  return fmt::format("{:.0f} %", 100 * step.offered_per_s / sweep.most_per_s);
}

Result<void> measure_sweep(const RunOptions& options, const Surroundings& surroundings,
                           Report& report) {
  auto sweep = run_sweep(options, surroundings);
  if (!sweep) return tl::unexpected<Error>(sweep.error());
  if (sweep->steps.empty()) {
    return fail(ErrorCode::io, "stopped before the first step of the sweep: nothing is measured");
  }
  report.sweep = Sweep{sweep->knee};
  for (std::size_t i = 0; i < sweep->steps.size(); ++i) {
    report.runs.push_back({step_label(sweep->steps[i], *sweep), std::move(sweep->options[i]),
                           std::move(sweep->steps[i])});
  }
  return {};
}

Result<void> measure_once(const RunOptions& options, const Surroundings& surroundings,
                          Report& report) {
  auto result = run_load(options, surroundings);
  if (!result) return tl::unexpected<Error>(result.error());
  report.runs.push_back({"", options, std::move(*result)});
  return {};
}

bool print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

bool is_correct(const Report& report) {
  for (const LabelledRun& run : report.runs) {
    if (!run.result.correct()) return false;
  }
  return true;
}

}  // namespace

Result<ReportFiles> open_reports(const RunOptions& options) {
  return ReportFiles::open(
      {{"--json", options.json_path}, {"--html", options.html_path}, {"--csv", options.csv_path}});
}

Result<bool> run_and_report(RunOptions options, Mode mode, ReportFiles& files,
                            const std::vector<std::string>& arguments, const MakeRing& make_ring,
                            const std::atomic<bool>& stop) {
  if (options.seed == 0) options.seed = uring::SystemRandom().next() >> 32U;
  const uring::SystemClock clock;
  Report report;
  report.began_at_unix_s = clock.wall_ms() / 1000;
  report.command = shell_command(arguments, options.seed);
  report.machine = read_machine_facts();
  LiveLine live;
  const Surroundings surroundings{make_ring, clock, stop, &live};
  auto measured = mode == Mode::single ? measure_once(options, surroundings, report)
                                       : measure_sweep(options, surroundings, report);
  if (!measured) return tl::unexpected<Error>(measured.error());
  const bool printed = print(text_report(report));
  if (auto written = files.write(report); !written) {
    return tl::unexpected<Error>(written.error());
  }
  const bool told = mode != Mode::demo || print("report      " + options.html_path + "\n");
  if (!printed || !told) return fail(ErrorCode::io, "the report could not be printed");
  return is_correct(report);
}

}  // namespace phoenix::bench
