// The crash test and the check of a history's file as commands: what is printed where, and the exit
// status.
#pragma once

#include <string>

#include "bench/crash/options.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/result.h"

namespace phoenix::bench::crash {

/// Prints as it goes. Whether all was right; an error when there is no verdict.
Result<bool> run_crash_command(CrashOptions options, const Clock& clock);

/// The same for `phoenix-bench check FILE`.
Result<bool> run_check_command(const std::string& path);

}  // namespace phoenix::bench::crash
