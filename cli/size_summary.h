// Sizes of many values: the largest ones by name, totals, and how many there are of which size. In
// bounded memory. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace phoenix::cli {

class SizeSummary final {
 public:
  struct Sized {
    std::string key;
    std::uint64_t bytes = 0;
  };
  struct Bucket {
    std::uint64_t bytes_max = 0;  // Above those of the bucket before.
    std::uint64_t keys = 0;
  };

  explicit SizeSummary(std::size_t largest_max) : largest_max_(largest_max) {}

  void add(std::string_view key, std::uint64_t bytes);

  std::uint64_t keys() const { return keys_; }
  std::uint64_t bytes() const { return bytes_; }
  /// Largest first.
  std::vector<Sized> largest() const;
  /// By powers of four, from the first to the last that has keys.
  std::vector<Bucket> buckets() const;

 private:
  std::size_t largest_max_;
  std::uint64_t keys_ = 0;
  std::uint64_t bytes_ = 0;
  std::vector<Sized> largest_;  // A heap with its smallest in front.
  std::array<std::uint64_t, 33> counts_{};
};

}  // namespace phoenix::cli
