// The interactive prompt: a command at a time, by a person.
#pragma once

#include "cli/editor.h"
#include "cli/interrupt.h"
#include "cli/output.h"
#include "cli/result.h"
#include "cli/session.h"

namespace phoenix::cli {

struct PromptOptions {
  bool has_timing = false;  // Tell how long each reply took.
};

/// Until EXIT, QUIT or the end of the input. A connection that is lost is reported, and made again
/// for the next command. The session's options name the signal's descriptor as interrupt_fd.
Result<ExitCode> run_prompt(Session& session, Editor& editor, Output& output,
                            const InterruptSignal& interrupt, PromptOptions options);

}  // namespace phoenix::cli
