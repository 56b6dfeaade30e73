// What a run came to: figures without words, for all reports and for whoever compares runs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/control.h"
#include "bench/measure/histogram.h"
#include "bench/wire/reply_check.h"

namespace phoenix::bench {

/// One second of the measured time.
struct TimelineSecond {
  double begin_s = 0;   // Since the measured time began.
  double length_s = 1;  // The last one may be shorter.
  Counts counts;
  std::uint64_t p50_ns = 0;
  std::uint64_t p99_ns = 0;
  std::uint64_t max_ns = 0;
  std::optional<double> server_busy;  // As RunResult::server_busy().
  std::optional<std::uint64_t> server_rss_bytes;
};

/// The requests of one kind.
struct VerbResult {
  std::string name;  // "get", "set", "del", "scan", ...
  Histogram latency_ns;
};

struct RunResult {
  ServerFacts server;
  Counts window;  // Of the measured time alone.
  Counts all;     // Of everything, the preload included.
  Histogram
      latency_ns;  // Closed loop: from the send of the batch. Open loop: from the intended send.
  std::vector<VerbResult> verbs;  // Those that came up.
  std::vector<TimelineSecond> timeline;
  double seconds = 0;  // Of the measured time.
  double operations_per_s = 0;
  std::string failure;           // Why the run ended before its time; empty if it did not.
  bool interrupted = false;      // By Ctrl-C: the measured time is shorter than was asked for.
  std::uint64_t unanswered = 0;  // Requests that were given up then.

  // Open loop only.
  double offered_per_s = 0;   // What was asked for; 0: closed loop.
  std::uint64_t unsent = 0;   // Due in the measured time and never sent: the pipelines were full.
  Histogram client_delay_ns;  // From the intended send to the real one, where a pipeline had room.

  // Of the server's process, in the measured time; none where it is not known.
  std::optional<std::uint64_t> server_cpu_ns;
  std::optional<std::uint64_t> server_rss_bytes;  // At its end.
  std::optional<std::uint64_t> device_flushes;    // Of the devices that hold its open files.
  std::uint64_t client_cpu_ns = 0;
  std::vector<std::string> complaints;

  /// CPU time of all its threads over the wall time of all its cores, 0 to 1 and a little more.
  double server_busy() const;
  double client_busy(std::uint32_t threads) const;
  double server_cpu_us_per_operation() const;
  double client_cpu_us_per_operation() const;
  bool correct() const { return failure.empty() && all.errors == 0 && all.mismatches == 0; }
};

}  // namespace phoenix::bench
