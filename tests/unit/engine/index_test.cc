#include "phoenix/engine/index.h"

#include <deque>
#include <set>
#include <unordered_map>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

// Stands for an entry: the index only asks for its hash.
struct Item {
  std::uint64_t hash = 0;
  std::uint64_t id = 0;
  char* address() { return reinterpret_cast<char*>(this); }
  static Item* of(char* address) { return reinterpret_cast<Item*>(address); }
};

std::uint64_t hash_of_item(const void* calls, char* entry) {
  ++*static_cast<std::uint64_t*>(const_cast<void*>(calls));
  return Item::of(entry)->hash;
}

struct Fixture {
  Fixture() : index(slab, {hash_of_item, &hash_calls}) {}

  Item* add(std::uint64_t hash) {
    items.push_back({hash, items.size()});
    index.insert(hash, items.back().address());
    return &items.back();
  }
  Index::Place place_of(const Item* item) const {
    return index.find(item->hash, [&](char* at) { return Item::of(at) == item; });
  }
  bool erase(const Item* item) {
    const Index::Place place = place_of(item);
    if (place) index.erase(item->hash, place);
    return static_cast<bool>(place);
  }

  Slab slab;
  std::uint64_t hash_calls = 0;
  std::deque<Item> items;
  Index index;
};

}  // namespace

TEST_CASE("index: the portable tag match is the same as the fast one") {
  SeededRandom random(3);
  for (int i = 0; i < 100'000; ++i) {
    std::uint64_t head = random.next();
    const auto tag = static_cast<unsigned>(random.below(256));
    // Make matches and near misses common.
    for (unsigned byte = 0; byte < 8; ++byte) {
      if (random.below(3) != 0) continue;
      const std::uint64_t near = tag ^ (random.below(2) * (1U << random.below(8)));
      head = (head & ~(std::uint64_t{0xFF} << (8 * byte))) | (near << (8 * byte));
    }
    CAPTURE(head);
    CAPTURE(tag);
    REQUIRE((matching_tags(head, tag) & 0x7FU) == (matching_tags_portable(head, tag) & 0x7FU));
  }
}

TEST_CASE("index: reversed bits") {
  CHECK(Index::reverse_bits(1) == std::uint64_t{1} << 63U);
  CHECK(Index::reverse_bits(0xF0) == std::uint64_t{0x0F} << 56U);
  SeededRandom random(4);
  for (int i = 0; i < 100; ++i) {
    const std::uint64_t x = random.next();
    CHECK(Index::reverse_bits(Index::reverse_bits(x)) == x);
  }
}

TEST_CASE("index: random inserts and erases against a set, invariants looked at on the way") {
  for (const std::uint64_t seed : {21U, 22U, 23U}) {
    CAPTURE(seed);
    SeededRandom random(seed);
    Fixture fixture;
    std::vector<Item*> in;
    std::vector<Item*> out;
    for (int step = 0; step < 60'000; ++step) {
      const bool grow = random.below(100) < (step % 30'000 < 15'000 ? 80U : 20U);
      if (grow || in.empty()) {
        in.push_back(fixture.add(random.next()));
      } else {
        const std::size_t i = random.below(in.size());
        REQUIRE(fixture.erase(in[i]));
        out.push_back(in[i]);
        in[i] = in.back();
        in.pop_back();
      }
      REQUIRE(fixture.index.size() == in.size());
      if (step % 5'000 == 0) fixture.index.check();
    }
    fixture.index.check();
    for (const Item* item : in) REQUIRE(fixture.place_of(item));
    for (const Item* item : out) REQUIRE_FALSE(fixture.place_of(item));
    for (const Item* item : in) REQUIRE(fixture.erase(item));
    fixture.index.check();
    CHECK(fixture.index.lines() == 64);
  }
}

TEST_CASE("index: growth past the levels at which slots get new bits, and back") {
  constexpr std::size_t kItems = 520'000;  // 74,000 lines: past level 16.
  SeededRandom random(5);
  Fixture fixture;
  for (std::size_t i = 0; i < kItems; ++i) fixture.add(random.next());
  CHECK(fixture.index.lines() > 65'536);
  CHECK(fixture.index.lines() * 7 >= kItems);
  // Two levels of the ten look at entries at all.
  CHECK(fixture.hash_calls < 2 * kItems);
  fixture.index.check();
  for (const Item& item : fixture.items) REQUIRE(fixture.place_of(&item));
  const std::uint64_t bytes = fixture.index.memory_bytes() + fixture.slab.memory_bytes();
  CHECK(bytes / kItems < 22);

  fixture.hash_calls = 0;
  for (std::size_t i = 0; i + 1000 < kItems; ++i) REQUIRE(fixture.erase(&fixture.items[i]));
  CHECK(fixture.hash_calls == 0);
  fixture.index.check();
  CHECK(fixture.index.lines() < 400);
  CHECK(fixture.index.memory_bytes() <= 3 * kRegionBytes);
  for (std::size_t i = kItems - 1000; i < kItems; ++i) REQUIRE(fixture.place_of(&fixture.items[i]));
}

TEST_CASE("index: any number of equal hashes") {
  SeededRandom random(6);
  Fixture fixture;
  std::vector<Item*> equal;
  for (int i = 0; i < 300; ++i) {
    // Equal in all bits that are looked at; the others differ.
    const std::uint64_t unseen = random.next() & ~kIndexHashBits;
    equal.push_back(fixture.add((0x1234'5678'9ABC'DEF0 & kIndexHashBits) | unseen));
    for (int j = 0; j < 10; ++j) fixture.add(random.next());
  }
  fixture.index.check();
  for (const Item* item : equal) REQUIRE(fixture.place_of(item));
  while (!equal.empty()) {
    const std::size_t i = random.below(equal.size());
    REQUIRE(fixture.erase(equal[i]));
    equal[i] = equal.back();
    equal.pop_back();
    fixture.index.check();
    for (const Item* item : equal) REQUIRE(fixture.place_of(item));
  }
  CHECK(fixture.index.size() == 3000);
}

TEST_CASE("index: 48 bits of a hash find what 64 do, and few others are shown") {
  SeededRandom random(7);
  Fixture fixture;
  for (int i = 0; i < 100'000; ++i) fixture.add(random.next());
  std::size_t shown = 0;
  for (const Item& item : fixture.items) {
    const auto place = fixture.index.find(item.hash & kIndexHashBits, [&](char* at) {
      ++shown;
      return Item::of(at) == &item;
    });
    REQUIRE(place);
  }
  CHECK(shown <= fixture.items.size() + 5);
}

TEST_CASE("index: replace keeps the place") {
  Fixture fixture;
  Item* const first = fixture.add(0x0123'4567'89AB'CDEF);
  Item second{first->hash, 99};
  const Index::Place place = fixture.place_of(first);
  REQUIRE(place);
  Index::replace(place, second.address());
  CHECK_FALSE(fixture.place_of(first));
  REQUIRE(fixture.place_of(&second));
  CHECK(Index::entry_at(fixture.place_of(&second)) == second.address());
  fixture.index.check();
  CHECK(fixture.erase(&second));
  CHECK(fixture.index.size() == 0);
}

TEST_CASE("index: prefetches change nothing and may name what is not there") {
  SeededRandom random(8);
  Fixture fixture;
  for (int round = 0; round < 50; ++round) {
    for (int i = 0; i < 100; ++i) fixture.add(random.next());
    for (const Item& item : fixture.items) {
      fixture.index.prefetch_line(item.hash);
      fixture.index.prefetch_entry(item.hash);
      fixture.index.prefetch_entry(item.hash ^ 0xFF00);
    }
    const Item& gone = fixture.items[random.below(fixture.items.size())];
    fixture.erase(&gone);
    CHECK_FALSE(fixture.place_of(&gone));
  }
  fixture.index.check();
}

TEST_CASE("index: lines are visited in an order that growth keeps") {
  SeededRandom random(9);
  Fixture fixture;
  for (int i = 0; i < 5'000; ++i) fixture.add(random.next());
  std::set<std::uint64_t> seen;
  std::uint64_t position = 0;
  do {
    const std::uint64_t from = position;
    CHECK((from & 0xFFFF'FFFFU) == 0);
    position = fixture.index.visit_line(from, [&](char* at) {
      const std::uint64_t reversed = Index::reverse_bits(Item::of(at)->hash);
      CHECK(reversed >= from);
      CHECK(seen.insert(Item::of(at)->id).second);
    });
    CHECK((position == 0 || position > from));
  } while (position != 0);
  CHECK(seen.size() == 5'000);
}
