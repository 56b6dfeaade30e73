#include "bench/crash/command.h"

#include <cstdio>

#include "bench/crash/interrupt.h"
#include "bench/crash/report.h"
#include "bench/crash/run.h"
#include "bench/crash/target.h"
#include "phoenix/uring/system.h"

namespace phoenix::bench::crash {
namespace {

/// False when standard output took not all of it.
bool print(const std::string& text) {
  return std::fputs(text.c_str(), stdout) >= 0 && std::fflush(stdout) == 0;
}

}  // namespace

Result<bool> run_crash_command(CrashOptions options, const Clock& clock) {
  if (options.seed == 0) options.seed = (uring::SystemRandom().next() >> 32U) + 1;
  const auto spec = find_target(options);
  if (!spec) return tl::unexpected<Error>(spec.error());
  const InterruptNote note;
  bool printed = print(head_text(options, *spec));
  const auto result = run_crash_test(options, *spec, clock, [&](const std::string& line) {
    printed = print(line + "\n") && printed;
    return printed;
  });
  if (!result) return tl::unexpected<Error>(result.error());
  if (!print(result_text(options, *result)) || !printed) {
    return fail(ErrorCode::io, "the verdict could not be printed");
  }
  return result->is_right();
}

Result<bool> run_check_command(const std::string& path) {
  const auto verdict = check_file(path);
  if (!verdict) return tl::unexpected<Error>(verdict.error());
  return print(verdict->text) && verdict->is_right;
}

}  // namespace phoenix::bench::crash
