// The interactive prompt: a command at a time, by a person.
#pragma once

#include <csignal>

#include "cli/line_reader.h"
#include "cli/output.h"
#include "cli/result.h"
#include "cli/session.h"

namespace phoenix::cli {

/// SIGINT as something to wait for: while this lives it ends no thread that is started from this
/// one, but makes fd() readable.
class InterruptSignal final {
 public:
  InterruptSignal() = default;
  InterruptSignal(const InterruptSignal&) = delete;
  InterruptSignal& operator=(const InterruptSignal&) = delete;
  ~InterruptSignal();

  Result<void> open();
  int fd() const { return fd_; }
  /// Forgets the signals that came.
  void clear() const;

 private:
  int fd_ = -1;
  sigset_t mask_before_{};
};

/// Until EXIT, QUIT or the end of the input. A connection that is lost is reported, and made again
/// for the next command. The session's options name the signal's descriptor as interrupt_fd.
Result<ExitCode> run_prompt(Session& session, int input_fd, Output& output,
                            const InterruptSignal& interrupt);

}  // namespace phoenix::cli
