#include "bench/load/timeline.h"

#include <algorithm>

#include "phoenix/base/check.h"

namespace phoenix::bench {

void Timeline::add(std::size_t second, double length_s, const Counts& counts,
                   const Histogram& latency_ns) {
  const std::lock_guard lock(mutex_);
  PHX_CHECK(second >= first_);
  if (parts_.size() <= second - first_) parts_.resize(second - first_ + 1);
  Part& part = parts_[second - first_];
  ++part.handed_in;
  part.length_s = std::max(part.length_s, length_s);
  part.counts.add(counts);
  part.latency_ns.merge(latency_ns);
  if (parts_.front().handed_in == threads_) changed_.notify_one();
}

void Timeline::thread_ended() {
  const std::lock_guard lock(mutex_);
  ++threads_ended_;
  changed_.notify_one();
}

bool Timeline::all_ended() {
  const std::lock_guard lock(mutex_);
  return threads_ended_ == threads_;
}

TimelineSecond Timeline::take_first() {
  const Part& part = parts_.front();
  TimelineSecond second;
  second.begin_s = static_cast<double>(first_);
  second.length_s = part.length_s;
  second.counts = part.counts;
  second.p50_ns = part.latency_ns.percentile(50);
  second.p99_ns = part.latency_ns.percentile(99);
  second.max_ns = part.latency_ns.max();
  parts_.pop_front();
  ++first_;
  return second;
}

std::vector<TimelineSecond> Timeline::take(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  const auto has_whole = [this] { return !parts_.empty() && parts_.front().handed_in == threads_; };
  changed_.wait_for(lock, patience, [&] { return has_whole() || threads_ended_ == threads_; });
  std::vector<TimelineSecond> seconds;
  while (has_whole()) seconds.push_back(take_first());
  return seconds;
}

std::vector<TimelineSecond> Timeline::take_rest() {
  const std::lock_guard lock(mutex_);
  std::vector<TimelineSecond> seconds;
  while (!parts_.empty()) seconds.push_back(take_first());
  return seconds;
}

}  // namespace phoenix::bench
