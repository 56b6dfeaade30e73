// When requests are due at a given rate. The times do not depend on what the server does: a request
// that could not leave in time keeps the time at which it should have, so that waiting counts.
#pragma once

#include <cmath>
#include <cstdint>

#include "bench/load/run_options.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/random.h"

namespace phoenix::bench {

class Schedule final {
 public:
  /// The first request is due at `begin_ns`.
  Schedule(double rate_per_s, Arrivals arrivals, std::uint64_t begin_ns, std::uint64_t seed)
      : mean_gap_ns_(static_cast<double>(kNanosPerSecond) / rate_per_s),
        arrivals_(arrivals),
        begin_ns_(begin_ns),
        random_(seed ^ kSeedSalt) {}

  /// Of the next request.
  std::uint64_t due_ns() const { return begin_ns_ + static_cast<std::uint64_t>(offset_ns_); }

  void advance() {
    if (arrivals_ == Arrivals::constant) {
      // From the beginning each time: rounding does not add up.
      offset_ns_ = static_cast<double>(++count_) * mean_gap_ns_;
    } else {
      const double unit = static_cast<double>((random_.next() >> 11U) + 1) * 0x1p-53;
      offset_ns_ -= std::log(unit) * mean_gap_ns_;
    }
  }

  double mean_gap_ns() const { return mean_gap_ns_; }

 private:
  static constexpr std::uint64_t kSeedSalt = 0x5C4ED01EU;  // Requests are drawn from the same seed.

  double mean_gap_ns_;
  Arrivals arrivals_;
  std::uint64_t begin_ns_;
  double offset_ns_ = 0;
  std::uint64_t count_ = 0;
  SeededRandom random_;
};

}  // namespace phoenix::bench
