// What this machine knows of a process: who listens on a port, how much CPU time it used, where it
// runs. All from Linux's own books, so it works for any server.
#pragma once

#include <time.h>

#include <cstdint>
#include <string_view>
#include <vector>

#include "phoenix/base/result.h"

namespace phoenix::bench {

/// Linux gives out no higher ones (PID_MAX_LIMIT), and the clock of one that needs more than 29
/// bits would be another process's.
inline constexpr int kPidMax = 1 << 22;

/// Inodes of the sockets that listen on `port` in the text of /proc/net/tcp or tcp6.
std::vector<std::uint64_t> listening_inodes(std::string_view table, std::uint16_t port);

/// The process that listens on a TCP port of this machine; 0 when none is found (it may belong to
/// another user, or listen in another namespace).
int find_listener(std::uint16_t port);

/// The CPU time of a process with all its threads, user and system, in nanoseconds.
class CpuMeter final {
 public:
  static Result<CpuMeter> of_process(int pid);
  static CpuMeter of_self();

  /// 0 once the process is gone.
  std::uint64_t read_ns() const;

 private:
  explicit CpuMeter(clockid_t clock) : clock_(clock) {}

  clockid_t clock_;
};

/// The CPUs that a process may run on; 0 when that is not known.
std::uint32_t allowed_cpus(int pid);

/// Lets the calling thread wake to the microsecond: the kernel gathers wake-ups over 50 us by
/// default. What it cannot have makes the waking coarser, and that shows in the results.
void wake_in_time();

/// Pins the calling thread to one CPU; -1 leaves it alone.
Result<void> pin_thread(int cpu);

/// Raises the limit of open files to at least `files`, as far as allowed.
Result<void> allow_open_files(std::uint64_t files);

}  // namespace phoenix::bench
