#include "phoenix/engine/expiry_heap.h"

#include <map>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "phoenix/engine/index.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

constexpr std::int64_t kStartMs = 1'750'000'000'000;

// Delivers everything that is due, in groups of at most `examine_max`.
std::vector<ExpiryNode> take_all_due(ExpiryHeap& heap, std::int64_t until_ms,
                                     std::size_t examine_max = 64) {
  std::vector<ExpiryNode> due;
  for (;;) {
    const ExpiryHeap::Taken taken = heap.take_due(until_ms, examine_max);
    REQUIRE(taken.examined <= examine_max);
    REQUIRE(taken.count <= taken.examined);
    if (taken.examined == 0) break;
    due.insert(due.end(), taken.nodes.begin(),
               taken.nodes.begin() + static_cast<std::ptrdiff_t>(taken.count));
  }
  return due;
}

std::int64_t some_ttl_ms(SeededRandom& random) {
  return 1 + static_cast<std::int64_t>(random.next() >> (20 + random.below(43)));
}

struct Model {
  std::map<std::uint64_t, ExpiryMs> armed;  // By ref, which is unique here.

  void expect(const std::vector<ExpiryNode>& due, std::int64_t until_ms) {
    for (const ExpiryNode& node : due) {
      const auto found = armed.find(node.ref);
      REQUIRE(found != armed.end());
      REQUIRE(node.at_ms <= found->second);
      REQUIRE(node.at_ms <= until_ms);
      REQUIRE(node.arm == node.ref % 8);
      armed.erase(found);
    }
    for (const auto& [ref, at_ms] : armed) REQUIRE(at_ms > until_ms);
  }
};

}  // namespace

TEST_CASE("expiry heap: a node comes no later than asked for, and carries what it was given") {
  for (const std::uint64_t seed : {31U, 32U, 33U, 34U}) {
    CAPTURE(seed);
    SeededRandom random(seed);
    Slab slab;
    ExpiryHeap heap(slab);
    Model model;
    std::int64_t now_ms = kStartMs;
    heap.set_now(now_ms);
    for (int round = 0; round < 300; ++round) {
      for (int i = 0; i < 40; ++i) {
        const ExpiryMs at_ms = std::min(now_ms + some_ttl_ms(random) - 500, kExpiryMsMax);
        const std::uint64_t ref = random.next() & kIndexHashBits;
        if (!model.armed.emplace(ref, at_ms).second) continue;
        heap.arm({.ref = ref, .at_ms = at_ms, .arm = static_cast<unsigned>(ref % 8)});
      }
      REQUIRE(heap.nodes() == model.armed.size());
      // Mostly forward, in steps of all sizes, and sometimes back.
      now_ms += some_ttl_ms(random) / 64;
      if (random.below(8) == 0) now_ms -= some_ttl_ms(random) / 64;
      now_ms = std::clamp(now_ms, kStartMs / 2, kExpiryMsMax / 2);
      model.expect(take_all_due(heap, now_ms, 1 + random.below(30)), now_ms);
      REQUIRE(heap.nodes() == model.armed.size());
      if (heap.nodes() != 0) REQUIRE(heap.next_due_ms() > now_ms);
    }
    model.expect(take_all_due(heap, kExpiryMsMax), kExpiryMsMax);
    CHECK(model.armed.empty());
    CHECK(heap.nodes() == 0);
    CHECK(heap.next_due_ms() == kNoExpiry);
    CHECK(heap.oldest_ms() == kNoExpiry);
  }
}

TEST_CASE("expiry heap: a near node is exact to the millisecond") {
  Slab slab;
  ExpiryHeap heap(slab);
  heap.set_now(kStartMs);
  heap.arm({.ref = 1, .at_ms = kStartMs + 60'000, .arm = 1});
  CHECK(take_all_due(heap, kStartMs + 59'999).empty());
  CHECK(heap.next_due_ms() == kStartMs + 60'000);
  const auto due = take_all_due(heap, kStartMs + 60'000);
  REQUIRE(due.size() == 1);
  CHECK(due[0].at_ms == kStartMs + 60'000);
}

TEST_CASE("expiry heap: what is armed before the time is known still comes") {
  Slab slab;
  ExpiryHeap heap(slab);
  SeededRandom random(35);
  Model model;
  for (int i = 0; i < 10'000; ++i) {
    const ExpiryMs at_ms = kStartMs + static_cast<std::int64_t>(random.below(100'000'000));
    const std::uint64_t ref = random.next() & kIndexHashBits;
    model.armed[ref] = at_ms;
    heap.arm({.ref = ref, .at_ms = at_ms, .arm = static_cast<unsigned>(ref % 8)});
  }
  for (std::int64_t now_ms = kStartMs; now_ms <= kStartMs + 90'000'000; now_ms += 10'000'000) {
    model.expect(take_all_due(heap, now_ms), now_ms);
  }
  CHECK(heap.nodes() == model.armed.size());
  CHECK(heap.nodes() > 500);
  CHECK(heap.oldest_ms() > kStartMs + 90'000'000);
}

TEST_CASE("expiry heap: the number of buckets does not follow that of the nodes") {
  Slab slab;
  ExpiryHeap heap(slab);
  SeededRandom random(36);
  std::int64_t now_ms = kStartMs;
  heap.set_now(now_ms);
  std::uint64_t memory_max = 0;
  for (int round = 0; round < 200; ++round) {
    for (int i = 0; i < 2'000; ++i) {
      const auto ttl_ms = static_cast<std::int64_t>(random.below(50'000'000));
      heap.arm({.ref = random.next(), .at_ms = now_ms + 1 + ttl_ms, .arm = 0});
    }
    now_ms += 50'000;
    take_all_due(heap, now_ms);
    memory_max = std::max(memory_max, heap.memory_bytes());
  }
  CHECK(memory_max < std::uint64_t{512} << 10U);
  // Chunks are full but for one in each bucket: 8 bytes and an eighth per node.
  CHECK(slab.memory_bytes() < heap.nodes() * 10 + kRegionBytes);
}

TEST_CASE("expiry heap: take_any goes over all nodes, also while some are armed again") {
  Slab slab;
  ExpiryHeap heap(slab);
  SeededRandom random(37);
  heap.set_now(kStartMs);
  std::map<std::uint64_t, ExpiryMs> armed;
  for (int i = 0; i < 5'000; ++i) {
    const std::uint64_t ref = random.next() & kIndexHashBits;
    armed[ref] = kStartMs + 1 + static_cast<std::int64_t>(random.below(10'000'000));
    heap.arm({.ref = ref, .at_ms = armed[ref], .arm = 0});
  }
  // Every second node is dropped, the others are armed under another number.
  std::size_t dropped = 0;
  for (int step = 0; step < 200'000 && dropped < 2'500; ++step) {
    const ExpiryHeap::Taken taken = heap.take_any();
    for (std::size_t i = 0; i < taken.count; ++i) {
      const ExpiryNode& node = taken.nodes[i];
      const auto found = armed.find(node.ref);
      REQUIRE(found != armed.end());
      if (node.arm == 0 && armed.size() - 2'500 > 0 && armed.size() > 2'500) {
        armed.erase(found);
        ++dropped;
      } else {
        heap.arm({.ref = node.ref, .at_ms = found->second, .arm = 1});
      }
    }
    REQUIRE(heap.nodes() == armed.size());
  }
  CHECK(dropped == 2'500);
  // Those that are left come in time, from halves of buckets that a sweep was at, too.
  for (std::int64_t now_ms = kStartMs; now_ms <= kStartMs + 10'000'000; now_ms += 100'000) {
    for (const ExpiryNode& node : take_all_due(heap, now_ms)) REQUIRE(armed.erase(node.ref) == 1);
    for (const auto& [ref, at_ms] : armed) REQUIRE(at_ms > now_ms);
  }
  CHECK(heap.nodes() == 0);
}

TEST_CASE("expiry heap: an empty one has nothing to take") {
  Slab slab;
  ExpiryHeap heap(slab);
  CHECK(heap.take_due(kStartMs, 100).examined == 0);
  CHECK(heap.take_any().examined == 0);
  CHECK(heap.next_due_ms() == kNoExpiry);
  CHECK(slab.memory_bytes() == 0);
}
