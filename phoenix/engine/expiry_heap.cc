#include "phoenix/engine/expiry_heap.h"

#include <algorithm>
#include <bit>

#include "phoenix/base/check.h"
#include "phoenix/engine/index.h"
#include "phoenix/engine/prefetch.h"

namespace phoenix::engine {
namespace {

// A packed node: 8 + 40 bits of hash | 13 bits: how far into its bucket | 3 bits of arm number.
constexpr unsigned kArmBits = 3;
constexpr unsigned kFractionBits = 13;
constexpr unsigned kRefShift = kArmBits + kFractionBits;
constexpr std::uint64_t kRefLowBits = (std::uint64_t{1} << 40U) - 1;

std::uint64_t pack_ref(std::uint64_t hash) {
  return ((hash >> 56U) << 40U | (hash & kRefLowBits)) << kRefShift;
}
std::uint64_t unpack_ref(std::uint64_t packed) {
  const std::uint64_t bits = packed >> kRefShift;
  return (bits >> 40U) << 56U | (bits & kRefLowBits);
}
static_assert(kIndexHashBits == (std::uint64_t{0xFF} << 56U | kRefLowBits));

// Fractions of a bucket that is wider than 2^13 ms are rounded down.
unsigned fraction_shift(unsigned level) {
  return level > kFractionBits ? level - kFractionBits : 0;
}

constexpr unsigned kCountShift = kAddressBits;

}  // namespace

unsigned ExpiryHeap::level_for(ExpiryMs at_ms) const {
  const auto distance_ms =
      static_cast<std::uint64_t>(at_ms > now_ms_ ? at_ms - now_ms_ : now_ms_ - at_ms);
  // A width of 1/64 of the distance or less keeps the start of the bucket after now_ms_.
  const auto bits = static_cast<unsigned>(std::bit_width(distance_ms));
  return bits <= 7 ? 0 : std::min(bits - 7, kLevels - 1);
}

std::uint32_t& ExpiryHeap::ring_place(unsigned level, std::uint64_t number) {
  std::unique_ptr<Ring>& ring = rings_[level];
  if (ring == nullptr) {
    ring = std::make_unique<Ring>();
    ++rings_made_;
    ring->fill(kNone);
  }
  return (*ring)[number % kRing];
}

std::uint32_t ExpiryHeap::bucket_for(unsigned level, std::uint64_t number) {
  std::uint32_t index = ring_place(level, number);
  while (index != kNone && buckets_[index].number != number) index = buckets_[index].next;
  return index != kNone ? index : add_bucket(level, number);
}

std::uint32_t ExpiryHeap::add_bucket(unsigned level, std::uint64_t number) {
  std::uint32_t index = free_bucket_;
  if (index != kNone) {
    free_bucket_ = buckets_[index].next;
  } else {
    index = static_cast<std::uint32_t>(buckets_.size());
    buckets_.emplace_back();
  }
  std::uint32_t& place = ring_place(level, number);
  buckets_[index] = {.number = number,
                     .oldest_ms = kExpiryMsMax,
                     .chunks = nullptr,
                     .unswept = nullptr,
                     .next = place,
                     .level = static_cast<std::uint8_t>(level),
                     .in_use = true};
  place = index;
  due_.push_back({static_cast<ExpiryMs>(number << level), index});
  std::push_heap(due_.begin(), due_.end());
  return index;
}

// Only the bucket that is due first is ever removed.
void ExpiryHeap::remove_bucket(std::uint32_t index) {
  PHX_CHECK(due_.front().bucket == index);
  std::pop_heap(due_.begin(), due_.end());
  due_.pop_back();
  Bucket& bucket = buckets_[index];
  std::uint32_t* link = &ring_place(bucket.level, bucket.number);
  while (*link != index) link = &buckets_[*link].next;
  *link = bucket.next;
  bucket.in_use = false;
  bucket.next = free_bucket_;
  free_bucket_ = index;
}

void ExpiryHeap::arm(const ExpiryNode& node) {
  PHX_DCHECK(node.at_ms > 0 && node.at_ms <= kExpiryMsMax);
  const unsigned level = level_for(node.at_ms);
  const auto at_ms = static_cast<std::uint64_t>(node.at_ms);
  Bucket& bucket = buckets_[bucket_for(level, at_ms >> level)];
  bucket.oldest_ms = std::min(bucket.oldest_ms, node.at_ms);

  Chunk* chunk = bucket.chunks;
  std::uint64_t count = chunk == nullptr ? kGroup : chunk->link >> kCountShift;
  if (count == kGroup) {
    chunk = reinterpret_cast<Chunk*>(slab_.allocate(sizeof(Chunk)));
    chunk->link = reinterpret_cast<std::uint64_t>(bucket.chunks);
    bucket.chunks = chunk;
    count = 0;
  }
  const std::uint64_t offset = at_ms & ((std::uint64_t{1} << level) - 1);
  chunk->nodes[count] =
      pack_ref(node.ref) | (offset >> fraction_shift(level)) << kArmBits | node.arm;
  chunk->link += std::uint64_t{1} << kCountShift;
  ++nodes_;
}

ExpiryNode ExpiryHeap::unpack(std::uint64_t packed, const Bucket& bucket) {
  const std::uint64_t fraction = (packed >> kArmBits) & ((1U << kFractionBits) - 1);
  const std::uint64_t at_ms =
      (bucket.number << bucket.level) + (fraction << fraction_shift(bucket.level));
  return {unpack_ref(packed), static_cast<ExpiryMs>(at_ms),
          static_cast<unsigned>(packed & ((1U << kArmBits) - 1))};
}

// Takes up to `count_max` packed nodes from the first chunk of a list that is not empty.
std::span<const std::uint64_t> ExpiryHeap::pop_group(Chunk*& list, std::size_t count_max) {
  Chunk* const chunk = list;
  const auto count = static_cast<std::size_t>(chunk->link >> kCountShift);
  const std::size_t taken = std::min(count, count_max);
  std::copy_n(chunk->nodes.begin() + static_cast<std::ptrdiff_t>(count - taken), taken,
              group_.begin());
  chunk->link -= std::uint64_t{taken} << kCountShift;
  if (taken == count) {
    list = reinterpret_cast<Chunk*>(chunk->link & kAddressMask);
    slab_.release(reinterpret_cast<char*>(chunk), sizeof(Chunk));
    if (list != nullptr) prefetch(list);
  }
  nodes_ -= taken;
  return std::span(group_).first(taken);
}

ExpiryHeap::Taken ExpiryHeap::take_due(std::int64_t until_ms, std::size_t examine_max) {
  Taken taken;
  set_now(until_ms);
  if (due_.empty() || due_.front().at_ms > until_ms || examine_max == 0) return taken;
  const std::uint32_t index = due_.front().bucket;
  Bucket& first = buckets_[index];
  std::span<const std::uint64_t> group;
  if (first.unswept != nullptr) {
    group = pop_group(first.unswept, examine_max);
  } else if (first.chunks != nullptr) {  // A sweep may have left none.
    group = pop_group(first.chunks, examine_max);
  }
  const Bucket bucket = first;
  // Removed before anything is dealt out: what is not due yet starts later than this bucket.
  if (bucket.unswept == nullptr && bucket.chunks == nullptr) remove_bucket(index);

  taken.examined = std::max<std::size_t>(group.size(), 1);
  for (const std::uint64_t packed : group) {
    const ExpiryNode node = unpack(packed, bucket);
    if (node.at_ms <= until_ms) {
      taken.nodes[taken.count++] = node;
    } else {
      arm(node);
    }
  }
  return taken;
}

// Goes to the next bucket that has nodes, a bounded number of steps at a time.
bool ExpiryHeap::find_unswept() {
  constexpr unsigned kStepsMax = 64;
  for (unsigned step = 0; step < kStepsMax && !buckets_.empty(); ++step) {
    if (sweep_ < buckets_.size()) {
      if (buckets_[sweep_].in_use && buckets_[sweep_].unswept != nullptr) return true;
      ++sweep_;
    }
    if (sweep_ >= buckets_.size()) sweep_ = 0;
    Bucket& next = buckets_[sweep_];
    if (!next.in_use) continue;
    next.unswept = next.chunks;
    next.chunks = nullptr;
  }
  return false;
}

ExpiryHeap::Taken ExpiryHeap::take_any() {
  Taken taken;
  if (nodes_ == 0 || !find_unswept()) return taken;
  Bucket& bucket = buckets_[sweep_];
  for (const std::uint64_t packed : pop_group(bucket.unswept, kGroup)) {
    taken.nodes[taken.count++] = unpack(packed, bucket);
  }
  taken.examined = taken.count;
  return taken;
}

std::uint64_t ExpiryHeap::memory_bytes() const {
  return buckets_.capacity() * sizeof(Bucket) + due_.capacity() * sizeof(Due) +
         rings_made_ * sizeof(Ring);
}

}  // namespace phoenix::engine
