// What a process uses besides CPU time: memory, and flushes of the devices that hold its files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace phoenix::bench {

/// Resident bytes of a process now; none when it is gone or another user's.
std::optional<std::uint64_t> resident_bytes(int pid);

/// Counts flushes of the block devices behind the regular files that a process has open.
class FlushMeter final {
 public:
  /// None when no such device is found: no files, files in memory, or a process of another user.
  static std::optional<FlushMeter> of_process(int pid);

  /// So far, of all of them together, whoever asked for them.
  std::uint64_t read() const;

 private:
  std::vector<std::string> stat_paths_;
};

/// The flushes in the text of a block device's "stat" file; 0 when it tells none.
std::uint64_t flushes_in(const std::string& stat);

}  // namespace phoenix::bench
