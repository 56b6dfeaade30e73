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

std::uint64_t SlowWatch::lap(std::uint64_t work, std::size_t place) {
  const std::uint64_t now_ns = clock_.monotonic_ns();
  const std::uint64_t passed_ns = now_ns - last_ns_;
  const std::size_t count = place + 1 - last_place_;
  last_ns_ = now_ns;
  last_place_ = place + 1;
  return is_heavy(work) ? passed_ns : passed_ns / count;
}

// Every 64th on average, but not in step with what clients do in turn.
std::size_t SlowWatch::draw_sample() {
  constexpr std::uint32_t kSpread = 64;
  const std::size_t before = until_sample_;
  chance_ = chance_ * 1'664'525U + 1'013'904'223U;
  until_sample_ = kSpread / 2 + (chance_ >> 16U) % kSpread;
  return before;
}

void SlowWatch::keep(const commands::Command& command, commands::Args words, std::uint64_t took_ns,
                     std::int64_t now_ms, commands::SlowLog::Client client) {
  // What is said before AUTH may hold a password.
  const bool may_be_told =
      !has(command.flags, commands::Flags::before_auth | commands::Flags::executes);
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
