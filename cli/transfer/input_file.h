// What an import reads: a file, or a pipe that may have nothing to say for a while.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "cli/result.h"

namespace phoenix::cli::transfer {

class InputFile final {
 public:
  /// "-" is standard input. `interrupt_fd` ends a wait when it becomes readable.
  static Result<std::unique_ptr<InputFile>> open(const std::string& path, int interrupt_fd);

  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;
  ~InputFile();

  /// The next piece; empty at the end. It lives until the next call. Waits; a failure with
  /// ExitCode::interrupted tells of the interruption.
  Result<std::string_view> read();

  /// read() would not wait.
  bool is_ready() const;

  /// A regular file, whose size is known, and which can be read from anywhere.
  bool is_regular() const { return is_regular_; }
  std::uint64_t file_bytes() const { return file_bytes_; }

  Result<void> seek(std::uint64_t offset);

  /// Of its beginning and its end: whether a file of the same size is likely the same one.
  Result<std::uint64_t> fingerprint();

 private:
  InputFile(std::string path, int fd, int interrupt_fd);

  tl::unexpected<Failure> failed(int error) const;

  std::string path_;
  int fd_;
  int interrupt_fd_;
  bool is_regular_ = false;
  std::uint64_t file_bytes_ = 0;
  std::string piece_;
};

}  // namespace phoenix::cli::transfer
