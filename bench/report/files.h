// The files that reports go to: opened before a run, so that a typing error does not cost its
// result, and written after it, so that a run that fails does not cost an earlier one.
#pragma once

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench/report/report.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// Where one form of the report goes.
struct ReportPath {
  std::string flag;  // "--json", "--html" or "--csv": the form, and the name in errors.
  std::string path;  // Empty: nowhere.
};

class ReportFiles final {
 public:
  /// Opens each file that has a path, creating what is not there; what they hold stays until
  /// write(). An error also when two flags name one file.
  static Result<ReportFiles> open(const std::vector<ReportPath>& paths);

  /// What belongs into the file of a flag.
  using TextFor = std::function<std::string(const std::string& flag)>;

  /// Writes them all, also after an error of one, and closes them. Once. The error is of the first
  /// file that did not take all of its report.
  Result<void> write(const TextFor& text_for);
  Result<void> write(const Report& report);

 private:
  struct Close {
    // What was written is closed and checked in write(); here nothing was.
    void operator()(std::FILE* file) const { static_cast<void>(std::fclose(file)); }
  };
  struct File {
    ReportPath where;
    std::unique_ptr<std::FILE, Close> file;
  };

  std::vector<File> files_;
};

}  // namespace phoenix::bench
