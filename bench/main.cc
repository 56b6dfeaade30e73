// phoenix-bench: measures servers and puts them to the test (see options.cc for its flags), or is
// the ceiling that they are measured against.
#include <signal.h>

#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <vector>

#include "bench/ceiling/server.h"
#include "bench/compare/command.h"
#include "bench/crash/command.h"
#include "bench/options.h"
#include "bench/run_command.h"
#include "phoenix/uring/ring.h"
#include "phoenix/uring/system.h"

namespace {

using phoenix::Result;

constexpr int kExitWrong = 1;
constexpr int kExitUsage = 2;

/// Ctrl-C, or a terminal that is closed: what was measured so far is told, and directories are
/// removed. A second Ctrl-C ends the program. Other signals may well come twice: timeout(1) sends
/// its own to the process and to its group.
std::atomic<bool> stop_wanted{false};

void want_stop(int) {
  stop_wanted = true;
}

bool stop_on_signals() {
  struct sigaction action {};
  action.sa_handler = want_stop;
  for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
    action.sa_flags = number == SIGINT ? static_cast<int>(SA_RESETHAND) : 0;
    struct sigaction before {};
    if (sigaction(number, &action, &before) != 0) return false;
    const bool is_nohup = number == SIGHUP && before.sa_handler == SIG_IGN;
    if (is_nohup && sigaction(number, &before, nullptr) != 0) return false;
  }
  return true;
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

// A verdict, or why there is none.
int exit_status(const Result<bool>& is_right) {
  if (!is_right) return complain(is_right.error().message, kExitWrong);
  return *is_right ? 0 : kExitWrong;
}

int print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0 ? 0 : kExitWrong;
}

int run(const phoenix::bench::CommandLine& line, const std::vector<std::string>& arguments) {
  // Before the run: a typing error should not cost its result.
  auto files = open_reports(*line.run);
  if (!files) return complain(files.error().message, kExitUsage);
  return exit_status(
      run_and_report(*line.run, line.mode, *files, arguments, make_ring, stop_wanted));
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that is gone ("| head") shows as a failed write, which does not end us between a start
  // of a server and the removal of its directory.
  if (signal(SIGPIPE, SIG_IGN) == SIG_ERR) return complain("cannot ignore SIGPIPE", kExitWrong);
  const auto line = phoenix::bench::parse_command_line(argc, argv);
  if (!line) return complain(line.error().message, kExitUsage);
  if (line->help) return print(*line->help);
  if (line->ceiling) {
    const auto ended = run_ceiling(*line->ceiling);
    return ended ? 0 : complain(ended.error().message, kExitWrong);
  }
  if (line->check_path) {
    return exit_status(phoenix::bench::crash::run_check_command(*line->check_path));
  }
  if (line->crash_test) {
    const phoenix::uring::SystemClock clock;
    return exit_status(phoenix::bench::crash::run_crash_command(*line->crash_test, clock));
  }
  if (!stop_on_signals()) return complain("cannot take Ctrl-C", kExitWrong);
  if (line->compare) {
    const phoenix::uring::SystemClock clock;
    const auto compared =
        phoenix::bench::compare::run_command(*line->compare, make_ring, clock, stop_wanted);
    const bool is_usage = !compared && compared.error().code == phoenix::ErrorCode::invalid;
    return is_usage ? complain(compared.error().message, kExitUsage) : exit_status(compared);
  }
  return run(*line, {argv, argv + argc});
}
