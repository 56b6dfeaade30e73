// Ctrl-C as something to wait for, so that what is under way ends in good order: with what was
// measured so far, with a prompt that is still usable, with a terminal that is as it was.
#pragma once

#include <csignal>
#include <cstdint>

#include "cli/result.h"

namespace phoenix::cli {

/// SIGINT: while this lives it ends no thread that is started from this one, but makes fd()
/// readable.
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
  /// Sleeps for `ms`, less when the signal comes or has come: true then.
  bool wait_ms(std::uint32_t ms) const;

 private:
  int fd_ = -1;
  sigset_t mask_before_{};
};

}  // namespace phoenix::cli
