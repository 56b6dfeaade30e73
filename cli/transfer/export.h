// Keys of a server into a file, or to standard output. See docs/TRANSFER.md.
#pragma once

#include <string>

#include "cli/output.h"
#include "cli/result.h"
#include "cli/transfer/record.h"
#include "phoenix/client/connection.h"

namespace phoenix::cli::transfer {

struct ExportRequest {
  std::string path;  // "-": standard output.
  RowFormat format = RowFormat::csv;
  std::string pattern;      // A glob; empty: every key.
  bool is_resumed = false;  // Go on with the part of an export that did not end.
};

/// `connection` names the descriptor that interrupts. A summary goes to standard error.
Result<ExitCode> run_export(const client::Options& connection, const ExportRequest& request,
                            Output& standard_output);

}  // namespace phoenix::cli::transfer
