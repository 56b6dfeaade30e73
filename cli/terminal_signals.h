// Signals that concern the terminal while a line is edited on it: a new size, Ctrl-Z and what
// follows it, and ends that must not leave it without echo. They come as something to wait for, so
// that they are handled between two characters and never within libedit.
#pragma once

#include <csignal>

#include "cli/result.h"

namespace phoenix::cli {

class TerminalSignals final {
 public:
  TerminalSignals() = default;
  TerminalSignals(const TerminalSignals&) = delete;
  TerminalSignals& operator=(const TerminalSignals&) = delete;
  ~TerminalSignals();

  Result<void> open();
  /// Readable when a signal has come since hold().
  int fd() const { return fd_; }

  /// From here to release() the signals are held; elsewhere they do what they always do.
  void hold();
  void release() const;

  /// The next signal that has come, or 0.
  int next() const;
  /// Lets `signal` do what it always does: returns when the process was stopped and goes on.
  void deliver(int signal) const;

 private:
  int fd_ = -1;
  sigset_t mask_before_{};
};

}  // namespace phoenix::cli
