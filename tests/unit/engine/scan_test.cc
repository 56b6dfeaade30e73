#include <algorithm>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "phoenix/engine/keyspace.h"
#include "tests/unit/engine/support.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

std::string stable_key(int i) {
  return "stable " + std::to_string(i);
}

}  // namespace

TEST_CASE("scan: an empty keyspace ends at once") {
  World<CountingSink> world(1);
  CountingVisitor visitor;
  ScanCursor cursor = 0;
  int calls = 0;
  do {
    cursor = world.keyspace.scan(cursor, 100, 0, visitor);
    REQUIRE(++calls < 100);
  } while (cursor != 0);
  CHECK(visitor.visits == 0);
}

TEST_CASE("scan: everything once, in bounded steps, the cursor's low 16 bits left free") {
  World<CountingSink> world(2);
  for (int i = 0; i < 20'000; ++i) world.put(stable_key(i), "v");
  for (const std::size_t entries_max : {std::size_t{0}, std::size_t{1}, std::size_t{10},
                                        std::size_t{1000}, std::size_t{1'000'000}}) {
    CountingVisitor visitor;
    ScanCursor cursor = 0;
    do {
      const std::size_t before = visitor.visits;
      cursor = world.keyspace.scan(cursor, entries_max, 0, visitor);
      REQUIRE((cursor & 0xFFFFU) == 0);
      REQUIRE(visitor.visits - before <= entries_max + 40);
    } while (cursor != 0);
    CHECK(visitor.visits == 20'000);
    CHECK(visitor.seen.size() == 20'000);
  }
}

TEST_CASE("scan: the caller may keep a number in the low 16 bits of the cursor") {
  World<CountingSink> world(3);
  for (int i = 0; i < 3'000; ++i) world.put(stable_key(i), "v");
  CountingVisitor visitor;
  ScanCursor cursor = 7;
  do {
    cursor = world.keyspace.scan(cursor, 50, 0, visitor);
    if (cursor != 0) cursor |= 7;
  } while (cursor != 0);
  CHECK(visitor.visits == 3'000);
}

TEST_CASE("scan: any cursor is answered") {
  World<CountingSink> world(4);
  for (int i = 0; i < 3'000; ++i) world.put(stable_key(i), "v");
  for (int i = 0; i < 1'000; ++i) {
    CountingVisitor visitor;
    const ScanCursor cursor = world.random.next();
    const ScanCursor next = world.keyspace.scan(cursor, 20, 0, visitor);
    CHECK((next == 0 || next > cursor));
  }
}

TEST_CASE("scan: what stays is visited once while the rest grows and shrinks around it") {
  for (const std::uint64_t seed : {41U, 42U, 43U, 44U}) {
    CAPTURE(seed);
    World<CountingSink> world(seed);
    const int stable = 2'000;
    for (int i = 0; i < stable; ++i) world.put(stable_key(i), "v");
    int added = 0;
    int erased = 0;
    CountingVisitor visitor;
    ScanCursor cursor = 0;
    int calls = 0;
    do {
      cursor = world.keyspace.scan(cursor, 1 + world.random.below(30), 0, visitor);
      // In some scans the index grows by far and shrinks again, in others the reverse.
      const bool grow = (calls++ / 60 + static_cast<int>(seed)) % 2 == 0;
      const int changes = static_cast<int>(world.random.below(500));
      for (int i = 0; i < changes; ++i) {
        if (grow) {
          world.put("guest " + std::to_string(added++), "v");
        } else if (erased < added) {
          world.erase("guest " + std::to_string(erased++));
        }
      }
      REQUIRE(calls < 100'000);
    } while (cursor != 0);
    for (int i = 0; i < stable; ++i) {
      CAPTURE(i);
      REQUIRE(visitor.seen[stable_key(i)] == 1);
    }
    for (const auto& [key, times] : visitor.seen) REQUIRE(times <= 1);
  }
}

TEST_CASE("scan: hidden entries are passed over, in steps that stay bounded") {
  World<CountingSink> world(5);
  for (int i = 0; i < 10'000; ++i) world.put(stable_key(i), "v", 1'000);
  world.put("live", "v");
  CountingVisitor visitor;
  ScanCursor cursor = 0;
  int calls = 0;
  do {
    cursor = world.keyspace.scan(cursor, 100, 5'000, visitor);
    ++calls;
  } while (cursor != 0);
  CHECK(visitor.seen == std::map<std::string, int>{{"live", 1}});
  CHECK(calls > 50);
}
