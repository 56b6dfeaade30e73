// Commands from a file or a pipe: one a line, many under way at once, their replies in order.
#pragma once

#include "cli/line_reader.h"
#include "cli/output.h"
#include "cli/session.h"

namespace phoenix::cli {

/// Until the input's end, or behind an EXIT or QUIT. A line that is no command gets an error in the
/// place of its reply, and the next ones go on. ExitCode::error_reply when any reply was an error.
Result<ExitCode> run_piped(Session& session, LineReader& input, Output& output);

}  // namespace phoenix::cli
