#include "bench/report/files.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "phoenix/base/check.h"

namespace phoenix::bench {
namespace {

std::string text_of(const std::string& flag, const Report& report) {
  if (flag == "--json") return json_report(report);
  if (flag == "--html") return html_report(report);
  PHX_CHECK(flag == "--csv");
  return csv_report(report);
}

tl::unexpected<Error> failed(const ReportPath& where, const char* what) {
  return fail(ErrorCode::io,
              fmt::format("{} {}: {}: {}", where.flag, where.path, what, std::strerror(errno)));
}

// Pipes and devices have nothing to be emptied of, and may be shared.
bool is_regular(std::FILE* file, struct stat& status) {
  return fstat(fileno(file), &status) == 0 && S_ISREG(status.st_mode);
}

bool is_same_regular_file(std::FILE* a, std::FILE* b) {
  struct stat first {};
  struct stat second {};
  return is_regular(a, first) && is_regular(b, second) && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

bool empty(std::FILE* file) {
  struct stat status {};
  return !is_regular(file, status) || ftruncate(fileno(file), 0) == 0;
}

}  // namespace

Result<ReportFiles> ReportFiles::open(const std::vector<ReportPath>& paths) {
  ReportFiles files;
  for (const ReportPath& each : paths) {
    if (each.path.empty()) continue;
    std::unique_ptr<std::FILE, Close> file(std::fopen(each.path.c_str(), "a"));
    if (file == nullptr) return failed(each, "cannot be opened");
    for (const File& other : files.files_) {
      if (!is_same_regular_file(other.file.get(), file.get())) continue;
      return fail(ErrorCode::invalid, fmt::format("{} {}: {} goes to the same file", each.flag,
                                                  each.path, other.where.flag));
    }
    files.files_.push_back({each, std::move(file)});
  }
  return files;
}

Result<void> ReportFiles::write(const Report& report) {
  return write([&report](const std::string& flag) { return text_of(flag, report); });
}

Result<void> ReportFiles::write(const TextFor& text_for) {
  Result<void> outcome;
  for (File& each : files_) {
    const std::string text = text_for(each.where.flag);
    std::FILE* file = each.file.release();
    const bool written =
        empty(file) && std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const bool closed = std::fclose(file) == 0;
    if ((!written || !closed) && outcome) outcome = failed(each.where, "could not be written");
  }
  files_.clear();
  return outcome;
}

}  // namespace phoenix::bench
