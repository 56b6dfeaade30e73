// Latencies of a run: how many fell where, in a few kilobytes and with a bounded error. Log-linear:
// every power of two is cut into kSubBuckets equal buckets, as HdrHistogram does it.
//
// Invariant: a value is reported as at least itself and at most 1/kSubBuckets (0.8 %) more; below
// kSubBuckets it is exact. Values above kValueMax count as kValueMax, and the true maximum is kept.
#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace phoenix::bench {

class Histogram final {
 public:
  static constexpr unsigned kSubBucketBits = 7;
  static constexpr std::uint64_t kSubBuckets = std::uint64_t{1} << kSubBucketBits;
  static constexpr unsigned kValueBits = 42;  // In nanoseconds: 73 minutes.
  static constexpr std::uint64_t kValueMax = (std::uint64_t{1} << kValueBits) - 1;

  Histogram() : buckets_(kBuckets) {}

  /// Counts `value` `times` times.
  void record(std::uint64_t value, std::uint64_t times = 1) {
    if (times == 0) return;
    max_ = std::max(max_, value);
    count_ += times;
    buckets_[bucket_of(std::min(value, kValueMax))] += times;
  }

  /// Adds what another histogram counted.
  void merge(const Histogram& other);

  void clear();

  std::uint64_t count() const { return count_; }

  /// The largest recorded value, exactly; 0 when there is none.
  std::uint64_t max() const { return max_; }

  /// The smallest recorded value, or up to 0.8 % less; 0 when there is none.
  std::uint64_t min() const;

  /// The mean of all recorded values, within 0.4 %; 0 when there is none.
  double mean() const;

  /// Calls `visit(highest, count)` for every bucket that holds something, by rising value: `count`
  /// values are at most `highest`, and above all of the bucket before.
  template <typename Visit>
  void each_bucket(Visit&& visit) const {
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      if (buckets_[i] != 0) visit(highest_of(i), buckets_[i]);
    }
  }

  /// The smallest value that at least `percent` (0 to 100) of the recorded ones do not exceed,
  /// within the error above. 0 when nothing was recorded.
  std::uint64_t percentile(double percent) const;

  /// The largest value that falls into the same bucket as `value`.
  static std::uint64_t highest_equivalent(std::uint64_t value) {
    const std::uint64_t clamped = std::min(value, kValueMax);
    return highest_of(bucket_of(clamped));
  }

 private:
  static constexpr std::size_t kBuckets = (kValueBits - kSubBucketBits + 1) * kSubBuckets;

  // Row 0 holds 0 .. kSubBuckets-1; row r holds the values of r + kSubBucketBits significant bits.
  static std::size_t bucket_of(std::uint64_t value) {
    const auto width = static_cast<unsigned>(std::bit_width(value | (kSubBuckets - 1)));
    const unsigned row = width - kSubBucketBits;
    const unsigned shift = row == 0 ? 0 : row - 1;
    return row * kSubBuckets + static_cast<std::size_t>((value >> shift) & (kSubBuckets - 1));
  }

  static std::uint64_t highest_of(std::size_t bucket) {
    const std::uint64_t row = bucket / kSubBuckets;
    const std::uint64_t sub = bucket % kSubBuckets;
    if (row == 0) return sub;
    return ((kSubBuckets + sub + 1) << (row - 1)) - 1;
  }

  static std::uint64_t lowest_of(std::size_t bucket) {
    return bucket == 0 ? 0 : highest_of(bucket - 1) + 1;
  }

  std::vector<std::uint64_t> buckets_;
  std::uint64_t count_ = 0;
  std::uint64_t max_ = 0;
};

}  // namespace phoenix::bench
