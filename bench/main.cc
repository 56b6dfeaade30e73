// phoenix-bench: measures a server (see options.cc for its flags), or is the ceiling that it is
// measured against.
#include <signal.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "bench/ceiling/server.h"
#include "bench/load/live.h"
#include "bench/load/run.h"
#include "bench/load/sweep.h"
#include "bench/options.h"
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

struct CloseFile {
  // What was written is closed and checked in write_json; here nothing was.
  void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

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

bool write_json(File file, const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  return std::fclose(file.release()) == 0 && written;
}

int run(phoenix::bench::RunOptions options) {
  if (!stop_on_signals()) return complain("cannot take Ctrl-C", kExitWrong);
  if (options.seed == 0) options.seed = phoenix::uring::SystemRandom().next() >> 32U;
  // Opened before the run: a typing error should not cost its result.
  File json(options.json_path.empty() ? nullptr : std::fopen(options.json_path.c_str(), "w"));
  if (!options.json_path.empty() && json == nullptr) {
    return complain("--json " + options.json_path + ": " + std::strerror(errno), kExitUsage);
  }
  const phoenix::uring::SystemClock clock;
  const phoenix::bench::MakeRing rings = make_ring;
  phoenix::bench::LiveLine live;
  const auto result = run_load(options, {rings, clock, stop_wanted, &live});
  if (!result) return complain(result.error().message, kExitWrong);
  const bool printed = print(text_report(options, *result));
  if (json != nullptr && !write_json(std::move(json), json_report(options, *result))) {
    return complain("--json " + options.json_path + ": could not be written", kExitWrong);
  }
  return result->correct() && printed ? 0 : kExitWrong;
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = phoenix::bench::parse_command_line(argc, argv);
  if (!line) return complain(line.error().message, kExitUsage);
  if (line->help) return print(*line->help) ? 0 : kExitWrong;
  if (line->run) return run(*line->run);
  const auto ended = run_ceiling(*line->ceiling);
  return ended ? 0 : complain(ended.error().message, kExitWrong);
}
