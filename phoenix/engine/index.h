// From a hash to an entry's address: linear hashing in cache lines (after W. Litwin, "Linear
// hashing", VLDB 1980). A line holds 7 addresses and a byte of hash for each; what does not fit
// hangs on it in overflow lines. The table grows by one line per insert where needed and shrinks in
// the same way, so no step's work depends on its size, and nothing ever moves as a whole.
//
// Which bits of the hash do what:
//   0..L     the line (L is the line's level: how often it has been split)
//   B..B+15  the upper 16 bits of a slot, B being L rounded down to a multiple of 8. They make a
//            false match rare, and they hold the bit that the next split looks at: seven of eight
//            levels are split without reading an entry.
//   56..63   the tag byte, 7 of which are compared at once
// Bits 40 to 55 are never looked at, so 48 bits name an entry as well as 64 do (kIndexHashBits).
//
// Invariants:
// - All lines of a chain but the last hold 6 entries and the link; an overflow line that is last
//   holds 2 to 7. Entries of a line have no gaps between them.
// - Lines past the last one in use are all zero.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "phoenix/base/bytes.h"
#include "phoenix/engine/memory_region.h"
#include "phoenix/engine/prefetch.h"
#include "phoenix/engine/slab.h"

namespace phoenix::engine {

/// The bits of a hash that the index looks at.
inline constexpr std::uint64_t kIndexHashBits = 0xFF00'00FF'FFFF'FFFF;

struct alignas(64) IndexLine {
  static constexpr unsigned kSlots = 7;
  static constexpr unsigned kOverflow = 0x80;  // In `meta`: the last slot links the next line.

  std::array<std::uint8_t, kSlots> tags;
  std::uint8_t meta;  // Entries in this line, and kOverflow.
  std::array<std::uint64_t, kSlots> slots;

  unsigned entries() const { return meta & 7U; }
  bool has_overflow() const { return (meta & kOverflow) != 0; }
  IndexLine* overflow() const {
    return has_overflow() ? reinterpret_cast<IndexLine*>(slots[kSlots - 1]) : nullptr;
  }
};
static_assert(sizeof(IndexLine) == 64);

/// Bit i is set where byte i of `head` is `tag`, for the 7 tags; the bits above mean nothing.
inline unsigned matching_tags_portable(std::uint64_t head, unsigned tag) {
  constexpr std::uint64_t kLow7 = 0x7F7F'7F7F'7F7F'7F7F;
  constexpr std::uint64_t kOnes = 0x0101'0101'0101'0101;
  const std::uint64_t x = head ^ (kOnes * tag);
  const std::uint64_t zero_bytes = ~(((x & kLow7) + kLow7) | x | kLow7);
  constexpr std::uint64_t kGather = 0x0102'0408'1020'4080;
  return static_cast<unsigned>(((zero_bytes >> 7U) * kGather) >> 56U);
}
inline unsigned matching_tags(std::uint64_t head, unsigned tag) {
#if defined(__SSE2__)
  const __m128i tags = _mm_cvtsi64_si128(static_cast<long long>(head));
  const __m128i wanted = _mm_set1_epi8(static_cast<char>(tag));
  return static_cast<unsigned>(_mm_movemask_epi8(_mm_cmpeq_epi8(tags, wanted)));
#else
  return matching_tags_portable(head, tag);
#endif
}

/// How the index learns the hash of an entry, when it must refresh the bits in a slot.
struct EntryHasher {
  std::uint64_t (*hash)(const void* context, char* entry) = nullptr;
  const void* context = nullptr;
};

class Index final {
 public:
  /// Where an entry's address is kept; good until the next insert or erase.
  struct Place {
    IndexLine* line = nullptr;
    unsigned slot = 0;
    explicit operator bool() const { return line != nullptr; }
  };

  /// Overflow lines come from `slab`.
  Index(Slab& slab, EntryHasher hasher);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  std::size_t size() const { return size_; }
  std::uint64_t lines() const { return low_mask_ + 1 + split_; }
  /// Without the overflow lines, which the slab counts.
  std::uint64_t memory_bytes() const { return memory_bytes_; }

  /// Fetches the line into the cache.
  void prefetch_line(std::uint64_t hash) const { prefetch(home_of(hash).line); }

  /// Looks into the line and fetches the entry that `hash` most likely names.
  void prefetch_entry(std::uint64_t hash) const {
    const Home home = home_of(hash);
    const std::uint64_t head = head_of(*home.line);
    for (unsigned match = matches(head, hash); match != 0; match &= match - 1) {
      const std::uint64_t slot = home.line->slots[static_cast<unsigned>(std::countr_zero(match))];
      if (!same_extra(slot, home.extra)) continue;
      prefetch_bytes(address_in(slot));
      return;
    }
    if (home.line->has_overflow()) prefetch_later(hash, home.line->overflow());
  }

  /// The first entry with this hash for which `is_it(char* entry)` is true. Most entries that are
  /// shown to it are the right one; `hash` may be any hash with the same kIndexHashBits.
  template <typename IsIt>
  Place find(std::uint64_t hash, const IsIt& is_it) const {
    if (later_in_ != later_out_) [[unlikely]]
      prefetch_all_later();
    const Home home = home_of(hash);
    for (IndexLine* line = home.line; line != nullptr; line = line->overflow()) {
      const std::uint64_t head = head_of(*line);
      for (unsigned match = matches(head, hash); match != 0; match &= match - 1) {
        const auto slot = static_cast<unsigned>(std::countr_zero(match));
        if (same_extra(line->slots[slot], home.extra) && is_it(address_in(line->slots[slot]))) {
          return {line, slot};
        }
      }
    }
    return {};
  }

  static char* entry_at(Place place) { return address_in(place.line->slots[place.slot]); }

  /// Puts another address of the same key's entry in its place.
  static void replace(Place place, char* entry) {
    std::uint64_t& slot = place.line->slots[place.slot];
    slot = (slot & ~kAddressMask) | reinterpret_cast<std::uint64_t>(entry);
  }

  /// Adds an entry that is not there, and splits a line if it is time.
  void insert(std::uint64_t hash, char* entry);

  /// Removes what find() returned for `hash`, and joins two lines if it is time.
  void erase(std::uint64_t hash, Place place);

  /// At the end of its life: gives a region of lines back; false when there is none left. Nothing
  /// else may be called any more.
  bool free_region();

  /// Scan positions are hashes with their bits reversed: a line owns a contiguous range of them
  /// whatever its level, and a split cuts the range in two. Calls `visit(char* entry)` for all
  /// entries of the line that owns `position`, and returns where the next line's range starts, 0
  /// after the last. At least the low 32 bits of a position that is returned are zero.
  template <typename Visit>
  std::uint64_t visit_line(std::uint64_t position, const Visit& visit) const {
    const Home home = home_of(reverse_bits(position));
    prefetch_chain(home.line);
    for (const IndexLine* line = home.line; line != nullptr; line = line->overflow()) {
      for (unsigned i = 0; i < line->entries(); ++i) visit(address_in(line->slots[i]));
    }
    const std::uint64_t range = std::uint64_t{1} << (64 - home.level);
    return (position & ~(range - 1)) + range;
  }

  static std::uint64_t reverse_bits(std::uint64_t x) {
    x = ((x >> 1U) & 0x5555'5555'5555'5555) | ((x & 0x5555'5555'5555'5555) << 1U);
    x = ((x >> 2U) & 0x3333'3333'3333'3333) | ((x & 0x3333'3333'3333'3333) << 2U);
    x = ((x >> 4U) & 0x0F0F'0F0F'0F0F'0F0F) | ((x & 0x0F0F'0F0F'0F0F'0F0F) << 4U);
    return __builtin_bswap64(x);
  }

  /// Ends the process if an invariant does not hold. For tests: looks at everything.
  void check() const;

 private:
  static constexpr unsigned kLinesPerRegionBits = 15;
  static constexpr std::uint64_t kLinesPerRegion = std::uint64_t{1} << kLinesPerRegionBits;
  static_assert(kLinesPerRegion * sizeof(IndexLine) == kRegionBytes);
  /// The table of regions is a region itself. Level 31 is where the 48 bits end.
  static constexpr std::uint64_t kLinesMax = std::uint64_t{1} << 31U;
  static_assert(kLinesMax / kLinesPerRegion <= kRegionBytes / sizeof(IndexLine*));

  struct Home {
    IndexLine* line;
    std::uint64_t extra;  // What the upper 16 bits of a slot must be; the lower bits are zero.
    unsigned level;
  };

  IndexLine* line_at(std::uint64_t number) const {
    return regions()[number >> kLinesPerRegionBits] + (number & (kLinesPerRegion - 1));
  }
  IndexLine** regions() const { return reinterpret_cast<IndexLine**>(table_.get()); }

  Home home_of(std::uint64_t hash) const {
    // A number, not a condition: which lines are split is as good as random.
    const unsigned is_split = (hash & low_mask_) < split_ ? 1 : 0;
    const std::uint64_t number = hash & (low_mask_ + (std::uint64_t{is_split} << level_));
    return {line_at(number), (hash >> bases_[is_split]) << kAddressBits, level_ + is_split};
  }

  static std::uint64_t head_of(const IndexLine& line) { return load_le<std::uint64_t>(&line); }
  static unsigned matches(std::uint64_t head, std::uint64_t hash) {
    const auto entries = static_cast<unsigned>(head >> 56U) & 7U;
    return matching_tags(head, static_cast<unsigned>(hash >> 56U)) & ((1U << entries) - 1U);
  }
  static bool same_extra(std::uint64_t slot, std::uint64_t extra) {
    return ((slot ^ extra) >> kAddressBits) == 0;
  }
  static char* address_in(std::uint64_t slot) {
    return reinterpret_cast<char*>(slot & kAddressMask);
  }

  // An entry of up to 96 bytes lies in two or three cache lines.
  static void prefetch_bytes(const char* entry) {
    prefetch(entry);
    prefetch(entry + 64);
    prefetch(entry + 95);
  }

  // One entry in six is in an overflow line, which has to arrive before it is known which entry to
  // fetch. Hashes wait for that in a small ring, until it is full or the look-ups begin.
  void prefetch_later(std::uint64_t hash, const IndexLine* overflow) const {
    prefetch(overflow);
    if (later_in_ - later_out_ == kLaterMax) prefetch_overflow(later_[later_out_++ % kLaterMax]);
    later_[later_in_++ % kLaterMax] = hash;
  }
  void prefetch_overflow(std::uint64_t hash) const;
  void prefetch_all_later() const;

  static void prefetch_chain(const IndexLine* line);
  IndexLine* append(IndexLine* line, std::uint8_t tag, std::uint64_t slot);
  void release_overflow(IndexLine* line);
  void set_level(unsigned level, std::uint64_t split);
  void map_line(std::uint64_t number);
  void unmap_region(std::uint64_t region);
  void split_line();
  void join_lines();
  /// Empties the chain at `head`: shows each tag and slot to `take`, which may append elsewhere.
  template <typename Take>
  void drain_chain(IndexLine* head, const Take& take);
  void check_chain(std::uint64_t number, std::size_t& entries) const;

  Slab& slab_;
  EntryHasher hasher_;
  RegionMemory table_;
  std::uint64_t low_mask_ = 0;  // Lines below this, by the lower `level_` bits; plus ...
  std::uint64_t split_ = 0;     // ... so many lines that are split already, at level_ + 1.
  unsigned level_ = 0;
  std::array<unsigned, 2> bases_{};  // B of lines at level_, and of those at level_ + 1.
  std::size_t size_ = 0;
  std::uint64_t first_region_lines_ = 0;  // Of the first region, which is resident as it is used.
  std::uint64_t memory_bytes_ = 0;
  std::uint64_t freed_regions_ = 0;

  static constexpr std::uint32_t kLaterMax = 8;
  mutable std::array<std::uint64_t, kLaterMax> later_{};
  mutable std::uint32_t later_in_ = 0;
  mutable std::uint32_t later_out_ = 0;
};

}  // namespace phoenix::engine
