// What the server tells of itself, and what can be asked of it as a whole. Implemented by the
// server; lives as long as the core.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "phoenix/commands/command.h"
#include "phoenix/commands/command_times.h"

namespace phoenix::commands {

/// Bytes of all cores together, and what the system says of the process.
struct MemoryFacts {
  std::uint64_t used = 0;     // All that is counted against the budget's limit.
  std::uint64_t peak = 0;     // The most of it so far.
  std::uint64_t buffers = 0;  // Of `used`: what is no data. Requests, replies, the log's.
  std::uint64_t keys = 0;
  std::uint64_t resident = 0;  // 0: not known.
};

class Facts {
 public:
  Facts() = default;
  Facts(const Facts&) = delete;
  Facts& operator=(const Facts&) = delete;
  virtual ~Facts() = default;

  /// Appends the INFO page: the sections that are named in any case; none: those that most want.
  virtual void info(Args sections, std::string& page) = 0;
  virtual MemoryFacts memory() = 0;
  /// How long the calls of a row took, on all cores.
  virtual CommandTimes times_of(const Command& row) = 0;
  /// Counters of this core begin again at zero.
  virtual void reset_statistics() = 0;

  /// Whether this server was started for DEBUG.
  virtual bool allows_debug() const = 0;
  /// Whether writes are kept on disk.
  virtual bool is_durable() const = 0;
  /// Stops this core for so long.
  virtual void sleep_ns(std::uint64_t ns) = 0;
  /// As a signal does: what was received is answered, and the process ends.
  virtual void stop_server() = 0;
};

}  // namespace phoenix::commands
