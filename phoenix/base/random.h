// Chance comes from main: the kernel's random source in production, a seed in the simulator.
#pragma once

#include <cstdint>

namespace phoenix {

class Random {
 public:
  Random() = default;
  Random(const Random&) = delete;
  Random& operator=(const Random&) = delete;
  virtual ~Random() = default;

  /// 64 uniform bits. Unpredictable in production: hash constants and segment ids come from here.
  virtual std::uint64_t next() = 0;
};

/// A small seeded generator (splitmix64, Steele, Lea and Flood 2014) for tests, simulation and
/// load generation. Not for secrets.
class SeededRandom final : public Random {
 public:
  explicit SeededRandom(std::uint64_t seed) : state_(seed) {}

  std::uint64_t next() override {
    std::uint64_t x = (state_ += 0x9E3779B97F4A7C15U);
    x = (x ^ (x >> 30U)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27U)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31U);
  }

  /// Uniform in [0, bound); bound must not be 0. The bias is below 2^-32 for bounds below 2^32.
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }

 private:
  std::uint64_t state_;
};

}  // namespace phoenix
