// Zipf's law: rank k of 1 .. n comes with a probability proportional to k^-s. Exact for every n and
// s > 0, in constant time and memory: rejection-inversion (W. Hörmann and G. Derflinger,
// "Rejection-inversion to generate variates from monotone discrete distributions", ACM TOMACS 6(3),
// 1996). The widely used approximation of Gray et al. needs a sum over all n first, and gives the
// ranks behind the first two somewhat wrong shares.
#pragma once

#include <cstdint>

#include "phoenix/base/random.h"

namespace phoenix::bench {

class Zipf final {
 public:
  /// n > 0, s > 0.
  Zipf(std::uint64_t n, double s);

  /// A rank from 1 to n.
  std::uint64_t draw(SeededRandom& random) const;

 private:
  // The antiderivative of x^-s that is 0 at 1, and its inverse.
  double integral(double x) const;
  double inverse(double y) const;
  double density(double x) const;

  double n_;
  double s_;
  double integral_low_;
  double integral_high_;
  double accept_below_;
};

}  // namespace phoenix::bench
