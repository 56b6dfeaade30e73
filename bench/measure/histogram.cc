#include "bench/measure/histogram.h"

#include <cmath>

namespace phoenix::bench {

void Histogram::merge(const Histogram& other) {
  for (std::size_t i = 0; i < buckets_.size(); ++i) buckets_[i] += other.buckets_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

void Histogram::clear() {
  std::fill(buckets_.begin(), buckets_.end(), 0);
  count_ = 0;
  max_ = 0;
}

std::uint64_t Histogram::min() const {
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    if (buckets_[i] != 0) return lowest_of(i);
  }
  return 0;
}

double Histogram::mean() const {
  if (count_ == 0) return 0;
  double sum = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    const double middle =
        (static_cast<double>(lowest_of(i)) + static_cast<double>(highest_of(i))) / 2;
    sum += middle * static_cast<double>(buckets_[i]);
  }
  return sum / static_cast<double>(count_);
}

std::uint64_t Histogram::percentile(double percent) const {
  if (count_ == 0) return 0;
  const double wanted = std::ceil(percent / 100.0 * static_cast<double>(count_));
  const auto rank = std::clamp<std::uint64_t>(static_cast<std::uint64_t>(wanted), 1, count_);
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < buckets_.size(); ++i) {
    seen += buckets_[i];
    // The last bucket is open above, and no bucket reports more than was ever seen.
    if (seen >= rank) return i + 1 == buckets_.size() ? max_ : std::min(highest_of(i), max_);
  }
  return max_;
}

}  // namespace phoenix::bench
