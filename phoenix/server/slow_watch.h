// Tells how long requests took, and finds those that took long, without timing each of them.
//
// A clock read costs about as much as a small request's look-up. So the clock is read once per
// batch, and then only
// - after a request that has done enough to have taken long: its words, bytes and steps are counted
//   anyway, about a nanosecond each (work.h). With a threshold of the slow log so low that small
//   requests reach it, each is timed. What it is charged with began at the last read: light
//   requests before it in the same batch are in it, less than a tenth of a millisecond;
// - after the first calls of each command, so that few are told exactly. Light requests share what
//   has passed since the last read;
// - around one request in some 64, which chance picks: what the figures of a busy server rest on.
//
// A light request that the kernel held up does not come into the slow log. Nor is it its doing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>

#include "phoenix/base/clock.h"
#include "phoenix/commands/command.h"
#include "phoenix/commands/latency.h"
#include "phoenix/commands/settings.h"
#include "phoenix/commands/slow_log.h"
#include "phoenix/server/command_figures.h"

namespace phoenix::server {

class SlowWatch final {
 public:
  /// All outlive this.
  SlowWatch(const Clock& clock, commands::SlowLog& log, commands::Latency& latency)
      : clock_(clock), log_(log), latency_(latency) {}

  const Clock& clock() const { return clock_; }

  /// The thresholds, and how much is kept.
  void apply(const commands::Settings& settings);

  /// Some requests are going to be executed, one after the other.
  void begin() {
    last_ns_ = clock_.monotonic_ns();
    end_sample();
  }
  /// How many of the next `count` come before one that is to be timed by itself. All of them: there
  /// is none among them.
  std::size_t before_sample(std::size_t count) {
    if (until_sample_ >= count) {
      until_sample_ -= count;
      return count;
    }
    return draw_sample();
  }
  /// The next one is it.
  void begin_sample() {
    begin();
    look_from_ = 0;
  }
  void end_sample() {
    look_from_ = std::min(heavy_work_, kHeavyWork);
    last_place_ = 0;
  }

  /// One has been executed, which did about `work`: whether it is timed. `is_first` of the first
  /// calls of a command.
  bool looks_at(std::uint64_t work, bool is_first) const { return work >= look_from_ || is_first; }
  /// Whether it did enough to have taken long.
  bool is_heavy(std::uint64_t work) const { return work >= std::min(heavy_work_, kHeavyWork); }
  /// How long it took, in nanoseconds. It was the one at `place` of those since begin().
  std::uint64_t lap(std::uint64_t work, std::size_t place);
  /// Whether that is worth being kept.
  bool is_slow(std::uint64_t work, std::uint64_t took_ns) const {
    return work >= heavy_work_ && took_ns >= std::min(slow_ns_, latency_ns_);
  }

  /// Keeps what is slow. Of a transaction the slow log has the commands, and not EXEC.
  void keep(const commands::Command& command, commands::Args words, std::uint64_t took_ns,
            std::int64_t now_ms, commands::SlowLog::Client client);

  /// A commit took so long.
  void keep_commit(std::uint64_t took_ns, std::int64_t now_ms);

 private:
  static constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

  // From here on the clock costs next to nothing beside the request.
  static constexpr std::uint64_t kHeavyWork = std::uint64_t{64} << 10U;

  std::size_t draw_sample();

  const Clock& clock_;
  commands::SlowLog& log_;
  commands::Latency& latency_;
  std::uint64_t slow_ns_ = kNever;     // From here on an entry of the slow log,
  std::uint64_t latency_ns_ = kNever;  // and a sample of the latency monitor.
  std::uint64_t heavy_work_ = kNever;  // What did so much may be one of them.
  std::uint64_t look_from_ = 0;
  std::uint64_t last_ns_ = 0;
  std::size_t last_place_ = 0;  // Behind those that the last look was at.
  std::size_t until_sample_ = CommandFigures::kFirst;
  std::uint32_t chance_ = 1;
};

}  // namespace phoenix::server
