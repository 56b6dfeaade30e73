#include "cli/interrupt.h"

#include <poll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "phoenix/client/deadline.h"
#include "phoenix/client/socket.h"

namespace phoenix::cli {

namespace {

sigset_t interrupt_set() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  return set;
}

}  // namespace

InterruptSignal::~InterruptSignal() {
  if (fd_ < 0) return;
  clear();
  // Neither can fail with these arguments, and the descriptor has no data to lose.
  static_cast<void>(::pthread_sigmask(SIG_SETMASK, &mask_before_, nullptr));
  static_cast<void>(::close(fd_));
}

Result<void> InterruptSignal::open() {
  const sigset_t set = interrupt_set();
  const int blocked = ::pthread_sigmask(SIG_BLOCK, &set, &mask_before_);
  if (blocked == 0) fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  if (fd_ >= 0) return {};
  const int error = blocked == 0 ? errno : blocked;
  return fail(ExitCode::usage, "cannot take Ctrl-C: " + client::os_error_text(error));
}

void InterruptSignal::clear() const {
  signalfd_siginfo info{};
  while (::read(fd_, &info, sizeof info) > 0) {
  }
}

bool InterruptSignal::wait_ms(std::uint32_t ms) const {
  if (ms == 0) ms = 1;  // 0 is forever to a deadline.
  const client::Deadline deadline = client::Deadline::after(ms);
  pollfd entry{fd_, POLLIN, 0};
  for (;;) {
    const int count = ::poll(&entry, 1, deadline.poll_timeout_ms());
    // Other signals (a window that changes its size) only wake it.
    if (count < 0 && errno == EINTR) continue;
    return count != 0;
  }
}

}  // namespace phoenix::cli
