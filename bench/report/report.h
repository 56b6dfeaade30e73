// What was measured, for people and for programs. All reports are pure functions of one value, so
// that the same run can be told in every form, and a reader can repeat it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "bench/load/result.h"
#include "bench/load/run_options.h"
#include "bench/measure/machine.h"

namespace phoenix::bench {

struct LabelledRun {
  std::string label;  // Among the runs of a report; a single one may have none.
  RunOptions options;
  RunResult result;
};

/// The runs are the steps of a search for the highest rate that the server can bear, by rising
/// RunResult::offered_per_s.
struct Sweep {
  std::optional<std::size_t> knee;  // Index of the last run that it bore; none: not even the first.
};

struct Report {
  std::int64_t began_at_unix_s = 0;
  std::string command;  // One line for a shell that does all of it again.
  MachineFacts machine;
  std::vector<LabelledRun> runs;  // At least one.
  std::optional<Sweep> sweep;
};

/// The arguments, argv[0] first and without its directory, quoted for a shell where they need it.
/// `seed` is added unless there is one among them: without it other keys would be drawn.
std::string shell_command(const std::vector<std::string>& arguments, std::uint64_t seed);

/// Lines for a terminal, with all that warnings_of (warnings.h) says. ASCII, but for what stands in
/// `command`, which is as it was typed.
std::string text_report(const Report& report);

/// One object. Of a single run its members are the top level's; several are in "runs". Times are in
/// microseconds, names end in their unit; null where nothing is known; bytes that are no UTF-8
/// become U+FFFD. "histogram" is [highest value in us, count] by rising value.
std::string json_report(const Report& report);

/// As RFC 4180, with a header. Of a single run one line per second of the measured time:
/// begin_s, length_s, ops_per_s, replies, hits, misses, errors, wrong_values, p50_us, p99_us,
/// max_us, server_busy, server_memory_bytes. Of several runs one line each: label, server and
/// server_version, the options by their names in JSON, seconds and the figures. Cells are empty
/// where nothing is known; text has its bytes unchanged.
std::string csv_report(const Report& report);

/// A page that needs no other file, with plots (page.h, curves.h).
std::string html_report(const Report& report);

}  // namespace phoenix::bench
