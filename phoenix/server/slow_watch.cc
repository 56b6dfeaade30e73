#include "phoenix/server/slow_watch.h"

#include <algorithm>
#include <utility>

namespace phoenix::server {
namespace {

// Work is an estimate: a request may take so many times longer than it says.
constexpr std::uint64_t kMargin = 16;
// A threshold below this is one that small requests reach.
constexpr std::uint64_t kTimedOneByOneNs = kNanosPerMs / 10;

std::uint64_t scaled(std::int64_t value, std::uint64_t unit_ns, std::uint64_t never) {
  const auto amount = static_cast<std::uint64_t>(value);
  return amount > never / unit_ns ? never : amount * unit_ns;
}

}  // namespace

void SlowWatch::apply(const commands::Settings& settings) {
  const std::int64_t slow_us = settings.get(commands::Setting::slow_log_us);
  const std::int64_t latency_ms = settings.get(commands::Setting::latency_ms);
  slow_ns_ = slow_us < 0 ? kNever : scaled(slow_us, kNanosPerMs / 1000, kNever);
  latency_ns_ = latency_ms == 0 ? kNever : scaled(latency_ms, kNanosPerMs, kNever);
  const std::uint64_t least_ns = std::min(slow_ns_, latency_ns_);
  heavy_work_ = least_ns == kNever ? kNever : least_ns < kTimedOneByOneNs ? 0 : least_ns / kMargin;
  log_.set_entries_max(settings.get(commands::Setting::slow_log_entries_max));
  latency_.threshold_ms = latency_ms;
}

std::uint64_t SlowWatch::read_lap() {
  const std::uint64_t now_ns = clock_.monotonic_ns();
  // With a threshold of 0 everything is kept, also what was faster than the clock can tell.
  const std::uint64_t took_ns = std::max<std::uint64_t>(now_ns - last_ns_, 1);
  last_ns_ = now_ns;
  return took_ns >= std::min(slow_ns_, latency_ns_) ? took_ns : 0;
}

void SlowWatch::keep(const commands::Command& command, commands::Args words, std::uint64_t took_ns,
                     std::int64_t now_ms, commands::SlowLog::Client client) {
  // What is said before AUTH may hold a password.
  const bool may_be_told = !has(command.flags, commands::Flags::before_auth);
  if (took_ns >= slow_ns_ && may_be_told) {
    log_.add(words, now_ms, static_cast<std::int64_t>(took_ns / 1000), std::move(client));
  }
  if (took_ns < latency_ns_) return;
  const bool is_fast = has(command.flags, commands::Flags::fast);
  latency_.add(is_fast ? commands::Latency::Event::fast_command : commands::Latency::Event::command,
               now_ms / 1000, static_cast<std::int64_t>(took_ns / kNanosPerMs));
}

void SlowWatch::keep_commit(std::uint64_t took_ns, std::int64_t now_ms) {
  if (took_ns < latency_ns_) return;
  latency_.add(commands::Latency::Event::commit, now_ms / 1000,
               static_cast<std::int64_t>(took_ns / kNanosPerMs));
}

}  // namespace phoenix::server
