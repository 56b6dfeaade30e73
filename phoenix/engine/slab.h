// Where entries, overflow lines of the index and chunks of the expiry heap live: a slab allocator.
// Regions of 2 MiB are cut into pages of 64 KiB (slots up to 4 KiB) or 256 KiB; a page holds slots
// of one size class. A page that becomes empty goes back to its region and serves any class next; a
// region that becomes empty goes back to the system, but for one kept against thrashing.
//
// Invariants:
// - A page that has a free slot is in the list of its class, a full one is in none.
// - A region is in the list that says what it can still give (a quad, a unit, nothing).
// - Every step is bounded: no work depends on how much is stored.
// A slot's size is not written down: whoever frees it knows it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "phoenix/engine/memory_region.h"
#include "phoenix/engine/prefetch.h"

namespace phoenix::engine {

class Slab final {
 public:
  /// The largest slot; anything bigger comes from operator new, and is counted too.
  static constexpr std::size_t kSlotBytesMax = 37'440;
  /// Slots are aligned to this; those of 64 bytes (and its multiples up to 256) to 64.
  static constexpr std::size_t kSlotAlignment = 4;

  /// The size of a page of small slots; bigger pages are aligned to a multiple of it.
  static constexpr std::size_t kUnitBytes = std::size_t{64} << 10U;

  Slab() = default;
  ~Slab();
  Slab(const Slab&) = delete;
  Slab& operator=(const Slab&) = delete;

  /// Bytes that are not initialised. `size_bytes` must not be 0.
  [[nodiscard]] char* allocate(std::size_t size_bytes);
  /// `size_bytes` as it was allocated, or another size that needs the same slot.
  void release(char* slot, std::size_t size_bytes);

  /// At the end of its life: gives a region back, whatever is in it; false when there is none left.
  /// Nothing may be allocated or released any more.
  bool free_region();

  /// A hint that this slot will soon be released.
  static void prefetch_release(const char* slot) {
    prefetch(slot - reinterpret_cast<std::uintptr_t>(slot) % kUnitBytes);
  }

  /// Do both sizes need a slot of the same size? Then one can be stored over the other.
  static bool same_slot(std::size_t a_bytes, std::size_t b_bytes);
  /// The bytes that an allocation of this size takes.
  static std::size_t slot_bytes(std::size_t size_bytes);

  /// What is held from the system: whole regions (of the first one only what was ever used, since
  /// it comes in small pages), and the slots that were too big for one.
  std::uint64_t memory_bytes() const { return memory_bytes_; }
  /// What slots in use take; the rest of memory_bytes() waits for allocations to come.
  std::uint64_t used_bytes() const { return used_bytes_; }

 private:
  struct Page;
  struct Region;

  enum RegionList : std::uint8_t { full, unit, quad, region_lists };

  static constexpr std::size_t kClassesMax = 192;

  Page* add_page(unsigned size_class);
  void retire_page(Page* page);
  Region* region_with(RegionList list);
  void move_region(Region* region);
  void link(Region* region, RegionList list);
  void unlink(Region* region);
  void count_touched(Region* region, std::uint32_t units);
  void remove_region(Region* region);

  std::array<Page*, kClassesMax> pages_{};
  std::array<Region*, region_lists> regions_{};
  std::size_t region_count_ = 0;
  std::size_t empty_regions_ = 0;
  std::uint64_t memory_bytes_ = 0;
  std::uint64_t used_bytes_ = 0;
};

}  // namespace phoenix::engine
