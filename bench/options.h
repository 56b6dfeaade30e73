// The command line of phoenix-bench, checked: what is in these structs can be run.
#pragma once

#include <optional>
#include <string>

#include "bench/ceiling/server.h"
#include "bench/load/run_options.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// Exactly one of these is set.
struct CommandLine {
  std::optional<RunOptions> run;
  std::optional<CeilingOptions> ceiling;
  std::optional<std::string> help;  // To be printed, and that is all.
};

/// argv[0] is the program's name. Reads the password file too. The error is one sentence.
Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace phoenix::bench
