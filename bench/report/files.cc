#include "bench/report/files.h"

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

}  // namespace

Result<ReportFiles> ReportFiles::open(const std::vector<ReportPath>& paths) {
  ReportFiles files;
  for (const ReportPath& each : paths) {
    if (each.path.empty()) continue;
    std::unique_ptr<std::FILE, Close> file(std::fopen(each.path.c_str(), "w"));
    if (file == nullptr) return failed(each, "cannot be opened");
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
    const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
    const bool closed = std::fclose(file) == 0;
    if ((!written || !closed) && outcome) outcome = failed(each.where, "could not be written");
  }
  files_.clear();
  return outcome;
}

}  // namespace phoenix::bench
