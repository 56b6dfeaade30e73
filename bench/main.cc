// phoenix-bench: measures a server (see options.cc for its flags), or is the ceiling that it is
// measured against.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "bench/ceiling/server.h"
#include "bench/load/live.h"
#include "bench/load/run.h"
#include "bench/load/sweep.h"
#include "bench/options.h"
#include "bench/report/files.h"
#include "bench/report/report.h"
#include "phoenix/uring/ring.h"
#include "phoenix/uring/system.h"

namespace {

using phoenix::Result;

constexpr int kExitWrong = 1;
constexpr int kExitUsage = 2;

/// Ctrl-C: what was measured so far is told. A second one ends the program.
std::atomic<bool> stop_wanted{false};

void want_stop(int) {
  stop_wanted = true;
}

bool stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = want_stop;
  action.sa_flags = static_cast<int>(SA_RESETHAND);
  return sigaction(SIGINT, &action, nullptr) == 0 && sigaction(SIGTERM, &action, nullptr) == 0;
}

int complain(const std::string& message, int status) {
  static_cast<void>(std::fprintf(stderr, "phoenix-bench: %s\n", message.c_str()));
  return status;
}

Result<std::unique_ptr<phoenix::io::Ring>> make_ring() {
  auto ring = phoenix::uring::Ring::create({});
  if (!ring) return tl::unexpected<phoenix::Error>(ring.error());
  return std::unique_ptr<phoenix::io::Ring>(std::move(*ring));
}

// False when standard output took not all of it.
bool print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

int run(phoenix::bench::RunOptions options, const std::vector<std::string>& arguments) {
  if (!stop_on_signals()) return complain("cannot take Ctrl-C", kExitWrong);
  if (options.seed == 0) options.seed = phoenix::uring::SystemRandom().next() >> 32U;
  auto files = phoenix::bench::ReportFiles::open(
      {{"--json", options.json_path}, {"--html", options.html_path}, {"--csv", options.csv_path}});
  if (!files) return complain(files.error().message, kExitUsage);
  const phoenix::uring::SystemClock clock;
  phoenix::bench::Report report;
  report.began_at_unix_s = static_cast<std::int64_t>(clock.wall_ms() / 1000);
  report.command = phoenix::bench::shell_command(arguments, options.seed);
  report.machine = phoenix::bench::read_machine_facts();
  const phoenix::bench::MakeRing rings = make_ring;
  phoenix::bench::LiveLine live;
  auto result = run_load(options, {rings, clock, stop_wanted, &live});
  if (!result) return complain(result.error().message, kExitWrong);
  const bool correct = result->correct();
  report.runs.push_back({"", std::move(options), std::move(*result)});
  const bool printed = print(text_report(report));
  if (auto written = files->write(report); !written) {
    return complain(written.error().message, kExitWrong);
  }
  return correct && printed ? 0 : kExitWrong;
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = phoenix::bench::parse_command_line(argc, argv);
  if (!line) return complain(line.error().message, kExitUsage);
  if (line->help) return print(*line->help) ? 0 : kExitWrong;
  if (line->run) return run(*line->run, {argv, argv + argc});
  const auto ended = run_ceiling(*line->ceiling);
  return ended ? 0 : complain(ended.error().message, kExitWrong);
}
