// The crash test itself: load, kill, start again, look at every key; and in the end at the whole
// history.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "bench/crash/options.h"
#include "bench/peers/catalog.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/result.h"

namespace phoenix::bench::crash {

/// How many violations are kept to be shown.
inline constexpr std::size_t kViolationsShown = 5;

struct CrashResult {
  std::uint64_t acknowledged = 0;          // Writes and deletes.
  std::uint64_t unanswered = 0;            // Writes and deletes that a kill came before.
  std::uint64_t refused = 0;               // Operations that the server answered with an error,
  std::string refusal;                     // and the first such error.
  std::uint64_t lost = 0;                  // Acknowledged ones that a crash took.
  std::uint64_t crash_violations = 0;      // Keys that were wrong after a crash, each time counted.
  std::uint64_t unlinear_keys = 0;         // Keys whose whole history is impossible.
  std::vector<std::string> violations;     // The first of both, in words of several lines.
  std::vector<std::uint64_t> recovery_ns;  // Of each kill.
  std::uint64_t check_ns = 0;              // What the check of the whole history took.
  std::size_t operations = 0;
  std::size_t keys = 0;
  bool history_is_full = false;  // The load ended early.
  std::string kept_directory;    // Set when something was wrong.

  bool is_right() const { return lost == 0 && crash_violations == 0 && unlinear_keys == 0; }
};

/// Prints one line of progress. False when nobody takes it: the test ends.
using Progress = std::function<bool(const std::string& line)>;

/// `spec` is what find_target() made of the options, whose seed must not be 0. What an
/// InterruptNote notes ends it after the round under way, or, if urgent, as soon as possible. An
/// error when the test could not be made: no server, one that does not start again, a connection
/// that broke before the kill, a history that cannot be written.
Result<CrashResult> run_crash_test(const CrashOptions& options, const PeerSpec& spec,
                                   const Clock& clock, const Progress& progress);

}  // namespace phoenix::bench::crash
