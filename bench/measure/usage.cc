#include "bench/measure/usage.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <system_error>

#include <fmt/format.h>

namespace phoenix::bench {
namespace {

constexpr int kFlushField =
    15;  // Of 17, counted from 0 (the kernel's Documentation/block/stat.rst).

// A partition has no flushes of its own: they are counted for the whole disk.
std::string stat_path_of(dev_t device) {
  std::error_code error;
  const std::filesystem::path link =
      fmt::format("/sys/dev/block/{}:{}", major(device), minor(device));
  std::filesystem::path folder = std::filesystem::canonical(link, error);
  if (error) return {};
  if (std::filesystem::exists(folder / "partition", error)) folder = folder.parent_path();
  return folder / "stat";
}

std::string read_text(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

std::optional<std::uint64_t> resident_bytes(int pid) {
  std::ifstream file(fmt::format("/proc/{}/statm", pid));
  std::uint64_t pages = 0;
  std::uint64_t resident = 0;
  if (!(file >> pages >> resident)) return std::nullopt;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::optional<FlushMeter> FlushMeter::of_process(int pid) {
  FlushMeter meter;
  std::error_code error;
  std::filesystem::directory_iterator files(fmt::format("/proc/{}/fd", pid), error);
  for (; !error && files != std::filesystem::directory_iterator(); files.increment(error)) {
    struct stat status {};
    if (stat(files->path().c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const std::string path = stat_path_of(status.st_dev);
    auto& paths = meter.stat_paths_;
    if (!path.empty() && std::find(paths.begin(), paths.end(), path) == paths.end()) {
      paths.push_back(path);
    }
  }
  if (meter.stat_paths_.empty()) return std::nullopt;
  return meter;
}

std::uint64_t FlushMeter::read() const {
  std::uint64_t flushes = 0;
  for (const std::string& path : stat_paths_) flushes += flushes_in(read_text(path));
  return flushes;
}

std::uint64_t flushes_in(const std::string& stat) {
  std::istringstream fields(stat);
  std::uint64_t field = 0;
  for (int i = 0; i <= kFlushField; ++i) {
    if (!(fields >> field)) return 0;
  }
  return field;
}

}  // namespace phoenix::bench
