#include "bench/measure/process.h"

#include <dirent.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>

#include <fmt/format.h>

#include "phoenix/base/clock.h"

namespace phoenix::bench {
namespace {

constexpr std::string_view kListening = "0A";  // As the kernel's tables write the state.

std::string read_file(const std::string& path) {
  std::ifstream file(path);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

struct CloseDirectory {
  void operator()(DIR* directory) const { closedir(directory); }
};
using Directory = std::unique_ptr<DIR, CloseDirectory>;

bool holds_socket(const std::string& process, const std::vector<std::string>& links) {
  const std::string path = "/proc/" + process + "/fd";
  const Directory directory(opendir(path.c_str()));
  if (directory == nullptr) return false;  // Another user's, or just gone.
  while (const dirent* entry = readdir(directory.get())) {
    std::array<char, 64> target{};
    const ssize_t size =
        readlink((path + "/" + entry->d_name).c_str(), target.data(), target.size());
    if (size <= 0) continue;
    const std::string_view link(target.data(), static_cast<std::size_t>(size));
    if (std::find(links.begin(), links.end(), link) != links.end()) return true;
  }
  return false;
}

std::uint64_t clock_ns(clockid_t clock) {
  timespec time{};
  if (clock_gettime(clock, &time) != 0) return 0;
  return static_cast<std::uint64_t>(time.tv_sec) * kNanosPerSecond +
         static_cast<std::uint64_t>(time.tv_nsec);
}

}  // namespace

// sl local_address rem_address st tx:rx tr:when retrnsmt uid timeout inode ...
std::vector<std::uint64_t> listening_inodes(std::string_view table, std::uint16_t port) {
  const std::string suffix = fmt::format(":{:04X}", port);
  std::vector<std::uint64_t> inodes;
  std::istringstream lines{std::string(table)};
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream fields(line);
    std::string slot, local, remote, state, queues, timer, retransmits, uid, timeout;
    std::uint64_t inode = 0;
    if (!(fields >> slot >> local >> remote >> state >> queues >> timer >> retransmits >> uid >>
          timeout >> inode)) {
      continue;
    }
    if (state == kListening && local.ends_with(suffix)) inodes.push_back(inode);
  }
  return inodes;
}

int find_listener(std::uint16_t port) {
  std::vector<std::string> links;
  for (const char* table : {"/proc/net/tcp", "/proc/net/tcp6"}) {
    for (const std::uint64_t inode : listening_inodes(read_file(table), port)) {
      links.push_back(fmt::format("socket:[{}]", inode));
    }
  }
  if (links.empty()) return 0;
  const Directory processes(opendir("/proc"));
  if (processes == nullptr) return 0;
  while (const dirent* entry = readdir(processes.get())) {
    const std::string_view name = entry->d_name;
    int pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc{} || parsed.ptr != name.data() + name.size()) continue;
    if (holds_socket(entry->d_name, links)) return pid;
  }
  return 0;
}

Result<CpuMeter> CpuMeter::of_process(int pid) {
  clockid_t clock{};
  const bool possible = pid > 0 && pid <= kPidMax;
  if (const int error = possible ? clock_getcpuclockid(pid, &clock) : ESRCH; error != 0) {
    return fail(ErrorCode::invalid,
                fmt::format("process {}: no CPU time to be had: {}", pid, std::strerror(error)));
  }
  return CpuMeter(clock);
}

CpuMeter CpuMeter::of_self() {
  return CpuMeter(CLOCK_PROCESS_CPUTIME_ID);
}

std::uint64_t CpuMeter::read_ns() const {
  return clock_ns(clock_);
}

std::uint32_t allowed_cpus(int pid) {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(pid, sizeof set, &set) != 0) return 0;
  return static_cast<std::uint32_t>(CPU_COUNT(&set));
}

void wake_in_time() {
  static_cast<void>(prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0));
}

Result<void> pin_thread(int cpu) {
  if (cpu < 0) return {};
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(static_cast<std::size_t>(cpu), &set);
  if (sched_setaffinity(0, sizeof set, &set) == 0) return {};
  return fail(ErrorCode::invalid,
              fmt::format("cannot pin to CPU {}: {}", cpu, std::strerror(errno)));
}

Result<void> allow_open_files(std::uint64_t files) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= files) return {};
  limit.rlim_cur = files;
  limit.rlim_max = std::max<rlim_t>(limit.rlim_max, files);
  if (setrlimit(RLIMIT_NOFILE, &limit) == 0) return {};
  return fail(ErrorCode::not_permitted,
              fmt::format("{} open files are needed and not allowed (ulimit -n): use fewer "
                          "--connections",
                          files));
}

}  // namespace phoenix::bench
