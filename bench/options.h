// The command line of phoenix-bench, checked: what is in these structs can be run.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "bench/ceiling/server.h"
#include "bench/compare/options.h"
#include "bench/crash/options.h"
#include "bench/load/run_options.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// What is done with the options of a run.
enum class Mode : std::uint8_t {
  single,
  sweep,  // Closed loop first, then open loop at rising rates.
  demo,   // A sweep that is over in 20 seconds.
};

/// Exactly one of the optional ones is set.
struct CommandLine {
  std::optional<RunOptions> run;
  Mode mode = Mode::single;
  std::optional<CeilingOptions> ceiling;
  std::optional<crash::CrashOptions> crash_test;
  std::optional<compare::Options> compare;
  std::optional<std::string> check_path;  // Of a history.
  std::optional<std::string> help;        // To be printed, and that is all.
};

/// argv[0] is the program's name. Reads the password file too. The error is one sentence.
Result<CommandLine> parse_command_line(int argc, const char* const* argv);

}  // namespace phoenix::bench
