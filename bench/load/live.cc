#include "bench/load/live.h"

#include <unistd.h>

#include <cstdio>

#include <fmt/format.h>

namespace phoenix::bench {
namespace {

// Nobody can be told that telling failed.
void print(const std::string& text) {
  static_cast<void>(std::fputs(text.c_str(), stderr));
  static_cast<void>(std::fflush(stderr));
}

}  // namespace

LiveLine::LiveLine() : is_terminal_(isatty(STDERR_FILENO) != 0) {}

void LiveLine::show(const std::string& text) {
  print("\r" + label_ + text + "\033[K");
  is_shown_ = true;
}

void LiveLine::preloading(std::uint64_t keys_stored, std::uint64_t keys) {
  constexpr std::uint64_t kBarWidth = 40;
  const std::uint64_t percent = keys_stored * 100 / keys;
  if (is_terminal_) {
    const std::uint64_t filled = percent * kBarWidth / 100;
    return show(fmt::format("preload [{:#<{}}{:{}}] {:3} % of {} keys", "", filled, "",
                            kBarWidth - filled, percent, keys));
  }
  if (percent < shown_percent_ + 25) return;
  shown_percent_ = percent;
  print(fmt::format("{}preload: {:3} % of {} keys\n", label_, percent, keys));
}

void LiveLine::second(const TimelineSecond& second) {
  if (!is_terminal_ || second.length_s <= 0) return;
  const double rate = static_cast<double>(second.counts.replies) / second.length_s;
  std::string line = fmt::format(
      "{:5.0f} s  {:11.0f} ops/s  p50 {:.1f}  p99 {:.1f}  max {:.1f} us",
      second.begin_s + second.length_s, rate, static_cast<double>(second.p50_ns) / 1e3,
      static_cast<double>(second.p99_ns) / 1e3, static_cast<double>(second.max_ns) / 1e3);
  if (second.server_busy) line += fmt::format("  server {:.0f} % busy", *second.server_busy * 100);
  const std::uint64_t wrong = second.counts.errors + second.counts.mismatches;
  if (wrong != 0) line += fmt::format("  {} wrong", wrong);
  show(line);
}

void LiveLine::ended() {
  if (is_shown_) print("\r\033[K");
  is_shown_ = false;
}

}  // namespace phoenix::bench
