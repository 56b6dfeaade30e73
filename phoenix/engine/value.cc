// How a large value grows: by half while it is small, by a fixed step once it is big, so that what
// is held beyond the bytes that arrived is at most half of them and never more than the step.
#include "phoenix/engine/value.h"

#include <algorithm>
#include <cstring>

namespace phoenix::engine {
namespace {

constexpr std::size_t kFirstBytes = std::size_t{4} << 10U;
constexpr std::size_t kGrowthBytesMax = std::size_t{16} << 20U;

}  // namespace

bool LargeValue::reserve(std::size_t size_bytes) {
  if (size_bytes <= capacity_bytes_) return true;
  void* const grown = std::realloc(data_, size_bytes);
  if (grown == nullptr) return false;
  data_ = static_cast<char*>(grown);
  if (meter_) meter_->add(size_bytes - capacity_bytes_);
  capacity_bytes_ = size_bytes;
  return true;
}

void LargeValue::count_by(const LargeMeterRef& meter) const {
  if (meter == meter_) return;
  if (meter) meter->add(memory_bytes());
  if (meter_) meter_->subtract(memory_bytes());
  meter_ = meter;
}

bool LargeValue::grow(std::size_t needed_bytes) {
  if (needed_bytes <= capacity_bytes_) return true;
  const std::size_t growth = std::min(capacity_bytes_ / 2, kGrowthBytesMax);
  return reserve(std::max({needed_bytes, capacity_bytes_ + growth, kFirstBytes}));
}

bool LargeValue::append(std::string_view bytes) {
  if (bytes.empty()) return true;
  const std::size_t needed = size_bytes_ + bytes.size();
  if (needed < size_bytes_ || !grow(needed)) return false;
  std::memcpy(data_ + size_bytes_, bytes.data(), bytes.size());
  size_bytes_ = needed;
  return true;
}

bool LargeValue::write(std::size_t offset, std::string_view bytes) {
  if (bytes.empty()) return true;
  const std::size_t end = offset + bytes.size();
  if (end < offset || !grow(end)) return false;
  if (offset > size_bytes_) std::memset(data_ + size_bytes_, 0, offset - size_bytes_);
  std::memcpy(data_ + offset, bytes.data(), bytes.size());
  size_bytes_ = std::max(size_bytes_, end);
  return true;
}

}  // namespace phoenix::engine
