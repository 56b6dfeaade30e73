// What people read of a crash test.
#pragma once

#include <string>

#include "bench/crash/options.h"
#include "bench/crash/run.h"
#include "bench/peers/catalog.h"

namespace phoenix::bench::crash {

/// Before the first round: what is tested and how to repeat it. Lines, each ended.
std::string head_text(const CrashOptions& options, const PeerSpec& spec);

/// After the last: statistics, violations, and at the end one line "acknowledged N, lost M,
/// recovered in X ms", X being the longest recovery.
std::string result_text(const CrashOptions& options, const CrashResult& result);

/// The verdict about a history in a file: lines for people, and whether it is right.
struct FileVerdict {
  std::string text;
  bool is_right = false;
};
Result<FileVerdict> check_file(const std::string& path);

}  // namespace phoenix::bench::crash
