// The command line of phoenix-cli.
#pragma once

#include <string>
#include <vector>

#include "cli/renderer.h"
#include "cli/result.h"
#include "phoenix/client/connection.h"

namespace phoenix::cli {

struct Options {
  client::Options connection;
  Format format = Format::human;
  std::vector<std::string> command;  // Empty: commands come from standard input.
  std::string help;                  // Not empty: print this and be done.
};

/// Reads the password file too. Failures have ExitCode::usage.
Result<Options> parse_options(int argc, const char* const* argv);

}  // namespace phoenix::cli
