// The seconds of a run as they end: every thread hands in its part of each, and what is whole can
// be taken by whoever shows it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <vector>

#include "bench/load/result.h"
#include "bench/measure/histogram.h"
#include "bench/wire/counts.h"

namespace phoenix::bench {

class Timeline final {
 public:
  explicit Timeline(std::uint32_t threads) : threads_(threads) {}

  /// One thread's part of the second that begins `second` s into the window. Every thread hands in
  /// every second once, in order; the last one may be short.
  void add(std::size_t second, double length_s, const Counts& counts, const Histogram& latency_ns);

  /// One thread will hand in nothing more.
  void thread_ended();
  /// Whether none will.
  bool all_ended();

  /// The seconds that became whole since the last call, after at most `patience`; at once when all
  /// threads have ended.
  std::vector<TimelineSecond> take(std::chrono::milliseconds patience);

  /// What is left, whole or not: all threads have ended.
  std::vector<TimelineSecond> take_rest();

 private:
  struct Part {
    std::uint32_t handed_in = 0;
    double length_s = 0;
    Counts counts;
    Histogram latency_ns;
  };

  TimelineSecond take_first();

  const std::uint32_t threads_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint32_t threads_ended_ = 0;
  std::size_t first_ = 0;   // The second of parts_'s first.
  std::deque<Part> parts_;  // As many as the threads are apart: a few.
};

}  // namespace phoenix::bench
