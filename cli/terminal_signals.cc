#include "cli/terminal_signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "phoenix/client/socket.h"

namespace phoenix::cli {

namespace {

sigset_t held_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : {SIGWINCH, SIGTSTP, SIGCONT, SIGTERM, SIGHUP, SIGQUIT}) {
    sigaddset(&set, signal);
  }
  return set;
}

}  // namespace

TerminalSignals::~TerminalSignals() {
  // It has no data to lose.
  if (fd_ >= 0) static_cast<void>(::close(fd_));
}

Result<void> TerminalSignals::open() {
  const sigset_t set = held_signals();
  fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ >= 0) return {};
  return fail(ExitCode::usage,
              "cannot take the terminal's signals: " + client::os_error_text(errno));
}

// The calls with masks cannot fail with these arguments.

void TerminalSignals::hold() {
  const sigset_t set = held_signals();
  static_cast<void>(::pthread_sigmask(SIG_BLOCK, &set, &mask_before_));
}

void TerminalSignals::release() const {
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr));
}

int TerminalSignals::next() const {
  signalfd_siginfo info{};
  return ::read(fd_, &info, sizeof info) == sizeof info ? static_cast<int>(info.ssi_signo) : 0;
}

void TerminalSignals::deliver(int signal) const {
  sigset_t one;
  sigemptyset(&one);
  sigaddset(&one, signal);
  static_cast<void>(::raise(signal));  // Held until the next line.
  static_cast<void>(::pthread_sigmask(SIG_UNBLOCK, &one, nullptr));
  static_cast<void>(::pthread_sigmask(SIG_BLOCK, &one, nullptr));
}

}  // namespace phoenix::cli
