#include "phoenix/engine/slab.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <memory>
#include <new>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/engine/poison.h"

namespace phoenix::engine {

/// At the start of its page: slots begin one cache line in, so that slots of whole lines are
/// aligned to lines.
struct Slab::Page {
  Region* region;
  Page* next;
  Page* previous;
  std::uint32_t fresh_offset;  // Slots from here on were never used.
  std::uint16_t used;
  std::uint16_t capacity;
  std::uint16_t free_slot;  // First of the chain of freed slots, in kSlotAlignment steps; 0: none.
  std::uint8_t size_class;
};

struct Slab::Region {
  RegionMemory memory;
  Region* next = nullptr;
  Region* previous = nullptr;
  std::uint32_t free_units = 0xFFFF'FFFF;
  std::uint32_t touched_units = 0;
  RegionList list = quad;
  bool first = false;
};

namespace {

constexpr std::size_t kQuadBytes = 4 * Slab::kUnitBytes;
constexpr std::size_t kPageHeaderBytes = 64;
constexpr std::size_t kUnitSlotsMin = 16;
constexpr std::size_t kQuadSlotsMax = 60;  // The next step after 16 in a unit.
constexpr std::size_t kQuadSlotsMin = 7;
constexpr std::uint32_t kAllUnits = 0xFFFF'FFFF;
static_assert(kRegionBytes / Slab::kUnitBytes == 32, "one bit per unit");
static_assert(kQuadBytes / Slab::kSlotAlignment <= 65'536, "a slot's offset fits in 16 bits");

// What operator new adds to a block, about.
constexpr std::size_t kBlockOverheadBytes = 16;

struct SizeClasses {
  std::array<std::uint32_t, 192> bytes{};
  unsigned count = 0;
  unsigned unit_classes = 0;  // The first so many live in pages of one unit.

  constexpr void add(std::size_t slot_bytes) {
    if (count != 0 && bytes[count - 1] >= slot_bytes) return;
    bytes[count++] = static_cast<std::uint32_t>(slot_bytes);
  }
};

constexpr std::size_t largest_slot(std::size_t page_bytes, std::size_t slots) {
  return ((page_bytes - kPageHeaderBytes) / slots) & ~(Slab::kSlotAlignment - 1);
}

// The number of slots in a page, from `most` down to `least` in steps of about one in 17: so a
// class is as big as its page allows, and no page has a useless end.
constexpr void add_by_slots(SizeClasses& classes, std::size_t page_bytes, std::size_t most,
                            std::size_t least) {
  for (std::size_t slots = most; slots >= least; slots -= std::max<std::size_t>(slots / 17, 1)) {
    classes.add(largest_slot(page_bytes, slots));
  }
}

// Steps of 4 bytes up to 128, then about 16 classes per doubling.
constexpr SizeClasses make_size_classes() {
  SizeClasses classes;
  for (std::size_t bytes = 16; bytes < 128; bytes += 4) classes.add(bytes);
  for (std::size_t bytes = 128; bytes < 1024; bytes += std::bit_floor(bytes) / 16) {
    classes.add(bytes);
  }
  add_by_slots(classes, Slab::kUnitBytes, Slab::kUnitBytes / 1024 - 1, kUnitSlotsMin);
  classes.unit_classes = classes.count;
  add_by_slots(classes, kQuadBytes, kQuadSlotsMax, kQuadSlotsMin);
  return classes;
}

constexpr SizeClasses kClasses = make_size_classes();
static_assert(kClasses.bytes[kClasses.count - 1] == Slab::kSlotBytesMax);
static_assert(kClasses.count <= std::numeric_limits<std::uint8_t>::max());

// Two tables find a class: exact up to 1 KiB, and above it the first class that can be right.
constexpr std::size_t kExactBytesMax = 1024;
constexpr std::size_t kCoarseStepBytes = 64;

template <std::size_t Size>
constexpr std::array<std::uint8_t, Size> make_class_table(std::size_t step_bytes,
                                                          std::size_t offset_bytes) {
  std::array<std::uint8_t, Size> table{};
  std::uint8_t size_class = 0;
  for (std::size_t i = 0; i < Size; ++i) {
    while (kClasses.bytes[size_class] < i * step_bytes + offset_bytes) ++size_class;
    table[i] = size_class;
  }
  return table;
}

constexpr auto kExactClass = make_class_table<kExactBytesMax / 4 + 1>(4, 0);
constexpr auto kCoarseClass = make_class_table<Slab::kSlotBytesMax / kCoarseStepBytes + 1>(64, 0);

unsigned class_of(std::size_t size_bytes) {
  PHX_DCHECK(size_bytes <= Slab::kSlotBytesMax);
  if (size_bytes <= kExactBytesMax) return kExactClass[(size_bytes + 3) / 4];
  unsigned size_class = kCoarseClass[size_bytes / kCoarseStepBytes];
  while (kClasses.bytes[size_class] < size_bytes) ++size_class;
  return size_class;
}

std::size_t page_bytes_of(unsigned size_class) {
  return size_class < kClasses.unit_classes ? Slab::kUnitBytes : kQuadBytes;
}

// One bit for every quad whose four units are all set in `units`, at the quad's first unit.
std::uint32_t whole_quads(std::uint32_t units) {
  const std::uint32_t pairs = units & (units >> 1U);
  return pairs & (pairs >> 2U) & 0x1111'1111U;
}

// The units of a new page. A single unit comes from a broken quad where there is one.
std::uint32_t choose_units(std::uint32_t free_units, bool is_quad) {
  const std::uint32_t quads = whole_quads(free_units);
  if (is_quad) return 0xFU << static_cast<unsigned>(std::countr_zero(quads));
  const std::uint32_t broken = free_units & ~(quads * 0xFU);
  const std::uint32_t from = broken != 0 ? broken : free_units;
  return from & (~from + 1);
}

}  // namespace

Slab::~Slab() {
  while (free_region()) {
  }
}

bool Slab::free_region() {
  const auto head = std::find_if(regions_.begin(), regions_.end(),
                                 [](const Region* region) { return region != nullptr; });
  if (head == regions_.end()) return false;
  const std::unique_ptr<Region> owned(*head);
  *head = owned->next;
  const auto touched = static_cast<std::size_t>(std::popcount(owned->touched_units));
  memory_bytes_ -= sizeof(Region) + (owned->first ? touched * kUnitBytes : kRegionBytes);
  return true;
}

bool Slab::same_slot(std::size_t a_bytes, std::size_t b_bytes) {
  if (a_bytes > kSlotBytesMax || b_bytes > kSlotBytesMax) return a_bytes == b_bytes;
  return class_of(a_bytes) == class_of(b_bytes);
}

std::size_t Slab::slot_bytes(std::size_t size_bytes) {
  if (size_bytes > kSlotBytesMax) return size_bytes + kBlockOverheadBytes;
  return kClasses.bytes[class_of(size_bytes)];
}

char* Slab::allocate(std::size_t size_bytes) {
  PHX_DCHECK(size_bytes != 0);
  if (size_bytes > kSlotBytesMax) [[unlikely]] {
    memory_bytes_ += slot_bytes(size_bytes);
    used_bytes_ += slot_bytes(size_bytes);
    return static_cast<char*>(::operator new(size_bytes));
  }
  const unsigned size_class = class_of(size_bytes);
  used_bytes_ += kClasses.bytes[size_class];
  Page* page = pages_[size_class];
  if (page == nullptr) [[unlikely]]
    page = add_page(size_class);
  char* slot = reinterpret_cast<char*>(page);
  if (page->free_slot != 0) {
    slot += std::size_t{page->free_slot} * kSlotAlignment;
    unpoison(slot, kClasses.bytes[size_class]);
    page->free_slot = load_le<std::uint16_t>(slot);
  } else {
    slot += page->fresh_offset;
    page->fresh_offset += kClasses.bytes[size_class];
    unpoison(slot, kClasses.bytes[size_class]);
  }
  if (++page->used == page->capacity) {
    pages_[size_class] = page->next;
    if (page->next != nullptr) page->next->previous = nullptr;
  }
  return slot;
}

void Slab::release(char* slot, std::size_t size_bytes) {
  if (size_bytes > kSlotBytesMax) [[unlikely]] {
    memory_bytes_ -= slot_bytes(size_bytes);
    used_bytes_ -= slot_bytes(size_bytes);
    ::operator delete(slot);
    return;
  }
  const unsigned size_class = class_of(size_bytes);
  const std::uintptr_t offset =
      reinterpret_cast<std::uintptr_t>(slot) & (page_bytes_of(size_class) - 1);
  Page* const page = reinterpret_cast<Page*>(slot - offset);
  PHX_CHECK(page->size_class == size_class);
  PHX_CHECK(page->used != 0);
  used_bytes_ -= kClasses.bytes[size_class];
  store_le(slot, page->free_slot);
  poison(slot, kClasses.bytes[size_class]);
  page->free_slot = static_cast<std::uint16_t>(offset / kSlotAlignment);
  if (page->used-- == page->capacity) {
    page->previous = nullptr;
    page->next = pages_[size_class];
    if (page->next != nullptr) page->next->previous = page;
    pages_[size_class] = page;
  }
  if (page->used == 0) [[unlikely]]
    retire_page(page);
}

Slab::Page* Slab::add_page(unsigned size_class) {
  const std::size_t page_bytes = page_bytes_of(size_class);
  const bool is_quad = page_bytes == kQuadBytes;
  Region* const region = region_with(is_quad ? quad : unit);
  if (region->free_units == kAllUnits) --empty_regions_;
  const std::uint32_t units = choose_units(region->free_units, is_quad);
  region->free_units &= ~units;
  count_touched(region, units);
  move_region(region);

  char* const memory =
      region->memory.get() + static_cast<std::size_t>(std::countr_zero(units)) * kUnitBytes;
  unpoison(memory, kPageHeaderBytes);
  poison(memory + kPageHeaderBytes, page_bytes - kPageHeaderBytes);
  const std::size_t capacity = (page_bytes - kPageHeaderBytes) / kClasses.bytes[size_class];
  auto* const page = new (memory) Page{.region = region,
                                       .next = nullptr,
                                       .previous = nullptr,
                                       .fresh_offset = kPageHeaderBytes,
                                       .used = 0,
                                       .capacity = static_cast<std::uint16_t>(capacity),
                                       .free_slot = 0,
                                       .size_class = static_cast<std::uint8_t>(size_class)};
  pages_[size_class] = page;
  return page;
}

void Slab::retire_page(Page* page) {
  if (page->previous != nullptr) {
    page->previous->next = page->next;
  } else {
    pages_[page->size_class] = page->next;
  }
  if (page->next != nullptr) page->next->previous = page->previous;

  Region* const region = page->region;
  const std::size_t first =
      static_cast<std::size_t>(reinterpret_cast<char*>(page) - region->memory.get()) / kUnitBytes;
  const std::uint32_t units = page_bytes_of(page->size_class) == kQuadBytes ? 0xFU : 1U;
  region->free_units |= units << first;
  move_region(region);
  if (region->free_units != kAllUnits) return;
  ++empty_regions_;
  if (empty_regions_ > 1 && !region->first) remove_region(region);
}

// A region that can give what `list` names, new if there is none.
Slab::Region* Slab::region_with(RegionList list) {
  if (list == unit && regions_[unit] != nullptr) return regions_[unit];
  if (regions_[quad] != nullptr) return regions_[quad];
  auto region = std::make_unique<Region>();
  region->first = region_count_ == 0;
  region->memory = map_region(region->first ? RegionPages::small : RegionPages::huge);
  memory_bytes_ += sizeof(Region);
  if (!region->first) memory_bytes_ += kRegionBytes;
  ++region_count_;
  ++empty_regions_;
  link(region.get(), quad);
  return region.release();
}

void Slab::move_region(Region* region) {
  RegionList list = full;
  if (region->free_units != 0) list = whole_quads(region->free_units) != 0 ? quad : unit;
  if (list == region->list) return;
  unlink(region);
  link(region, list);
}

void Slab::link(Region* region, RegionList list) {
  region->list = list;
  region->previous = nullptr;
  region->next = regions_[list];
  if (region->next != nullptr) region->next->previous = region;
  regions_[list] = region;
}

void Slab::unlink(Region* region) {
  if (region->previous != nullptr) {
    region->previous->next = region->next;
  } else {
    regions_[region->list] = region->next;
  }
  if (region->next != nullptr) region->next->previous = region->previous;
}

// The first region comes in small pages, so that a small keyspace costs what it uses.
void Slab::count_touched(Region* region, std::uint32_t units) {
  const std::uint32_t fresh = units & ~region->touched_units;
  region->touched_units |= units;
  if (region->first) {
    memory_bytes_ += static_cast<std::size_t>(std::popcount(fresh)) * kUnitBytes;
  }
}

void Slab::remove_region(Region* region) {
  unlink(region);
  const std::unique_ptr<Region> owned(region);
  memory_bytes_ -= sizeof(Region) + kRegionBytes;
  --region_count_;
  --empty_regions_;
}

}  // namespace phoenix::engine
