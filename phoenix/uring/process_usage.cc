// What Linux says of this process, and its sleep.
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>

#include <fmt/format.h>

#include "phoenix/uring/host.h"

namespace phoenix::uring {
namespace {

std::uint64_t microseconds(const timeval& time) {
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000U +
         static_cast<std::uint64_t>(time.tv_usec);
}

std::uint64_t page_bytes() {
  return static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

// The second number of /proc/self/statm, in pages; 0 where there is no /proc.
std::uint64_t resident_bytes() {
  const UniqueFd file(open("/proc/self/statm", O_RDONLY | O_CLOEXEC));
  std::array<char, 128> text{};
  const ssize_t size = file.get() < 0 ? 0 : read(file.get(), text.data(), text.size());
  const char* const end = text.data() + (size > 0 ? size : 0);
  std::uint64_t pages = 0;
  const auto whole = std::from_chars(text.data(), end, pages);
  if (whole.ec != std::errc() || whole.ptr == end) return 0;
  const auto resident = std::from_chars(whole.ptr + 1, end, pages);
  return resident.ec == std::errc() ? pages * page_bytes() : 0;
}

}  // namespace

io::ProcessUsage Host::usage() {
  io::ProcessUsage usage;
  usage.resident_bytes = resident_bytes();
  rusage times{};
  if (getrusage(RUSAGE_SELF, &times) == 0) {
    usage.user_us = microseconds(times.ru_utime);
    usage.system_us = microseconds(times.ru_stime);
  }
  const long pages = sysconf(_SC_PHYS_PAGES);
  if (pages > 0) usage.machine_bytes = static_cast<std::uint64_t>(pages) * page_bytes();
  utsname name{};
  if (uname(&name) == 0) {
    usage.system = fmt::format("{} {} {}", name.sysname, name.release, name.machine);
  }
  return usage;
}

void Host::sleep_ns(std::uint64_t ns) {
  constexpr std::uint64_t kNanosPerSecond = 1'000'000'000;
  timespec left{static_cast<time_t>(ns / kNanosPerSecond), static_cast<long>(ns % kNanosPerSecond)};
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

}  // namespace phoenix::uring
