// phoenix-bench: measures a server (see options.cc for its flags), or is the ceiling that it is
// measured against.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <utility>

#include "bench/ceiling/server.h"
#include "bench/options.h"
#include "bench/report.h"
#include "bench/run.h"
#include "phoenix/uring/ring.h"
#include "phoenix/uring/system.h"

namespace {

using phoenix::Result;

constexpr int kExitWrong = 1;
constexpr int kExitUsage = 2;

struct CloseFile {
  // Every write is checked where it is made, the closing one in write_json.
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, CloseFile>;

int complain(const std::string& message, int status) {
  std::fprintf(stderr, "phoenix-bench: %s\n", message.c_str());
  return status;
}

Result<std::unique_ptr<phoenix::io::Ring>> make_ring() {
  auto ring = phoenix::uring::Ring::create({});
  if (!ring) return tl::unexpected<phoenix::Error>(ring.error());
  return std::unique_ptr<phoenix::io::Ring>(std::move(*ring));
}

bool write_json(File file, const std::string& text) {
  const bool written = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size();
  return std::fclose(file.release()) == 0 && written;
}

int run(phoenix::bench::RunOptions options) {
  if (options.seed == 0) options.seed = phoenix::uring::SystemRandom().next() >> 32U;
  // Opened before the run: a typing error should not cost its result.
  File json(options.json_path.empty() ? nullptr : std::fopen(options.json_path.c_str(), "w"));
  if (!options.json_path.empty() && json == nullptr) {
    return complain("--json " + options.json_path + ": " + std::strerror(errno), kExitUsage);
  }
  const phoenix::uring::SystemClock clock;
  const auto result = run_load(options, make_ring, clock);
  if (!result) return complain(result.error().message, kExitWrong);
  std::fputs(text_report(options, *result).c_str(), stdout);
  if (json != nullptr && !write_json(std::move(json), json_report(options, *result))) {
    return complain("--json " + options.json_path + ": could not be written", kExitWrong);
  }
  return result->correct() ? 0 : kExitWrong;
}

}  // namespace

int main(int argc, char** argv) {
  const auto line = phoenix::bench::parse_command_line(argc, argv);
  if (!line) return complain(line.error().message, kExitUsage);
  if (line->help) {
    std::fputs(line->help->c_str(), stdout);
    return 0;
  }
  if (line->run) return run(*line->run);
  const auto ended = run_ceiling(*line->ceiling);
  return ended ? 0 : complain(ended.error().message, kExitWrong);
}
