// The command line of `phoenix-bench --crash-test`, checked. It has options of its own: nothing of
// a load's means anything to it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "phoenix/base/result.h"

namespace phoenix::bench::crash {

struct CrashOptions {
  std::string target = "phoenix";  // Or another known server, or a template (see parse_peer).
  std::string server_path;         // Of phoenix-server; empty: beside this program.
  /// Of Phoenix: always, interval, off. Of redis and valkey: always, everysec, no, off. Of others
  /// empty: they do as their command says.
  std::string mode = "always";
  std::uint32_t rounds = 20;  // Kills; 0: as many as `seconds` allow.
  double seconds = 0;         // When rounds is 0.
  std::uint32_t connections = 8;
  std::uint32_t server_threads = 2;
  std::uint64_t seed = 0;        // 0: a new one.
  std::string parent_directory;  // Where the temporary directory is made; empty: $TMPDIR or /tmp.
  std::string history_path;      // Empty: not written.
};

/// Exactly one of these is set.
struct CrashCommand {
  std::optional<CrashOptions> options;
  std::optional<std::string> help;  // To be printed, and that is all.
};

/// Whether --crash-test is among the arguments.
bool asks_for_crash_test(int argc, const char* const* argv);

/// argv[0] is the program's name. The error is one sentence.
Result<CrashCommand> parse_crash_test(int argc, const char* const* argv);

}  // namespace phoenix::bench::crash
