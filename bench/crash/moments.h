// When things happen in a crash test: a function of the seed alone, so that a seed repeats them.
#pragma once

#include <cmath>
#include <cstdint>
#include <optional>

#include "phoenix/base/random.h"

namespace phoenix::bench::crash {

class Moments final {
 public:
  explicit Moments(std::uint64_t seed) : random_(seed) {}

  /// How long a round's load runs before the kill: from a millisecond to a second, each order of
  /// magnitude as likely as any other.
  double load_ms() { return between(1, 1000); }

  /// One start in five is killed itself on its way, after so long.
  std::optional<double> killed_start_ms() {
    const bool is_killed = random_.below(5) == 0;
    const double ms = between(0.2, 40);
    return is_killed ? std::optional(ms) : std::nullopt;
  }

 private:
  double between(double least, double most) {
    const double share = static_cast<double>(random_.next() >> 11U) * 0x1p-53;
    return least * std::pow(most / least, share);
  }

  SeededRandom random_;
};

}  // namespace phoenix::bench::crash
