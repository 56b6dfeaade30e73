// Lines from a descriptor, with a bound on their length, and able to say whether asking for the
// next one would wait.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "cli/result.h"
#include "protocol/limits.h"

namespace phoenix::cli {

/// The longest line: one largest request, written without escapes.
inline constexpr std::size_t kLineBytesMax = protocol::kArgvBytesMax;

class LineReader final {
 public:
  enum class Outcome : std::uint8_t { line, too_long, end };

  /// `fd` is the caller's.
  explicit LineReader(int fd, std::size_t line_bytes_max = kLineBytesMax)
      : fd_(fd), line_bytes_max_(line_bytes_max) {}
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;

  /// Waits for the next line, without its newline; the last one need not have any. `line` lives
  /// until the next call. A line that is too long is read to its end and dropped.
  Result<Outcome> next(std::string_view& line);

  /// next() would not wait: a whole line is here, or the end. Reads what has come, and so ends the
  /// life of the last line.
  Result<bool> is_ready();

 private:
  /// False at the end of the input.
  Result<bool> read_more();
  std::string_view unread() const { return std::string_view(buffer_).substr(begin_); }

  int fd_;
  std::size_t line_bytes_max_;
  std::string buffer_;
  std::size_t begin_ = 0;    // Of what was not handed out.
  std::size_t scanned_ = 0;  // Behind begin_: no newline there.
  bool is_dropping_ = false;
  bool has_ended_ = false;
};

}  // namespace phoenix::cli
