#include "bench/workload/zipf.h"

#include <algorithm>
#include <cmath>

#include "phoenix/base/check.h"

namespace phoenix::bench {
namespace {

constexpr double kSmall = 1e-8;  // Below it two terms of the series are exact to a double.

// expm1(x) / x and log1p(x) / x, also where x is next to nothing: at s = 1.
double expm1_over(double x) {
  return std::abs(x) > kSmall ? std::expm1(x) / x : 1 + x / 2;
}
double log1p_over(double x) {
  return std::abs(x) > kSmall ? std::log1p(x) / x : 1 - x / 2;
}

}  // namespace

Zipf::Zipf(std::uint64_t n, double s) : n_(static_cast<double>(n)), s_(s) {
  PHX_CHECK(n > 0 && s > 0);
  integral_low_ = integral(1.5) - 1;
  integral_high_ = integral(n_ + 0.5);
  accept_below_ = 2 - inverse(integral(2.5) - density(2));
}

double Zipf::integral(double x) const {
  const double log = std::log(x);
  return expm1_over((1 - s_) * log) * log;
}

double Zipf::inverse(double y) const {
  // Rounding may lead below -1, where there is no logarithm.
  const double t = std::max(y * (1 - s_), -1.0);
  return std::exp(log1p_over(t) * y);
}

double Zipf::density(double x) const {
  return std::exp(-s_ * std::log(x));
}

// The hat is the integral over [k - 1/2, k + 1/2], which is at least k^-s, since x^-s is convex.
// Whoever lies close enough below k is taken without the second look.
std::uint64_t Zipf::draw(SeededRandom& random) const {
  for (;;) {
    const double unit = static_cast<double>(random.next() >> 11U) * 0x1p-53;
    const double y = integral_high_ + unit * (integral_low_ - integral_high_);
    const double x = inverse(y);
    const double k = std::clamp(std::floor(x + 0.5), 1.0, n_);
    if (k - x <= accept_below_ || y >= integral(k + 0.5) - density(k)) {
      return static_cast<std::uint64_t>(k);
    }
  }
}

}  // namespace phoenix::bench
