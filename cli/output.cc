#include "cli/output.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

#include "phoenix/client/socket.h"

namespace phoenix::cli {

namespace {

constexpr std::size_t kLargeBytes = std::size_t{64} << 10U;
constexpr std::size_t kKeepBytes = std::size_t{1} << 20U;

/// Whoever shares the descriptor may have made it non-blocking.
void wait_writable(int fd) {
  pollfd entry{fd, POLLOUT, 0};
  static_cast<void>(::poll(&entry, 1, -1));
}

/// 0, or the errno of what failed.
int write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written >= 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      wait_writable(fd);
    } else if (errno != EINTR) {
      return errno;
    }
  }
  return 0;
}

}  // namespace

Result<void> Output::flush() {
  if (error_ == 0) error_ = write_all(fd_, buffer_);
  if (buffer_.capacity() > kKeepBytes) std::string().swap(buffer_);
  buffer_.clear();
  return outcome();
}

Result<void> Output::finish() {
  static_cast<void>(flush());  // Its error stays.
  if (error_ == 0 && ::close(fd_) != 0 && errno != EINTR) error_ = errno;
  return outcome();
}

Result<void> Output::outcome() const {
  if (error_ == 0) return {};
  if (error_ == EPIPE) {
    return fail(ExitCode::output, "cannot write the output: who read it has closed the pipe");
  }
  return fail(ExitCode::output, "cannot write the output: " + client::os_error_text(error_));
}

Result<void> Output::flush_when_large() {
  return buffer_.size() < kLargeBytes ? Result<void>{} : flush();
}

void print_note(const std::string& text) {
  static_cast<void>(write_all(STDERR_FILENO, text));
}

}  // namespace phoenix::cli
