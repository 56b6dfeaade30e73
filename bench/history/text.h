// Histories as text files, so that one can be looked at, kept, and checked again, and so that the
// history of any other store with one register for each key can be checked too.
//
// The first line is "phoenix-history 1". Each other line is one operation, six or seven words with
// one blank between:
//
//     CLIENT write KEY VALUE INVOKED_NS RESPONDED_NS OUTCOME
//     CLIENT read  KEY VALUE INVOKED_NS RESPONDED_NS OUTCOME
//     CLIENT erase KEY INVOKED_NS RESPONDED_NS OUTCOME
//
// CLIENT is a number. KEY is text in which bytes other than ! to ~, and %, are written as %XX.
// VALUE is "WRITER.COUNTER", two numbers that are unique to a write over the whole history; a read
// may also have "-" for nothing and "?" for bytes that nobody wrote. Times are nanoseconds of one
// monotonic clock; RESPONDED_NS may be "never". OUTCOME is ok, fail (changed nothing) or unknown;
// RESPONDED_NS of an unknown one says when it can no longer take effect. Lines may come in any
// order, except that those of one client on one key stand in the order in which it sent them. Empty
// lines and lines that begin with # are skipped.
#pragma once

#include <string>

#include "bench/history/operation.h"
#include "phoenix/base/result.h"

namespace phoenix::bench::history {

/// Writes the whole history, replacing the file; the error names it and why.
Result<void> write_history(const std::string& path, const History& history);

/// Reads one; the error names the file, the line and what is wrong with it. Refuses more than
/// kOperationsMax operations or kKeysMax keys, and lines over 4 KiB.
Result<History> read_history(const std::string& path);

}  // namespace phoenix::bench::history
