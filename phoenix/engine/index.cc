#include "phoenix/engine/index.h"

#include "phoenix/base/check.h"

namespace phoenix::engine {
namespace {

constexpr unsigned kLevelMin = 6;  // 64 lines: one small page.
constexpr unsigned kBaseStep = 8;
constexpr std::size_t kSmallPageBytes = 4096;

// Entries per line, on average, above which a line is split, and below which two are joined.
// Measured: 7 costs 13.3 bytes per entry and 2 ns per look-up more than 5.6 does, which costs 14.2.
constexpr std::uint64_t kSplitLoad = 7;
constexpr std::uint64_t kJoinLoad = 3;

constexpr unsigned base_of(unsigned level) {
  return level & ~(kBaseStep - 1);
}

void clear(IndexLine* line) {
  *line = IndexLine{};
}

}  // namespace

Index::Index(Slab& slab, EntryHasher hasher)
    : slab_(slab), hasher_(hasher), table_(map_region(RegionPages::small)) {
  memory_bytes_ = kSmallPageBytes;  // Of the table, which grows by one for every GiB of lines.
  set_level(kLevelMin, 0);
  for (std::uint64_t number = 0; number < lines(); ++number) map_line(number);
}

Index::~Index() {
  while (free_region()) {
  }
}

bool Index::free_region() {
  if (regions()[freed_regions_] == nullptr) return false;
  unmap_region(freed_regions_++);
  return true;
}

void Index::set_level(unsigned level, std::uint64_t split) {
  level_ = level;
  split_ = split;
  low_mask_ = (std::uint64_t{1} << level) - 1;
  bases_ = {base_of(level), base_of(level + 1)};
}

void Index::map_line(std::uint64_t number) {
  PHX_CHECK(number < kLinesMax);
  const std::uint64_t region = number >> kLinesPerRegionBits;
  if (regions()[region] == nullptr) {
    const RegionPages pages = region == 0 ? RegionPages::small : RegionPages::huge;
    regions()[region] = reinterpret_cast<IndexLine*>(map_region(pages).release());
    if (region != 0) memory_bytes_ += kRegionBytes;
  }
  if (number < kLinesPerRegion && number >= first_region_lines_) {
    first_region_lines_ += kSmallPageBytes / sizeof(IndexLine);
    memory_bytes_ += kSmallPageBytes;
  }
}

void Index::unmap_region(std::uint64_t region) {
  const RegionMemory owned(reinterpret_cast<char*>(regions()[region]));
  regions()[region] = nullptr;
  if (region != 0) memory_bytes_ -= kRegionBytes;
}

void Index::prefetch_chain(const IndexLine* line) {
  for (; line != nullptr; line = line->overflow()) {
    for (unsigned i = 0; i < line->entries(); ++i) prefetch(address_in(line->slots[i]));
  }
}

void Index::prefetch_overflow(std::uint64_t hash) const {
  const Home home = home_of(hash);
  for (IndexLine* line = home.line->overflow(); line != nullptr; line = line->overflow()) {
    const unsigned match = matches(head_of(*line), hash);
    if (match == 0) continue;
    prefetch_bytes(address_in(line->slots[static_cast<unsigned>(std::countr_zero(match))]));
    return;
  }
}

void Index::prefetch_all_later() const {
  while (later_out_ != later_in_) prefetch_overflow(later_[later_out_++ % kLaterMax]);
}

// Adds to the chain that goes on from `line`, and returns its last line.
IndexLine* Index::append(IndexLine* line, std::uint8_t tag, std::uint64_t slot) {
  while (line->has_overflow()) line = line->overflow();
  unsigned entries = line->entries();
  if (entries == IndexLine::kSlots) {
    // The last entry makes way for the link.
    auto* const added = reinterpret_cast<IndexLine*>(slab_.allocate(sizeof(IndexLine)));
    clear(added);
    added->tags[0] = line->tags[IndexLine::kSlots - 1];
    added->slots[0] = line->slots[IndexLine::kSlots - 1];
    line->slots[IndexLine::kSlots - 1] = reinterpret_cast<std::uint64_t>(added);
    line->meta = IndexLine::kOverflow | (IndexLine::kSlots - 1);
    line = added;
    entries = 1;
  }
  line->tags[entries] = tag;
  line->slots[entries] = slot;
  line->meta = static_cast<std::uint8_t>(entries + 1);
  return line;
}

void Index::release_overflow(IndexLine* line) {
  slab_.release(reinterpret_cast<char*>(line), sizeof(IndexLine));
}

void Index::insert(std::uint64_t hash, char* entry) {
  const Home home = home_of(hash);
  const auto address = reinterpret_cast<std::uint64_t>(entry);
  PHX_DCHECK((address & ~kAddressMask) == 0);
  append(home.line, static_cast<std::uint8_t>(hash >> 56U), home.extra | address);
  ++size_;
  if (size_ > lines() * kSplitLoad) split_line();
}

void Index::erase(std::uint64_t hash, Place place) {
  // The chain's last entry fills the gap, so that only its last line is ever not full.
  IndexLine* before_last = nullptr;
  IndexLine* last = home_of(hash).line;
  for (; last->has_overflow(); last = last->overflow()) before_last = last;
  const unsigned left = last->entries() - 1U;
  place.line->tags[place.slot] = last->tags[left];
  place.line->slots[place.slot] = last->slots[left];
  last->tags[left] = 0;
  last->slots[left] = 0;
  last->meta = static_cast<std::uint8_t>(left);
  if (before_last != nullptr && left == 1) {
    before_last->tags[IndexLine::kSlots - 1] = last->tags[0];
    before_last->slots[IndexLine::kSlots - 1] = last->slots[0];
    before_last->meta = IndexLine::kSlots;
    release_overflow(last);
  }
  --size_;
  if (level_ + (split_ != 0 ? 1U : 0U) > kLevelMin && size_ < lines() * kJoinLoad) join_lines();
}

template <typename Take>
void Index::drain_chain(IndexLine* head, const Take& take) {
  IndexLine line = *head;
  clear(head);
  for (;;) {
    for (unsigned i = 0; i < line.entries(); ++i) take(line.tags[i], line.slots[i]);
    IndexLine* const next = line.overflow();
    if (next == nullptr) return;
    line = *next;
    release_overflow(next);
  }
}

// Line `split_` of this level becomes two of the next. The bit that decides is in the slot; only
// when the base moves on as well, once in 8 levels, are the hashes of the entries needed.
void Index::split_line() {
  const std::uint64_t number = split_;
  const unsigned deciding_bit = kAddressBits + level_ - bases_[0];
  const bool refresh = bases_[1] != bases_[0];
  const unsigned new_base = bases_[1];
  map_line(low_mask_ + 1 + number);
  IndexLine* const head = line_at(number);
  IndexLine* stay = head;
  IndexLine* move = line_at(low_mask_ + 1 + number);
  if (refresh) prefetch_chain(head);
  drain_chain(head, [&](std::uint8_t tag, std::uint64_t slot) {
    const bool moves = ((slot >> deciding_bit) & 1U) != 0;
    if (refresh) {
      const std::uint64_t address = slot & kAddressMask;
      const std::uint64_t hash = hasher_.hash(hasher_.context, address_in(slot));
      slot = ((hash >> new_base) << kAddressBits) | address;
    }
    IndexLine*& target = moves ? move : stay;
    target = append(target, tag, slot);
  });
  const bool is_last = number == low_mask_;
  set_level(is_last ? level_ + 1 : level_, is_last ? 0 : number + 1);
}

// The inverse: the last line goes back into the one it was split from. What the base gains when it
// moves back is known from the line's own number.
void Index::join_lines() {
  if (split_ == 0) set_level(level_ - 1, low_mask_ / 2 + 1);
  const std::uint64_t number = split_ - 1;
  const std::uint64_t last_number = low_mask_ + 1 + number;
  const bool refresh = bases_[1] != bases_[0];
  const unsigned old_base = bases_[0];
  IndexLine* const target = line_at(number);
  const auto take = [&](std::uint64_t from_number) {
    return [&, from_number](std::uint8_t tag, std::uint64_t slot) {
      if (refresh) {
        const std::uint64_t gained = (from_number >> old_base) & ((1U << kBaseStep) - 1);
        const std::uint64_t extra = ((slot >> kAddressBits) << kBaseStep) | gained;
        slot = (extra << kAddressBits) | (slot & kAddressMask);
      }
      append(target, tag, slot);
    };
  };
  if (refresh) drain_chain(target, take(number));
  drain_chain(line_at(last_number), take(last_number));
  set_level(level_, number);
  // One region more than needed is kept, so that a size that goes up and down maps nothing.
  const std::uint64_t unneeded = ((lines() - 1) >> kLinesPerRegionBits) + 2;
  if (regions()[unneeded] != nullptr) unmap_region(unneeded);
}

void Index::check() const {
  std::size_t entries = 0;
  for (std::uint64_t number = 0; number < lines(); ++number) check_chain(number, entries);
  PHX_CHECK(entries == size_);
}

void Index::check_chain(std::uint64_t number, std::size_t& entries) const {
  const IndexLine* const head = line_at(number);
  for (const IndexLine* line = head; line != nullptr; line = line->overflow()) {
    PHX_CHECK(!line->has_overflow() || line->entries() == IndexLine::kSlots - 1);
    PHX_CHECK(line == head || line->entries() >= 2);
    entries += line->entries();
    for (unsigned i = 0; i < line->entries(); ++i) {
      const std::uint64_t hash = hasher_.hash(hasher_.context, address_in(line->slots[i]));
      const Home home = home_of(hash);
      PHX_CHECK(home.line == head);
      PHX_CHECK(same_extra(line->slots[i], home.extra));
      PHX_CHECK(line->tags[i] == hash >> 56U);
    }
  }
}

}  // namespace phoenix::engine
