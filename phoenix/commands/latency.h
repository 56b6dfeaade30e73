// Events of one core that took longer than latency-monitor-threshold, as samples per second under
// Redis's names. LATENCY joins those of all cores.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace phoenix::commands {

class Latency final {
 public:
  enum class Event : std::uint8_t {
    command,
    fast_command,  // One that should always be fast: constant or logarithmic time.
    commit,        // Written and durable.
    count,
  };
  static constexpr std::size_t kEvents = static_cast<std::size_t>(Event::count);
  static constexpr std::array<std::string_view, kEvents> kNames{"command", "fast-command",
                                                                "aof-fsync-always"};

  struct Sample {
    std::int64_t at_s = 0;  // Unix time.
    std::int64_t ms = 0;    // The longest within that second.
  };
  struct History {
    std::vector<Sample> samples;  // Oldest first.
    std::int64_t longest_ms = 0;  // Of all since it began.
  };

  void add(Event event, std::int64_t at_s, std::int64_t ms);
  /// Takes in what another core has.
  void add(std::size_t event, const History& other);
  const History& history(std::size_t event) const { return histories_[event]; }
  void clear(std::size_t event) { histories_[event] = {}; }

  std::int64_t threshold_ms = 0;  // 0: nothing is kept.

 private:
  static constexpr std::size_t kSamples = 160;  // Of an event; older ones go.

  std::array<History, kEvents> histories_;
};

}  // namespace phoenix::commands
