// Durations by size, in bounded memory: as exact as 1/32 of the value, however many there are.
// Pure.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace phoenix::cli {

class LatencyHistogram final {
 public:
  void record(std::uint64_t ns) {
    ++buckets_[bucket_of(ns)];
    ++count_;
    sum_ns_ += ns;
    min_ns_ = std::min(min_ns_, ns);
    max_ns_ = std::max(max_ns_, ns);
  }

  std::uint64_t count() const { return count_; }
  std::uint64_t min_ns() const { return count_ == 0 ? 0 : min_ns_; }
  std::uint64_t max_ns() const { return max_ns_; }
  std::uint64_t mean_ns() const { return count_ == 0 ? 0 : sum_ns_ / count_; }

  /// The least value that `percent` of all do not exceed; rounded up to its bucket's end.
  std::uint64_t percentile_ns(double percent) const {
    const double wanted = static_cast<double>(count_) * percent / 100;
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < buckets_.size(); ++i) {
      seen += buckets_[i];
      if (seen > 0 && static_cast<double>(seen) >= wanted) return std::min(end_of(i), max_ns_);
    }
    return max_ns_;
  }

 private:
  /// Each power of two has so many buckets; below 2 * kParts each value has its own.
  static constexpr std::size_t kPartsBits = 5;
  static constexpr std::size_t kParts = std::size_t{1} << kPartsBits;

  static std::size_t shift_of(std::uint64_t ns) {
    const auto width = static_cast<std::size_t>(std::bit_width(ns));
    return width > kPartsBits + 1 ? width - kPartsBits - 1 : 0;
  }
  static std::size_t bucket_of(std::uint64_t ns) {
    const std::size_t shift = shift_of(ns);
    return shift * kParts + static_cast<std::size_t>(ns >> shift);
  }
  /// The largest value of a bucket.
  static std::uint64_t end_of(std::size_t bucket) {
    if (bucket < 2 * kParts) return bucket;
    const std::size_t shift = bucket / kParts - 1;
    return ((std::uint64_t{bucket - shift * kParts} + 1) << shift) - 1;
  }

  std::array<std::uint64_t, (64 - kPartsBits + 1) * kParts> buckets_{};
  std::uint64_t count_ = 0;
  std::uint64_t sum_ns_ = 0;
  std::uint64_t min_ns_ = ~std::uint64_t{0};
  std::uint64_t max_ns_ = 0;
};

}  // namespace phoenix::cli
