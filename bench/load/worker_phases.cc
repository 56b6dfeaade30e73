// What a worker sends, and when.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "bench/load/worker.h"

namespace phoenix::bench {
namespace {

constexpr std::size_t kPreloadPipeline = 128;
constexpr std::size_t kPreloadBatchBytes = std::size_t{256} << 10U;
// What was never sent is counted in at most so many strides.
constexpr std::uint64_t kUnsentStrides = 100'000;
// So long a worker that nothing happens to may overlook that it should stop.
constexpr std::uint64_t kLookUpNs = kNanosPerSecond / 10;
// So long a run that was stopped waits for a reply.
constexpr std::uint64_t kStopPatienceNs = kNanosPerSecond;

}  // namespace

std::size_t Worker::preload_pipeline() const {
  const std::size_t one = plan_.shape.keyed_bytes_max(1);
  return std::clamp<std::size_t>(kPreloadBatchBytes / one, 1, kPreloadPipeline);
}

bool Worker::measures(std::uint64_t due_ns) const {
  if (!schedule_) return counting_;
  return due_ns >= window_.begin_ns && due_ns < window_.end_ns;
}

void Worker::fill(Connection& connection) {
  if (phase_ == Phase::load) {
    for (std::uint32_t i = 0; i < plan_.options.pipeline; ++i) {
      push(connection, requests_.next(), now_ns_);
    }
  } else if (phase_ == Phase::preload) {
    const std::uint64_t count = std::min<std::uint64_t>(end_key_ - next_key_, preload_pipeline());
    for (std::uint64_t i = 0; i < count; ++i) {
      push(connection, {Verb::set, 1, next_key_++}, now_ns_);
    }
  }
}

/// The connection has nothing on its way.
void Worker::next_batch(std::uint64_t id) {
  if (phase_ == Phase::load && schedule_) return;
  Connection& connection = *connections_[id];
  fill(connection);
  if (connection.in_flight.empty()) {
    ++answered_connections_;
  } else {
    flush(id);
  }
}

void Worker::start_all(Phase phase) {
  phase_ = phase;
  answered_connections_ = 0;
  now_ns_ = clock_.monotonic_ns();
  progress_ns_ = now_ns_;
  for (std::uint64_t id = 0; id < connections_.size(); ++id) {
    if (connections_[id]->in_flight.empty() && !connections_[id]->sending) next_batch(id);
  }
}

Worker::Connection* Worker::connection_with_room() {
  if (full_connections_ == connections_.size()) return nullptr;
  for (;;) {
    if (++next_connection_ >= connections_.size()) next_connection_ = 0;
    Connection& connection = *connections_[next_connection_];
    if (connection.in_flight.size() < plan_.options.pipeline) return &connection;
  }
}

void Worker::note_delay(std::uint64_t due_ns) {
  if (was_full_) had_room_since_ns_ = now_ns_;
  was_full_ = false;
  if (due_ns >= had_room_since_ns_ && measures(due_ns)) {
    result_.client_delay_ns.record(now_ns_ - due_ns);
  }
}

/// Open loop: everything that is due by now and before `end_ns`, as far as the pipelines take it.
void Worker::send_due(std::uint64_t end_ns) {
  while (schedule_->due_ns() <= now_ns_ && schedule_->due_ns() < end_ns) {
    Connection* const connection = connection_with_room();
    if (connection == nullptr) {
      was_full_ = true;
      break;
    }
    const std::uint64_t due_ns = schedule_->due_ns();
    note_delay(due_ns);
    push(*connection, requests_.next(), due_ns);
    if (connection->in_flight.size() >= plan_.options.pipeline) ++full_connections_;
    if (!connection->has_unsent) unsent_.push_back(next_connection_);
    connection->has_unsent = true;
    schedule_->advance();
  }
  for (const std::uint64_t id : unsent_) {
    connections_[id]->has_unsent = false;
    flush(id);
  }
  unsent_.clear();
}

Result<void> Worker::preload() {
  start_all(Phase::preload);
  while (!is_idle()) {
    if (auto good = turn(now_ns_ + kNanosPerSecond); !good) return good;
    if (!result_.complaints.texts().empty()) {
      return fail(ErrorCode::io, "the preload failed: " + result_.complaints.texts().front());
    }
    if (now_ns_ - progress_ns_ > kPatienceNs) {
      return fail(ErrorCode::io, "the preload stands still: no reply for 30 s");
    }
    if (shared_.stop) return fail(ErrorCode::io, "stopped during the preload: nothing is measured");
  }
  result_.all.add(counts_);
  counts_ = {};
  return {};
}

Result<void> Worker::load_until_end(const Window& window) {
  while (now_ns_ < window.end_ns && !shared_.stop.load(std::memory_order_relaxed)) {
    std::uint64_t deadline_ns = std::min(window.end_ns, now_ns_ + kLookUpNs);
    if (counting_) {
      const std::uint64_t second_ends_ns = window_.begin_ns + (second_ + 1) * kNanosPerSecond;
      if (now_ns_ >= second_ends_ns) end_second(1, counts_);
      deadline_ns = std::min(deadline_ns, std::max(second_ends_ns, now_ns_));
    }
    // A worker without room waits for replies only.
    if (schedule_ && !was_full_) {
      deadline_ns = plan_.options.polls ? now_ns_ : std::min(deadline_ns, schedule_->due_ns());
    }
    if (auto good = turn(deadline_ns); !good) return good;
    // Also what fell due while it looked elsewhere, up to the very end.
    if (schedule_) send_due(window.end_ns);
  }
  return {};
}

void Worker::end_second(double length_s, const Counts& counts) {
  Counts of_second = counts;
  of_second.subtract(second_began_with_);
  shared_.timeline.add(second_++, length_s, of_second, second_latency_ns_);
  second_began_with_ = counts;
  second_latency_ns_.clear();
}

Result<void> Worker::measure(const Window& window, const std::function<void()>& on_edge) {
  window_ = window;
  if (plan_.options.is_open_loop()) {
    // The threads take turns: together they keep the gaps that were asked for.
    const double lead_ns = index_ * static_cast<double>(kNanosPerSecond) / plan_.options.rate_per_s;
    schedule_.emplace(plan_.options.rate_per_s / plan_.options.threads, plan_.options.arrivals,
                      clock_.monotonic_ns() + static_cast<std::uint64_t>(lead_ns),
                      plan_.options.seed + index_);
  }
  start_all(Phase::load);
  if (auto good = load_until_end({0, window.begin_ns}); !good) return good;
  if (now_ns_ < window.begin_ns) {
    return fail(ErrorCode::io, "stopped during the warm-up: nothing is measured");
  }
  const std::uint64_t begun_ns = now_ns_;
  result_.all.add(counts_);
  counts_ = {};
  counting_ = true;
  on_edge();
  auto loaded = load_until_end(window);
  on_edge();
  counting_ = false;
  window_.end_ns = std::min(window_.end_ns, now_ns_);
  result_.window_ns = now_ns_ - begun_ns;
  result_.window = counts_;
  // What was measured before a failure is still told.
  if (!loaded) result_.all.add(counts_);
  if (schedule_) count_unsent(window_.end_ns);
  // Replies that are still to come may have been due in the window: their latencies belong to it.
  auto drained = loaded ? drain() : loaded;
  const double seconds = static_cast<double>(result_.window_ns) / 1e9;
  end_second(std::max(0.0, seconds - static_cast<double>(second_)), result_.window);
  return drained;
}

// How many there are follows from the rate. Their waits at the end are spread evenly.
void Worker::count_unsent(std::uint64_t end_ns) {
  const double gap_ns = schedule_->mean_gap_ns();
  auto first_ns = static_cast<double>(schedule_->due_ns());
  const auto begin_ns = static_cast<double>(window_.begin_ns);
  if (first_ns < begin_ns) first_ns += std::ceil((begin_ns - first_ns) / gap_ns) * gap_ns;
  const double waited_ns = static_cast<double>(end_ns) - first_ns;
  if (waited_ns <= 0) return;
  const auto count = static_cast<std::uint64_t>(std::ceil(waited_ns / gap_ns));
  const std::uint64_t strides = std::min(count, kUnsentStrides);
  for (std::uint64_t i = 0; i < strides; ++i) {
    const auto [first, end] =
        share_of(count, static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(strides));
    const double share = 1 - static_cast<double>(i) / static_cast<double>(strides);
    result_.unsent_ns.record(static_cast<std::uint64_t>(waited_ns * share), end - first);
  }
  result_.unsent = count;
}

// Whoever stops a run wants what there is, also when the server has fallen silent. In open loop the
// waits for it count, as far as they went.
void Worker::count_unanswered() {
  for (const auto& connection : connections_) {
    InFlight& in_flight = connection->in_flight;
    result_.unanswered += in_flight.size();
    for (; !in_flight.empty(); in_flight.pop()) {
      const std::uint64_t due_ns = in_flight.front().due_ns;
      if (measures(due_ns)) result_.unsent_ns.record(now_ns_ - due_ns);
    }
  }
}

Result<void> Worker::drain() {
  start_all(Phase::drain);
  while (!is_idle()) {
    if (auto good = turn(now_ns_ + kLookUpNs); !good) return good;
    const std::uint64_t waited_ns = now_ns_ - progress_ns_;
    if (shared_.stop.load(std::memory_order_relaxed) && waited_ns > kStopPatienceNs) {
      count_unanswered();
      break;
    }
    if (waited_ns > kPatienceNs) {
      return fail(ErrorCode::io, fmt::format("{} connections got no more replies for 30 s",
                                             connections_.size() - answered_connections_));
    }
  }
  result_.all.add(counts_);
  return {};
}

}  // namespace phoenix::bench
