// What one run in a comparison came to, and whether it counts.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "bench/load/result.h"
#include "phoenix/base/result.h"

namespace phoenix::bench::compare {

struct Sample {
  double cpu_us = 0;  // Of the server, user and system, per operation.
  double operations_per_s = 0;
  double p50_us = 0;
  double p99_us = 0;
  double p999_us = 0;
  double busy = 0;  // The server's CPU time over the wall time of its threads, about 0 to 1.
  double client_cpu_us = 0;
  std::optional<std::uint64_t> rss_bytes;  // Of the server, at the end.
};

/// One run: of a server, in a cell (a workload at a pipeline), in a pass.
struct Run {
  std::size_t pass = 0;
  std::size_t server = 0;
  std::size_t cell = 0;
  std::optional<Sample> sample;
  std::string refusal;  // Why there is no sample.

  bool counts() const { return sample.has_value(); }
};

struct RunRules {
  double seconds = 0;                // That were asked for.
  std::uint32_t server_threads = 1;  // Of this server; the ceiling has one, whatever is asked for.
  bool misses_count = true;          // As errors: the server keeps what was stored.
};

/// Of a run that is not correct(): how many wrong answers there were, and what one of them was.
std::string faults_of(const RunResult& result);

/// The sample of a run that counts, or why it does not: one that was interrupted or shorter than
/// asked for, wrong answers, errors, misses of keys that were stored, or a server whose CPU time is
/// not known.
Result<Sample> judge(const RunResult& result, const RunRules& rules);

}  // namespace phoenix::bench::compare
