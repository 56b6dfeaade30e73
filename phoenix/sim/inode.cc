#include "phoenix/sim/inode.h"

#include <algorithm>
#include <cstring>

#include "phoenix/base/check.h"

namespace phoenix::sim {
namespace {

constexpr std::uint8_t kAllSectors = 0xFF;

constexpr std::uint8_t bit(std::size_t sector) {
  return static_cast<std::uint8_t>(1U << sector);
}

// The sectors of a page that the bytes [from, to) of it touch.
std::uint8_t sectors_of(std::size_t from, std::size_t to) {
  std::uint8_t sectors = 0;
  for (std::size_t s = from / kSectorBytes; s * kSectorBytes < to; ++s) sectors |= bit(s);
  return sectors;
}

bool all_zeros(std::span<const std::byte> bytes) {
  return bytes.front() == std::byte{0} &&
         std::memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0;
}

void copy_sectors(const PageRef& from, PageRef& to, std::uint8_t sectors) {
  if (sectors == 0 || (from.is_zeros() && to.is_zeros())) return;
  if (sectors == kAllSectors) {
    to = from;
    return;
  }
  const auto source = from.bytes();
  const auto target = to.edit();
  for (std::size_t s = 0; s < kSectorsPerPage; ++s) {
    if ((sectors & bit(s)) == 0) continue;
    std::memcpy(target.data() + s * kSectorBytes, source.data() + s * kSectorBytes, kSectorBytes);
  }
}

// Calls visit(block, from, to) for each block that [offset, offset + length) touches, with the
// range within the block.
template <typename Visit>
void for_blocks(std::uint64_t offset, std::uint64_t length, Visit visit) {
  const std::uint64_t end = offset + length;
  while (offset < end) {
    const std::uint64_t block = offset / kPageBytes;
    const std::uint64_t to = std::min(end, (block + 1) * kPageBytes);
    visit(static_cast<std::size_t>(block), static_cast<std::size_t>(offset - block * kPageBytes),
          static_cast<std::size_t>(to - block * kPageBytes));
    offset = to;
  }
}

}  // namespace

std::size_t Inode::read(std::uint64_t offset, std::span<std::byte> out, bool direct) const {
  if (offset >= size_) return 0;
  const std::uint64_t length = std::min<std::uint64_t>(out.size(), size_ - offset);
  std::byte* target = out.data();
  for_blocks(offset, length, [&](std::size_t index, std::size_t from, std::size_t to) {
    const Block& block = blocks_[index];
    if (block.dirt == kClean || (direct && dirt_[block.dirt].lying != 0)) {
      PageRef page = block.durable;
      if (block.dirt != kClean)
        copy_sectors(dirt_[block.dirt].cached, page, dirt_[block.dirt].dirty);
      std::memcpy(target, page.bytes().data() + from, to - from);
    } else {
      std::memcpy(target, dirt_[block.dirt].cached.bytes().data() + from, to - from);
    }
    target += to - from;
  });
  return static_cast<std::size_t>(length);
}

std::uint64_t Inode::pages_wanted(std::uint64_t offset, std::uint64_t length) const {
  std::uint64_t pages = 0;
  for_blocks(offset, length, [&](std::size_t index, std::size_t, std::size_t) {
    if (index >= blocks_.size() || !blocks_[index].allocated) ++pages;
  });
  return pages;
}

void Inode::write(std::uint64_t offset, std::span<const std::byte> bytes, bool direct,
                  bool write_back_first) {
  grow(offset + bytes.size());
  const std::byte* source = bytes.data();
  for_blocks(offset, bytes.size(), [&](std::size_t index, std::size_t from, std::size_t to) {
    take_block(blocks_[index]);
    Dirt& dirt = dirt_of(index);
    const std::uint8_t sectors = sectors_of(from, to);
    // With a sync in flight the old bytes may be what it has promised.
    if (write_back_first || syncs_ > 0) land(dirt, dirt.dirty & sectors);
    fill(dirt, from, std::span(source, to - from));
    dirt.dirty |= sectors;
    dirt.lying &= static_cast<std::uint8_t>(~sectors);
    dirt.direct =
        static_cast<std::uint8_t>(direct ? dirt.direct | sectors : dirt.direct & ~sectors);
    for (std::size_t s = 0; s < kSectorsPerPage; ++s) {
      if ((sectors & bit(s)) != 0) dirt.stamps[s] = stamp_;
    }
    source += to - from;
  });
}

void Inode::allocate(std::uint64_t offset, std::uint64_t length, std::span<const PageRef> stale) {
  grow(offset + length);
  std::size_t next = 0;
  for_blocks(offset, length, [&](std::size_t index, std::size_t, std::size_t) {
    Block& block = blocks_[index];
    if (block.allocated) return;
    take_block(block);
    if (!stale.empty()) block.durable = stale[next++ % stale.size()];
  });
}

Inode::SyncMark Inode::begin_sync() {
  ++syncs_;
  return SyncMark{++stamp_, size_};
}

void Inode::finish_sync(SyncMark mark) {
  if (syncs_ > 0) --syncs_;
  durable_size_ = std::max(durable_size_, mark.size_bytes);
  for (std::size_t i = dirt_.size(); i-- > 0;) {
    const std::uint8_t sectors = covered(dirt_[i], mark.stamp);
    land(dirt_[i], sectors);
    dirt_[i].dirty &= static_cast<std::uint8_t>(~sectors);
    clean_up(i);
  }
}

void Inode::fail_sync(SyncMark mark, SeededRandom& random) {
  if (syncs_ > 0) --syncs_;
  for (std::size_t i = dirt_.size(); i-- > 0;) {
    fail(dirt_[i], covered(dirt_[i], mark.stamp), random);
    clean_up(i);
  }
}

void Inode::make_durable(std::uint64_t offset, std::uint64_t length) {
  durable_size_ = std::max(durable_size_, offset + length);
  for_blocks(offset, length, [&](std::size_t index, std::size_t from, std::size_t to) {
    if (blocks_[index].dirt == kClean) return;
    Dirt& dirt = dirt_[blocks_[index].dirt];
    const std::uint8_t sectors = dirt.dirty & sectors_of(from, to);
    land(dirt, sectors);
    dirt.dirty &= static_cast<std::uint8_t>(~sectors);
    clean_up(blocks_[index].dirt);
  });
}

void Inode::fail_durable(std::uint64_t offset, std::uint64_t length, SeededRandom& random) {
  for_blocks(offset, length, [&](std::size_t index, std::size_t from, std::size_t to) {
    if (index >= blocks_.size() || blocks_[index].dirt == kClean) return;
    Dirt& dirt = dirt_[blocks_[index].dirt];
    fail(dirt, dirt.dirty & sectors_of(from, to), random);
    clean_up(blocks_[index].dirt);
  });
}

// A cut seldom tosses a coin per sector: everything, nothing or a prefix of what was written is as
// likely, and is where recovery goes wrong.
void Inode::settle(const FaultPlan& plan, SeededRandom& random, Counters& counters) {
  constexpr std::array<std::uint32_t, 5> kLandOf16{0, 16, 2, 8, 14};
  const std::uint64_t mood = random.below(kLandOf16.size() + 1);
  const std::size_t prefix = random.below(dirt_.size() + 1);
  for (std::size_t i = 0; i < dirt_.size(); ++i) {
    const std::uint32_t of_16 = mood < kLandOf16.size() ? kLandOf16[mood] : i < prefix ? 16U : 0U;
    settle_dirt(dirt_[i], of_16, plan, random, counters);
    blocks_[dirt_[i].block].dirt = kClean;
  }
  dirt_.clear();
  syncs_ = 0;
  settle_size(random, counters);
}

void Inode::settle_dirt(const Dirt& dirt, std::uint32_t land_of_16, const FaultPlan& plan,
                        SeededRandom& random, Counters& counters) {
  const std::size_t unit = plan.tear_bytes / kSectorBytes;
  for (std::size_t s = 0; s < kSectorsPerPage; s += unit) {
    const std::uint8_t sectors =
        dirt.dirty & sectors_of(s * kSectorBytes, (s + unit) * kSectorBytes);
    if (sectors == 0) continue;
    if (plan.cut_garbage != 0 && random.below(10'000) < plan.cut_garbage) {
      ++counters.sectors_garbage;
      const auto bytes = blocks_[dirt.block].durable.edit();
      for (std::size_t at = s * kSectorBytes; at < (s + unit) * kSectorBytes; at += 8) {
        const std::uint64_t garbage = random.next();
        if ((sectors & bit(at / kSectorBytes)) != 0) std::memcpy(&bytes[at], &garbage, 8);
      }
    } else if (random.below(16) < land_of_16) {
      ++counters.sectors_landed;
      land(dirt, sectors);
    } else {
      ++counters.sectors_lost;
    }
  }
}

void Inode::settle_size(SeededRandom& random, Counters& counters) {
  std::uint64_t size = size_;
  if (size_ > durable_size_) {
    const std::uint64_t mood = random.below(3);
    if (mood == 0) size = durable_size_;
    if (mood == 1) size = durable_size_ + random.below(size_ - durable_size_ + 1);
    if (size < size_) ++counters.sizes_lost;
  }
  size_ = durable_size_ = size;
  blocks_.resize((size + kPageBytes - 1) / kPageBytes);
  const std::size_t tail = size % kPageBytes;
  if (tail != 0 && !blocks_.back().durable.is_zeros()) {
    const auto bytes = blocks_.back().durable.edit();
    std::fill(bytes.begin() + static_cast<std::ptrdiff_t>(tail), bytes.end(), std::byte{0});
  }
  allocated_ = 0;
  for (const Block& block : blocks_) allocated_ += block.allocated ? 1 : 0;
}

void Inode::drop_lies() {
  for (std::size_t i = dirt_.size(); i-- > 0;) {
    revert(dirt_[i], dirt_[i].lying);
    dirt_[i].lying = 0;
    clean_up(i);
  }
}

void Inode::plant(std::uint64_t offset, std::span<const std::byte> bytes) {
  write(offset, bytes, true, false);
  make_durable(offset, bytes.size());
}

std::vector<PageRef> Inode::durable_pages() const {
  std::vector<PageRef> pages;
  for (const Block& block : blocks_) {
    if (!block.durable.is_zeros()) pages.push_back(block.durable);
  }
  return pages;
}

Inode::Dirt& Inode::dirt_of(std::size_t block) {
  Block& b = blocks_[block];
  if (b.dirt == kClean) {
    b.dirt = static_cast<std::uint32_t>(dirt_.size());
    dirt_.emplace_back();
    dirt_.back().block = static_cast<std::uint32_t>(block);
    dirt_.back().cached = b.durable;
  }
  return dirt_[b.dirt];
}

// Drops the cached page of a block that has become clean; the last one takes its place.
void Inode::clean_up(std::size_t index) {
  if ((dirt_[index].dirty | dirt_[index].lying) != 0) return;
  blocks_[dirt_[index].block].dirt = kClean;
  if (index + 1 != dirt_.size()) {
    dirt_[index] = std::move(dirt_.back());
    blocks_[dirt_[index].block].dirt = static_cast<std::uint32_t>(index);
  }
  dirt_.pop_back();
}

void Inode::grow(std::uint64_t size_bytes) {
  size_ = std::max(size_, size_bytes);
  const std::size_t blocks = (size_ + kPageBytes - 1) / kPageBytes;
  if (blocks > blocks_.size()) blocks_.resize(blocks);
}

void Inode::take_block(Block& block) {
  if (!block.allocated) ++allocated_;
  block.allocated = true;
}

void Inode::land(const Dirt& dirt, std::uint8_t sectors) {
  copy_sectors(dirt.cached, blocks_[dirt.block].durable, sectors);
}

void Inode::revert(Dirt& dirt, std::uint8_t sectors) {
  copy_sectors(blocks_[dirt.block].durable, dirt.cached, sectors);
}

// Each sector reached the disk or did not; either way nobody will write it again.
void Inode::fail(Dirt& dirt, std::uint8_t sectors, SeededRandom& random) {
  for (std::size_t s = 0; s < kSectorsPerPage; ++s) {
    if ((sectors & bit(s)) == 0) continue;
    if (random.below(2) == 0) {
      land(dirt, bit(s));
    } else if ((dirt.direct & bit(s)) != 0) {
      revert(dirt, bit(s));
    } else {
      dirt.lying |= bit(s);
    }
  }
  dirt.dirty &= static_cast<std::uint8_t>(~sectors);
}

std::uint8_t Inode::covered(const Dirt& dirt, std::uint32_t stamp) {
  std::uint8_t sectors = 0;
  for (std::size_t s = 0; s < kSectorsPerPage; ++s) {
    if (dirt.stamps[s] < stamp) sectors |= bit(s);
  }
  return sectors & dirt.dirty;
}

void Inode::fill(Dirt& dirt, std::size_t from, std::span<const std::byte> bytes) {
  if (bytes.size() == kPageBytes && all_zeros(bytes)) {
    dirt.cached = PageRef();
    return;
  }
  std::memcpy(dirt.cached.edit().data() + from, bytes.data(), bytes.size());
}

}  // namespace phoenix::sim
