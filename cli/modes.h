// What phoenix-cli does by itself, beyond carrying commands: watching a server, going through its
// keys, measuring round trips. Each mode goes on until it is done, a bound is reached, or Ctrl-C
// comes, and then has told all that it saw.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/renderer.h"
#include "cli/result.h"
#include "cli/session.h"
#include "phoenix/client/connection.h"

namespace phoenix::cli {

enum class Mode : std::uint8_t { commands, stat, scan, bigkeys, memkeys, latency, watch };

struct ModeOptions {
  Mode mode = Mode::commands;
  std::string pattern;          // A glob; empty: every key.
  std::uint64_t count = 0;      // Lines, keys, pings or rounds; 0: no bound.
  double seconds = 0;           // 0: no bound.
  double interval_seconds = 1;  // Between rounds of watch.
};

struct ModeContext {
  /// Its options name the signal's descriptor as interrupt_fd.
  client::Connection& connection;
  client::Wire wire;
  const InterruptSignal& interrupt;
  Output& output;
  Format format;
  bool is_terminal;  // The output can move its cursor.
  const ModeOptions& options;
};

/// A line per second: keys, memory, clients, requests, as far as the server's INFO has them.
Result<ExitCode> run_stat(const ModeContext& context);
/// Every key that matches, one a line.
Result<ExitCode> run_scan(const ModeContext& context);
/// The largest values, or the keys that take most memory; totals, and how sizes are distributed.
Result<ExitCode> run_bigkeys(const ModeContext& context);
/// Round trips of PING.
Result<ExitCode> run_latency(const ModeContext& context);

/// Sends a command again and again. A connection that is lost is made again in the next round.
struct WatchContext {
  Session& session;
  const InterruptSignal& interrupt;
  Output& output;
  bool is_terminal;
  const ModeOptions& options;
};
Result<ExitCode> run_watch(const WatchContext& context, const std::vector<std::string>& command);

/// When a mode has run long enough.
class ModeBounds final {
 public:
  explicit ModeBounds(const ModeOptions& options) : options_(options) {}

  void count_one() { ++count_; }
  bool is_reached() const {
    const std::chrono::duration<double> passed = Clock::now() - start_;
    const bool is_counted = options_.count > 0 && count_ >= options_.count;
    return is_counted || (options_.seconds > 0 && passed.count() >= options_.seconds);
  }

 private:
  using Clock = std::chrono::steady_clock;

  const ModeOptions& options_;
  std::uint64_t count_ = 0;
  Clock::time_point start_ = Clock::now();
};

}  // namespace phoenix::cli
