// Rows of a file into a server, many under way at once. See docs/TRANSFER.md.
#pragma once

#include <string>

#include "cli/result.h"
#include "cli/transfer/record.h"
#include "phoenix/client/connection.h"

namespace phoenix::cli::transfer {

struct ImportRequest {
  std::string path;  // "-": standard input.
  RowFormat format = RowFormat::csv;
  bool is_resumed = false;   // Go on where the last import of this file ended.
  bool if_absent = false;    // Keep what is there already.
  bool skip_errors = false;  // Count a bad row, and go on.
};

/// `connection` names the descriptor that interrupts. ExitCode::error_reply when rows were skipped
/// because they were bad. A summary goes to standard error.
Result<ExitCode> run_import(const client::Options& connection, const ImportRequest& request);

}  // namespace phoenix::cli::transfer
