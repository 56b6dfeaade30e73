#include "cli/line_reader.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "phoenix/client/socket.h"

namespace phoenix::cli {

namespace {

constexpr std::size_t kReadBytes = std::size_t{64} << 10U;
constexpr std::size_t kKeepBytes = std::size_t{1} << 20U;

}  // namespace

Result<LineReader::Outcome> LineReader::next(std::string_view& line) {
  for (;;) {
    const std::size_t newline = buffer_.find('\n', begin_ + scanned_);
    if (newline != std::string::npos) {
      line = std::string_view(buffer_).substr(begin_, newline - begin_);
      begin_ = newline + 1;
      scanned_ = 0;
      const bool was_dropping = std::exchange(is_dropping_, false);
      return was_dropping || line.size() > line_bytes_max_ ? Outcome::too_long : Outcome::line;
    }
    scanned_ = unread().size();
    if (scanned_ > line_bytes_max_ || is_dropping_) {
      is_dropping_ = true;
      begin_ = buffer_.size();
      scanned_ = 0;
    }
    const Result<bool> more = read_more();
    if (!more) return tl::unexpected<Failure>(more.error());
    if (*more) continue;
    line = unread();
    begin_ = buffer_.size();
    scanned_ = 0;
    if (std::exchange(is_dropping_, false)) return Outcome::too_long;
    return line.empty() ? Outcome::end : Outcome::line;
  }
}

Result<bool> LineReader::is_ready() {
  for (;;) {
    const std::size_t newline = buffer_.find('\n', begin_ + scanned_);
    if (newline != std::string::npos || has_ended_) return true;
    scanned_ = unread().size();
    if (scanned_ > line_bytes_max_) return true;
    pollfd entry{fd_, POLLIN, 0};
    if (::poll(&entry, 1, 0) == 0) return false;
    // What poll() cannot tell, the read will.
    Result<bool> more = read_more();
    if (!more) return more;
  }
}

Result<bool> LineReader::read_more() {
  if (has_ended_) return false;
  buffer_.erase(0, std::exchange(begin_, 0));
  if (buffer_.empty() && buffer_.capacity() > kKeepBytes) std::string().swap(buffer_);
  const std::size_t kept = buffer_.size();
  buffer_.resize(kept + kReadBytes);
  for (;;) {
    const ssize_t count = ::read(fd_, buffer_.data() + kept, kReadBytes);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0 && errno == EAGAIN) {
      pollfd entry{fd_, POLLIN, 0};
      static_cast<void>(::poll(&entry, 1, -1));
      continue;
    }
    const int error = errno;
    buffer_.resize(kept + static_cast<std::size_t>(count > 0 ? count : 0));
    if (count < 0) {
      return fail(ExitCode::usage, "cannot read the commands: " + client::os_error_text(error));
    }
    has_ended_ = count == 0;
    return !has_ended_;
  }
}

}  // namespace phoenix::cli
