// A comparison as tables: for a terminal as a whole, and one by one for the page.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "bench/compare/summary.h"
#include "bench/report/page.h"

namespace phoenix::bench::compare {

Table table_of_servers(const Options& options, const Comparison& measured);
/// How each was started, with {port} and the like as they were.
NamedTexts commands_of(const Options& options);

/// Columns of table_of_cell that hold ratios to the first server.
inline constexpr std::ptrdiff_t kCpuToFirstColumn = 4;
inline constexpr std::ptrdiff_t kRateToFirstColumn = 6;

Table table_of_cell(const Options& options, const Summary& summary, std::size_t cell);
/// Without rows when no server's memory is known.
Table table_of_memory(const Options& options, const Summary& summary);

/// What every reader has to know, a sentence each: idle servers, runs that do not count, servers
/// without a disk beside such as have one.
std::vector<std::string> cautions_of(const Options& options, const Comparison& measured,
                                     const Summary& summary);

/// The conditions in a line or two: connections, keys, runs, CPUs.
std::string conditions_text(const Options& options);

/// The servers, a table for each cell, memory, and what has to be known to believe it.
std::string comparison_text(const Options& options, const Comparison& measured,
                            const Summary& summary);

}  // namespace phoenix::bench::compare
