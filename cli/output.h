// Standard output, gathered and written in large pieces. Every byte is written or reported: a full
// disk or a closed pipe must not look like success.
#pragma once

#include <cstddef>
#include <string>

#include "cli/result.h"

namespace phoenix::cli {

class Output final {
 public:
  /// `fd` is the caller's until finish().
  explicit Output(int fd) : fd_(fd) {}
  Output(const Output&) = delete;
  Output& operator=(const Output&) = delete;

  /// Where to append; flush() writes it.
  std::string& buffer() { return buffer_; }

  /// Writes all of it. After a failure nothing more is written.
  Result<void> flush();

  /// flush(), and closes the descriptor: some file systems tell of a failed write only then.
  Result<void> finish();

  /// Writes when enough has gathered for a piece of its own.
  Result<void> flush_when_large();

 private:
  Result<void> outcome() const;

  int fd_;
  int error_ = 0;  // errno of the first failure.
  std::string buffer_;
};

/// Writes to standard error, where failures have no one left to tell.
void print_note(const std::string& text);

}  // namespace phoenix::cli
