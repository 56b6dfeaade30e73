// Finds the requests that took long, without timing each of them.
//
// A clock read costs about as much as a small request's look-up. So the clock is read once per
// batch, and then only after a request that has done enough to have taken long: its words, bytes
// and steps are counted anyway, about a nanosecond each (work.h). With a threshold of 10 ms that is
// next to never, and a batch costs one read. With one so low that small requests reach it, each is
// timed. What a request is charged with began at the last read: light requests before it in the
// same batch are in it, less than a tenth of a millisecond.
//
// A light request that the kernel held up is not found. Nor is it the request's doing.
#pragma once

#include <cstdint>
#include <limits>

#include "phoenix/base/clock.h"
#include "phoenix/commands/command.h"
#include "phoenix/commands/latency.h"
#include "phoenix/commands/settings.h"
#include "phoenix/commands/slow_log.h"

namespace phoenix::server {

class SlowWatch final {
 public:
  /// All outlive this.
  SlowWatch(const Clock& clock, commands::SlowLog& log, commands::Latency& latency)
      : clock_(clock), log_(log), latency_(latency) {}

  /// The thresholds, and how much is kept.
  void apply(const commands::Settings& settings);

  /// Requests are going to be executed.
  void begin() {
    if (heavy_work_ != kNever) last_ns_ = clock_.monotonic_ns();
  }

  /// One has been, which did about `work`. Returns how many nanoseconds it took when that is worth
  /// being kept, else 0.
  std::uint64_t lap(std::uint64_t work) {
    if (work < heavy_work_) [[likely]]
      return 0;
    return read_lap();
  }

  /// Keeps what lap() told.
  void keep(const commands::Command& command, commands::Args words, std::uint64_t took_ns,
            std::int64_t now_ms, commands::SlowLog::Client client);

  /// A commit took so long.
  void keep_commit(std::uint64_t took_ns, std::int64_t now_ms);

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  std::uint64_t read_lap();

  const Clock& clock_;
  commands::SlowLog& log_;
  commands::Latency& latency_;
  std::uint64_t slow_ns_ = kNever;     // From here on an entry of the slow log,
  std::uint64_t latency_ns_ = kNever;  // and a sample of the latency monitor.
  std::uint64_t heavy_work_ = kNever;
  std::uint64_t last_ns_ = 0;
};

}  // namespace phoenix::server
