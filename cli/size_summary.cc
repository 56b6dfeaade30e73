#include "cli/size_summary.h"

#include <algorithm>
#include <bit>

namespace phoenix::cli {

namespace {

bool is_larger(const SizeSummary::Sized& a, const SizeSummary::Sized& b) {
  return a.bytes > b.bytes;
}

/// 0 for 0 and 1 byte, 1 for up to 4, 2 for up to 16, ...
std::size_t bucket_of(std::uint64_t bytes) {
  const auto bits = static_cast<std::size_t>(bytes == 0 ? 0 : std::bit_width(bytes - 1));
  return (bits + 1) / 2;
}

}  // namespace

void SizeSummary::add(std::string_view key, std::uint64_t bytes) {
  ++keys_;
  bytes_ += bytes;
  ++counts_[bucket_of(bytes)];
  if (largest_.size() == largest_max_) {
    if (largest_max_ == 0 || bytes <= largest_.front().bytes) return;
    std::pop_heap(largest_.begin(), largest_.end(), is_larger);
    largest_.pop_back();
  }
  largest_.push_back({std::string(key), bytes});
  std::push_heap(largest_.begin(), largest_.end(), is_larger);
}

std::vector<SizeSummary::Sized> SizeSummary::largest() const {
  std::vector<Sized> sorted = largest_;
  std::sort(sorted.begin(), sorted.end(), is_larger);
  return sorted;
}

std::vector<SizeSummary::Bucket> SizeSummary::buckets() const {
  std::vector<Bucket> found;
  for (std::size_t i = 0; i < counts_.size(); ++i) {
    if (found.empty() && counts_[i] == 0) continue;
    // The last bucket's bound is the largest number there is.
    found.push_back({i < 32 ? std::uint64_t{1} << (2 * i) : ~std::uint64_t{0}, counts_[i]});
  }
  while (!found.empty() && found.back().keys == 0) found.pop_back();
  return found;
}

}  // namespace phoenix::cli
