// The command line of phoenix-cli.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cli/modes.h"
#include "cli/renderer.h"
#include "cli/result.h"
#include "cli/transfer/request.h"
#include "phoenix/client/connection.h"

namespace phoenix::cli {

enum class Color : std::uint8_t { automatic, always, never };

struct Options {
  client::Options connection;
  Format format = Format::human;
  Color color = Color::automatic;
  bool has_timing = false;  // Tell how long replies took.
  ModeOptions mode;
  std::vector<std::string> command;           // Empty: commands come from standard input.
  std::optional<transfer::Request> transfer;  // In place of a command.
  std::string help;                           // Not empty: print this and be done.
};

/// Reads the password file too. Failures have ExitCode::usage.
Result<Options> parse_options(int argc, const char* const* argv);

}  // namespace phoenix::cli
