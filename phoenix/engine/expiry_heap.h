// When entries die: a heap of time buckets, each a bag of 8-byte nodes. A bucket of level n is 2^n
// ms wide, about 1/64 to 1/128 of the time that was left when a node was put into it; a small real
// heap orders the buckets by their start. A bucket that is due is dealt out into finer ones, down
// to the exact millisecond.
//
// A node names its entry by hash bits, not by address, so nothing that moves an entry touches the
// heap. It may be stale: the entry is gone, or lives longer now (extending a TTL only writes the
// entry). Whoever takes a node looks: entries with its `ref` that are expired may go; one whose arm
// number is the node's, and that dies at or after it, is armed anew by arm(); else nothing.
//
// Invariants:
// - A node's time is never after the time that it was armed for.
// - An entry with an expiry has a node with its arm number and a time at or before its expiry.
// - Every step is bounded by the nodes asked for; the number of buckets does not depend on that of
//   the nodes (some thousand: levels times 129, while time goes forward).
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "phoenix/engine/effect.h"
#include "phoenix/engine/slab.h"

namespace phoenix::engine {

struct ExpiryNode {
  std::uint64_t ref = 0;  // A hash of which only kIndexHashBits are kept.
  ExpiryMs at_ms = 0;     // At or before the time it was armed for.
  unsigned arm = 0;       // 0 to 7: tells this node from older ones of the same entry.
};

class ExpiryHeap final {
 public:
  /// Nodes are stored, and best taken, in groups of so many.
  static constexpr std::size_t kGroup = 7;

  /// Chunks of nodes come from `slab`.
  explicit ExpiryHeap(Slab& slab) : slab_(slab) {}
  ExpiryHeap(const ExpiryHeap&) = delete;
  ExpiryHeap& operator=(const ExpiryHeap&) = delete;

  /// The time from which bucket widths are measured. Only speed depends on it.
  void set_now(std::int64_t now_ms) { now_ms_ = std::clamp<std::int64_t>(now_ms, 0, kExpiryMsMax); }

  std::int64_t now_ms() const { return now_ms_; }

  void arm(const ExpiryNode& node);

  struct Taken {
    std::array<ExpiryNode, kGroup> nodes{};
    std::size_t count = 0;     // Nodes that are due; they are out of the heap now.
    std::size_t examined = 0;  // Work done, in nodes: those and what was dealt out; 0: none left.
  };

  /// Takes a group of nodes whose time is at or before `until_ms`, looking at no more than
  /// `examine_max` nodes.
  Taken take_due(std::int64_t until_ms, std::size_t examine_max);

  /// Takes a group of nodes from anywhere, so that stale ones can be dropped early: again and again
  /// it goes over all of them. Arm those that are not stale under another number at once.
  Taken take_any();

  /// When take_due() next has something to do; kNoExpiry when the heap is empty.
  ExpiryMs next_due_ms() const { return due_.empty() ? kNoExpiry : due_.front().at_ms; }

  /// No node of the bucket that is due first is before this.
  ExpiryMs oldest_ms() const {
    return due_.empty() ? kNoExpiry : buckets_[due_.front().bucket].oldest_ms;
  }

  std::size_t nodes() const { return nodes_; }

  /// Without the chunks, which the slab counts.
  std::uint64_t memory_bytes() const;

 private:
  static constexpr unsigned kLevels = 42;  // The widest: 1/64 of 2^48 ms.
  static constexpr std::size_t kRing = 256;
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  struct Chunk {
    std::array<std::uint64_t, kGroup> nodes;
    std::uint64_t link;  // 48 bits of address of the next chunk, above it the number of nodes.
  };
  static_assert(sizeof(Chunk) == 64);

  struct Bucket {
    std::uint64_t number = 0;  // Its start is number << level.
    ExpiryMs oldest_ms = 0;
    Chunk* chunks = nullptr;
    Chunk* unswept = nullptr;    // What take_any() has yet to see in this round.
    std::uint32_t next = kNone;  // In its place of the ring, or in the list of free buckets.
    std::uint8_t level = 0;
    bool in_use = false;
  };

  struct Due {
    ExpiryMs at_ms = 0;
    std::uint32_t bucket = 0;
    bool operator<(const Due& other) const { return at_ms > other.at_ms; }  // Earliest on top.
  };

  using Ring = std::array<std::uint32_t, kRing>;

  unsigned level_for(ExpiryMs at_ms) const;
  std::uint32_t& ring_place(unsigned level, std::uint64_t number);
  std::uint32_t bucket_for(unsigned level, std::uint64_t number);
  std::uint32_t add_bucket(unsigned level, std::uint64_t number);
  void remove_bucket(std::uint32_t index);
  std::span<const std::uint64_t> pop_group(Chunk*& list, std::size_t count_max);
  static ExpiryNode unpack(std::uint64_t packed, const Bucket& bucket);
  bool find_unswept();

  Slab& slab_;
  std::int64_t now_ms_ = 0;
  std::array<std::unique_ptr<Ring>, kLevels> rings_{};
  std::size_t rings_made_ = 0;
  std::vector<Bucket> buckets_;
  std::uint32_t free_bucket_ = kNone;
  std::vector<Due> due_;
  std::array<std::uint64_t, kGroup> group_{};
  std::uint32_t sweep_ = 0;  // The bucket that take_any() is at.
  std::size_t nodes_ = 0;
};

}  // namespace phoenix::engine
