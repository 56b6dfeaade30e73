// phoenix-bench's main trade: measure a server, and tell what came of it.
#pragma once

#include <atomic>
#include <string>
#include <vector>

#include "bench/load/run.h"
#include "bench/options.h"
#include "bench/report/files.h"

namespace phoenix::bench {

/// The files that were asked for.
Result<ReportFiles> open_reports(const RunOptions& options);

/// Runs, prints and writes the reports. `arguments` are the program's own, to be repeated by
/// whoever reads them. True when all that came back was right; the error is one sentence.
Result<bool> run_and_report(RunOptions options, Mode mode, ReportFiles& files,
                            const std::vector<std::string>& arguments, const MakeRing& make_ring,
                            const std::atomic<bool>& stop);

}  // namespace phoenix::bench
