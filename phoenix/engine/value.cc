// How a large value grows: by half while it is small, by a fixed step once it is big, so that what
// is held beyond the bytes that arrived is at most half of them and never more than the step.
#include "phoenix/engine/value.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/engine/memory_region.h"

namespace phoenix::engine {
namespace {

constexpr std::size_t kFirstBytes = std::size_t{4} << 10U;
constexpr std::size_t kGrowthBytesMax = std::size_t{16} << 20U;

}  // namespace

void LargeMeter::free_later(char* block, std::size_t size_bytes) {
  bytes_to_free_.fetch_add(size_bytes, std::memory_order_relaxed);
  auto* const freed = new (block) Freed{given_.load(std::memory_order_relaxed), size_bytes};
  while (!given_.compare_exchange_weak(freed->next, freed, std::memory_order_release,
                                       std::memory_order_relaxed)) {
  }
}

// From the end of a block: what is at its front is needed to the last.
std::uint64_t LargeMeter::free_some(std::uint64_t bytes_max) {
  std::uint64_t freed_bytes = 0;
  while (freed_bytes < bytes_max) {
    if (taken_ == nullptr) taken_ = given_.exchange(nullptr, std::memory_order_acquire);
    if (taken_ == nullptr) break;
    Freed& freed = *taken_;
    const std::size_t pages = align_up(freed.size_bytes, kPageBytes);
    const std::size_t kept = pages - std::min(pages, align_up(bytes_max - freed_bytes, kPageBytes));
    freed_bytes += freed.size_bytes - kept;
    freed.size_bytes = kept;
    if (kept == 0) taken_ = freed.next;
    unmap_block(reinterpret_cast<char*>(&freed) + kept, pages - kept);
  }
  bytes_to_free_.fetch_sub(freed_bytes, std::memory_order_relaxed);
  subtract(freed_bytes);
  return freed_bytes;
}

LargeMeter::~LargeMeter() {
  free_some(bytes_to_free());
}

LargeValue::LargeValue(LargeValueRef whole, std::size_t offset, std::size_t size_bytes)
    : size_bytes_(size_bytes), whole_(std::move(whole)) {
  const std::string_view bytes = whole_->view();
  PHX_CHECK(offset <= bytes.size());
  PHX_CHECK(size_bytes <= bytes.size() - offset);
  data_ = const_cast<char*>(bytes.data() + offset);  // Never written: it has no room.
}

LargeValue::~LargeValue() {
  if (capacity_bytes_ >= kFreedLaterBytesMin && meter_) {
    meter_->subtract(kOverheadBytes);
    meter_->free_later(data_, capacity_bytes_);
    return;
  }
  count_by(nullptr);
  if (whole_) return;
  is_mapped() ? unmap_block(data_, capacity_bytes_) : std::free(data_);
}

char* LargeValue::moved_to(std::size_t capacity_bytes) {
  if (capacity_bytes < kMappedBytesMin) {
    return static_cast<char*>(std::realloc(data_, capacity_bytes));
  }
  if (is_mapped()) return grow_block(data_, capacity_bytes_, capacity_bytes);
  char* const block = map_block(capacity_bytes);
  if (block == nullptr || data_ == nullptr) return block;
  std::memcpy(block, data_, size_bytes_);
  std::free(data_);
  return block;
}

bool LargeValue::reserve(std::size_t size_bytes) {
  PHX_CHECK(whole_ == nullptr);
  if (size_bytes <= capacity_bytes_) return true;
  char* const grown = moved_to(size_bytes);
  if (grown == nullptr) return false;
  data_ = grown;
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
  if (offset > size_bytes_ && !is_mapped()) {
    std::memset(data_ + size_bytes_, 0, offset - size_bytes_);
  }
  std::memcpy(data_ + offset, bytes.data(), bytes.size());
  size_bytes_ = std::max(size_bytes_, end);
  return true;
}

}  // namespace phoenix::engine
