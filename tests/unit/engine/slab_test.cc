#include "phoenix/engine/slab.h"

#include <cstring>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

struct Block {
  char* at;
  std::size_t size_bytes;
  char mark;
};

Block take(Slab& slab, std::size_t size_bytes, char mark) {
  char* const at = slab.allocate(size_bytes);
  std::memset(at, mark, size_bytes);
  return {at, size_bytes, mark};
}

bool intact(const Block& block) {
  for (std::size_t i = 0; i < block.size_bytes; ++i) {
    if (block.at[i] != block.mark) return false;
  }
  return true;
}

std::size_t some_size(SeededRandom& random) {
  switch (random.below(10)) {
    case 0:
      return 1 + random.below(100'000);
    case 1:
    case 2:
      return 1 + random.below(Slab::kSlotBytesMax);
    case 3:
    case 4:
      return 1 + random.below(5'000);
    default:
      return 1 + random.below(300);
  }
}

}  // namespace

TEST_CASE("slab: a slot is at least as big as asked for, and little bigger") {
  for (std::size_t bytes = 1; bytes <= Slab::kSlotBytesMax; ++bytes) {
    const std::size_t slot = Slab::slot_bytes(bytes);
    CAPTURE(bytes);
    REQUIRE(slot >= bytes);
    REQUIRE(slot % Slab::kSlotAlignment == 0);
    if (bytes <= 128) {
      REQUIRE(slot <= std::max<std::size_t>(bytes + 3, 16));
    } else if (bytes <= 16'000) {
      REQUIRE(slot <= bytes + bytes / 12);
    } else {
      REQUIRE(slot <= bytes + bytes / 6);
    }
    REQUIRE(Slab::same_slot(bytes, slot));
    REQUIRE_FALSE(Slab::same_slot(bytes, slot + 1));
  }
  CHECK(Slab::slot_bytes(89) == 92);
  CHECK(Slab::same_slot(50'000, 50'000));
  CHECK_FALSE(Slab::same_slot(50'000, 50'001));
}

TEST_CASE("slab: slots of whole cache lines are aligned to them") {
  Slab slab;
  for (int i = 0; i < 3000; ++i) {
    REQUIRE(reinterpret_cast<std::uintptr_t>(slab.allocate(64)) % 64 == 0);
  }
}

TEST_CASE("slab: blocks of all sizes keep their content through random reuse") {
  for (const std::uint64_t seed : {11U, 12U, 13U}) {
    CAPTURE(seed);
    SeededRandom random(seed);
    Slab slab;
    std::vector<Block> blocks;
    for (int step = 0; step < 20'000; ++step) {
      const bool grow = random.below(100) < (step % 8'000 < 4'000 ? 60U : 40U);
      if (grow || blocks.empty()) {
        blocks.push_back(take(slab, some_size(random), static_cast<char>(step)));
        continue;
      }
      const std::size_t i = random.below(blocks.size());
      REQUIRE(intact(blocks[i]));
      slab.release(blocks[i].at, blocks[i].size_bytes);
      blocks[i] = blocks.back();
      blocks.pop_back();
    }
    std::uint64_t stored_bytes = 0;
    for (const Block& block : blocks) {
      REQUIRE(intact(block));
      stored_bytes += block.size_bytes;
    }
    CHECK(slab.memory_bytes() > stored_bytes);
    for (const Block& block : blocks) slab.release(block.at, block.size_bytes);
    // The first region and one kept against thrashing.
    CHECK(slab.memory_bytes() <= 2 * kRegionBytes + 4096);
  }
}

TEST_CASE("slab: pages that became empty serve other sizes") {
  Slab slab;
  std::vector<char*> slots;
  for (int i = 0; i < 200'000; ++i) slots.push_back(slab.allocate(96));
  const std::uint64_t full = slab.memory_bytes();
  CHECK(full >= 200'000 * 96);
  CHECK(full <= 200'000 * 96 + 2 * kRegionBytes);
  // All but one slot in each 10,000: no region is empty, most pages are.
  for (std::size_t i = 0; i < slots.size(); ++i) {
    if (i % 10'000 != 0) slab.release(slots[i], 96);
  }
  const std::uint64_t thinned = slab.memory_bytes();
  std::vector<char*> others;
  for (int i = 0; i < 500; ++i) others.push_back(slab.allocate(20'000));
  CHECK(slab.memory_bytes() <= thinned + kRegionBytes);
  for (char* other : others) slab.release(other, 20'000);
  for (std::size_t i = 0; i < slots.size(); i += 10'000) slab.release(slots[i], 96);
  CHECK(slab.memory_bytes() <= 2 * kRegionBytes + 4096);
}

TEST_CASE("slab: nothing is held before the first allocation, little after it") {
  Slab slab;
  CHECK(slab.memory_bytes() == 0);
  char* const slot = slab.allocate(100);
  CHECK(slab.memory_bytes() <= std::size_t{100} << 10U);
  char* const big = slab.allocate(1'000'000);
  CHECK(slab.memory_bytes() >= 1'000'000);
  slab.release(big, 1'000'000);
  CHECK(slab.memory_bytes() <= std::size_t{100} << 10U);
  slab.release(slot, 100);
}
