// A temporary directory that is gone, with all that is in it, when its owner is.
#pragma once

#include <string>
#include <utility>

#include "phoenix/base/result.h"

namespace phoenix::bench {

class ScratchDirectory final {
 public:
  /// Makes `parent`/phoenix-bench-XXXXXX, for this user alone. An empty parent is $TMPDIR or /tmp;
  /// mind that /tmp may be in memory, where a durable write costs nothing.
  static Result<ScratchDirectory> make(const std::string& parent);

  ScratchDirectory(ScratchDirectory&& other) noexcept : path_(std::move(other.path_)) {
    other.path_.clear();
  }
  ScratchDirectory& operator=(ScratchDirectory&&) = delete;
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;
  ~ScratchDirectory();

  /// Leaves it where it is, for somebody to look at; its path.
  std::string keep() { return std::exchange(path_, {}); }

  /// It is in a file system that has no disk (tmpfs).
  bool in_memory() const;

  /// Absolute.
  const std::string& path() const { return path_; }

 private:
  explicit ScratchDirectory(std::string path) : path_(std::move(path)) {}

  std::string path_;
};

}  // namespace phoenix::bench
