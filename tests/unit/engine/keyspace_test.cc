#include "phoenix/engine/keyspace.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/engine/entry.h"
#include "tests/unit/engine/support.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

constexpr std::int64_t kNowMs = 1'750'000'000'000;

LargeValueRef large_value(std::size_t size_bytes, char fill) {
  auto block = std::make_shared<LargeValue>();
  REQUIRE(block->append(std::string(size_bytes, fill)));
  return block;
}

}  // namespace

TEST_CASE("keyspace: put, find, overwrite, erase, and one effect for each change") {
  World<KeepingSink> world(1);
  CHECK(world.get("a") == "(none)");
  world.put("a", "1");
  world.put("b", "2", kNowMs + 5);
  CHECK(world.get("a") == "1");
  CHECK(world.view("b").expires_at_ms == kNowMs + 5);
  CHECK(world.view("b").position == world.sink.kept[1].position);
  world.put("a", "one");
  CHECK(world.get("a") == "one");
  CHECK(world.keyspace.size() == 2);
  CHECK(world.keyspace.size_with_expiry() == 1);
  CHECK(world.erase("a"));
  CHECK_FALSE(world.erase("a"));
  CHECK(world.get("a") == "(none)");
  CHECK(world.keyspace.size() == 1);

  REQUIRE(world.sink.kept.size() == 4);
  CHECK(world.sink.kept[1].kind == Effect::Kind::put);
  CHECK(world.sink.kept[1].key == "b");
  CHECK(world.sink.kept[1].value == "2");
  CHECK(world.sink.kept[1].expires_at_ms == kNowMs + 5);
  CHECK(world.sink.kept[1].hash == world.keyspace.hash_of("b"));
  CHECK(world.sink.kept[3].kind == Effect::Kind::erase);
  CHECK(world.sink.kept[3].key == "a");
}

TEST_CASE("keyspace: the empty key, the empty value, the longest key") {
  World<KeepingSink> world(2);
  const std::string longest(kEntryKeyBytesMax, '\0');
  world.put("", "empty key");
  world.put("empty value", "");
  world.put(longest, "long");
  CHECK(world.get("") == "empty key");
  CHECK(world.get("empty value").empty());
  CHECK(world.has("empty value"));
  CHECK(world.get(longest) == "long");
  CHECK(world.get(longest.substr(1)) == "(none)");
  CHECK(world.erase(longest));
  CHECK(world.keyspace.size() == 2);
}

TEST_CASE("keyspace: a value of the same size is stored in place") {
  World<KeepingSink> world(3);
  world.put("key", std::string(64, 'a'));
  const char* const before = world.view("key").value.data();
  world.put("key", std::string(64, 'b'));
  CHECK(world.view("key").value.data() == before);
  CHECK(world.get("key") == std::string(64, 'b'));
  world.put("key", std::string(62, 'c'));
  CHECK(world.view("key").value.data() == before);
  CHECK(world.get("key") == std::string(62, 'c'));
  world.put("key", std::string(164, 'd'));
  CHECK(world.get("key") == std::string(164, 'd'));
}

TEST_CASE("keyspace: what is put may be a view of what is replaced") {
  World<KeepingSink> world(4);
  const std::string value(100, 'v');
  world.put("key", value);
  for (const ExpiryMs expiry : {kNowMs, kNowMs + 1, kNoExpiry, kNoExpiry}) {
    const EntryView old = world.view("key");
    world.keyspace.put({old.key, world.keyspace.hash_of("key")}, NewValue::copy_of(old.value),
                       expiry);
    CHECK(world.get("key") == value);
    CHECK(world.view("key").expires_at_ms == expiry);
    CHECK(world.sink.kept.back().value == value);
    CHECK(world.sink.kept.back().key == "key");
  }
  EntryView old = world.view("key");
  world.keyspace.put({old.key, world.keyspace.hash_of("key")},
                     NewValue::copy_of(old.value.substr(7, 50)), kNoExpiry);
  CHECK(world.get("key") == value.substr(7, 50));
  CHECK(world.sink.kept.back().value == value.substr(7, 50));
  old = world.view("key");
  CHECK(world.keyspace.set_expiry({old.key, world.keyspace.hash_of("key")}, kNowMs, 0));
  CHECK(world.sink.kept.back().key == "key");
  old = world.view("key");
  CHECK(world.keyspace.erase({old.key, world.keyspace.hash_of("key")}, 0));
  CHECK(world.sink.kept.back().key == "key");
}

TEST_CASE(
    "keyspace: an expired entry is hidden, at the very millisecond, and comes back with the "
    "clock") {
  World<KeepingSink> world(5);
  world.put("key", "value", kNowMs);
  CHECK(world.has("key", kNowMs - 1));
  CHECK_FALSE(world.has("key", kNowMs));
  CHECK_FALSE(world.expire("key", kNowMs + 10, kNowMs));
  CHECK(world.has("key", kNowMs - 1));
  CHECK(world.keyspace.size() == 1);
  CHECK(world.sink.kept.size() == 1);
}

TEST_CASE("keyspace: an expiry that made an answer is told once, the latest of them") {
  World<KeepingSink> world(6);
  CHECK(world.keyspace.take_expiry_seen() == kNoExpiry);
  world.put("a", "1", kNowMs - 5);
  world.put("b", "2", kNowMs - 3);
  world.put("c", "3", kNowMs + 9);
  world.put("d", "4", kNowMs - 7);
  world.has("a", kNowMs - 6);
  world.has("c", kNowMs);
  CHECK(world.keyspace.take_expiry_seen() == kNoExpiry);
  world.has("a", kNowMs);
  world.has("b", kNowMs);
  world.has("d", kNowMs);
  CHECK(world.keyspace.take_expiry_seen() == kNowMs - 3);
  CHECK(world.keyspace.take_expiry_seen() == kNoExpiry);
  CHECK_FALSE(world.erase("a", kNowMs));
  CHECK(world.keyspace.take_expiry_seen() == kNowMs - 5);
  CHECK_FALSE(world.expire("d", kNowMs + 100, kNowMs));
  CHECK(world.keyspace.take_expiry_seen() == kNowMs - 7);
  CountingVisitor visitor;
  CHECK(world.keyspace.scan(0, 1000, kNowMs, visitor) == 0);
  CHECK(visitor.seen == std::map<std::string, int>{{"c", 1}});
  CHECK(world.keyspace.take_expiry_seen() == kNowMs - 3);
  // A put over an expired entry answers nothing that depends on it.
  world.put("a", "new");
  CHECK(world.keyspace.take_expiry_seen() == kNoExpiry);
  CHECK(world.get("a", kNowMs) == "new");
}

TEST_CASE("keyspace: erasing an expired entry emits nothing and leaves it to the heap") {
  World<KeepingSink> world(7);
  world.put("key", "value", kNowMs);
  CHECK_FALSE(world.erase("key", kNowMs + 1));
  CHECK(world.sink.kept.size() == 1);
  CHECK(world.keyspace.size() == 1);
  CHECK(world.remove_expired(kNowMs + 1) == 1);
  CHECK(world.keyspace.size() == 0);
  CHECK(world.sink.kept.size() == 1);
}

TEST_CASE("keyspace: set_expiry sets, moves, ends and persists") {
  World<KeepingSink> world(8);
  world.put("key", "value");
  CHECK_FALSE(world.expire("other", kNowMs));
  CHECK(world.expire("key", kNowMs + 100, kNowMs));
  CHECK(world.get("key", kNowMs) == "value");
  CHECK(world.keyspace.size_with_expiry() == 1);
  CHECK(world.expire("key", kNowMs + 50, kNowMs));
  CHECK(world.view("key", kNowMs).expires_at_ms == kNowMs + 50);
  CHECK(world.expire("key", kNoExpiry, kNowMs));
  CHECK(world.keyspace.size_with_expiry() == 0);
  CHECK(world.remove_expired(kNowMs + 1000) == 0);
  CHECK(world.get("key", kNowMs + 1000) == "value");
  CHECK(world.view("key").position == world.sink.kept.back().position);
  CHECK(world.expire("key", kNowMs, kNowMs + 1000));
  CHECK_FALSE(world.has("key", kNowMs + 1000));
  CHECK(world.remove_expired(kNowMs + 1000) == 1);

  REQUIRE(world.sink.kept.size() == 5);
  for (std::size_t i = 1; i < 5; ++i) {
    CHECK(world.sink.kept[i].kind == Effect::Kind::expiry);
    CHECK(world.sink.kept[i].key == "key");
    CHECK(world.sink.kept[i].value.empty());
  }
  CHECK(world.sink.kept[2].expires_at_ms == kNowMs + 50);
  CHECK(world.sink.kept[3].expires_at_ms == kNoExpiry);
}

TEST_CASE("keyspace: a lifetime that was extended, shortened or dropped is kept to") {
  World<CountingSink> world(9);
  world.keyspace.remove_expired(kNowMs, 1);
  world.put("extended", "", kNowMs + 1'000);
  world.expire("extended", kNowMs + 500'000, kNowMs);
  world.put("shortened", "", kNowMs + 500'000);
  world.expire("shortened", kNowMs + 2'000, kNowMs);
  world.put("put again", "", kNowMs + 1'500);
  world.put("put again", "", kNowMs + 400'000);
  world.put("now for ever", "", kNowMs + 1'500);
  world.put("now for ever", "");
  CHECK(world.remove_expired(kNowMs + 1'999) == 0);
  CHECK(world.remove_expired(kNowMs + 2'000) == 1);
  CHECK(world.remove_expired(kNowMs + 399'999) == 0);
  CHECK(world.remove_expired(kNowMs + 400'000) == 1);
  CHECK(world.remove_expired(kNowMs + 499'999) == 0);
  CHECK(world.remove_expired(kNowMs + 500'000) == 1);
  CHECK(world.keyspace.size() == 1);
  CHECK(world.has("now for ever", kExpiryMsMax));
}

TEST_CASE("keyspace: expiry comes in bounded slices, and says when to come back") {
  World<CountingSink> world(10);
  CHECK(world.keyspace.remove_expired(kNowMs, 10).next_due_ms == kNoExpiry);
  CHECK(world.keyspace.expiry_lag_ms(kNowMs) == 0);
  for (int i = 0; i < 1000; ++i) world.put(std::to_string(i), "v", kNowMs + 1 + i % 10);
  world.put("later", "v", kNowMs + 5'000'000);
  CHECK(world.keyspace.remove_expired(kNowMs, 100).removed == 0);
  CHECK(world.keyspace.remove_expired(kNowMs, 100).next_due_ms == kNowMs + 1);
  CHECK(world.keyspace.expiry_lag_ms(kNowMs + 1) == 0);
  CHECK(world.keyspace.expiry_lag_ms(kNowMs + 61) == 60);

  std::size_t removed = 0;
  int slices = 0;
  for (bool more = true; more; ++slices) {
    const ExpirySlice slice = world.keyspace.remove_expired(kNowMs + 10, 64);
    CHECK(slice.removed <= 64);
    removed += slice.removed;
    more = slice.more_due;
    REQUIRE(slices < 100);
  }
  CHECK(removed == 1000);
  CHECK(slices >= 1000 / 64);
  CHECK(world.keyspace.size() == 1);
  CHECK(world.keyspace.expiry_lag_ms(kNowMs + 10) == 0);

  // Following next_due_ms leads to the last one without ever being late.
  ExpirySlice slice = world.keyspace.remove_expired(kNowMs + 10, 64);
  int calls = 0;
  while (slice.next_due_ms != kNoExpiry) {
    REQUIRE(slice.next_due_ms <= kNowMs + 5'000'000);
    slice = world.keyspace.remove_expired(slice.next_due_ms, 64);
    REQUIRE(++calls < 20);
  }
  CHECK(world.keyspace.size() == 0);
}

TEST_CASE("keyspace: what the heap keeps of entries that are gone is not late") {
  World<CountingSink> world(10);
  world.keyspace.remove_expired(kNowMs, 1);
  world.put("a", "v", kNowMs + 100);
  world.put("a", "v");
  CHECK(world.keyspace.expiry_lag_ms(kNowMs + 10'000) == 0);
  CHECK(world.keyspace.has_expiry_nodes());
  for (int i = 0; i < 20; ++i)
    CHECK(world.keyspace.remove_expired(kNowMs + 10'000, 64).removed == 0);
  CHECK_FALSE(world.keyspace.has_expiry_nodes());
  CHECK(world.keyspace.size() == 1);
}

TEST_CASE("keyspace: no pattern of changed lifetimes fills the heap") {
  World<CountingSink> world(11);
  world.keyspace.remove_expired(kNowMs, 1);
  for (int i = 0; i < 100; ++i) world.put(std::to_string(i), "v", kNowMs + 1'000'000);
  const std::uint64_t start_bytes = world.keyspace.memory_bytes();
  const std::uint64_t slack_bytes = std::uint64_t{512} << 10U;
  constexpr int kRounds = 300'000;

  SUBCASE("shorter and longer in turn") {
    for (int i = 0; i < kRounds; ++i) {
      world.expire(std::to_string(i % 100), kNowMs + 1'000'000 + (i / 100 % 2) * 500'000, kNowMs);
    }
  }
  SUBCASE("shorter again and again") {
    for (int i = 0; i < kRounds; ++i) {
      if (i % 1000 == 0) world.expire("7", kNowMs + 900'000'000, kNowMs);
      world.expire("7", kNowMs + 900'000'000 - i % 1000 * 800'000, kNowMs);
    }
  }
  SUBCASE("erased and put again with the same expiry") {
    for (int i = 0; i < kRounds; ++i) {
      world.erase(std::to_string(i % 100));
      world.put(std::to_string(i % 100), "v", kNowMs + 1'000'000);
    }
  }
  SUBCASE("persisted and given the same expiry") {
    for (int i = 0; i < kRounds; ++i) {
      world.expire(std::to_string(i % 100), kNoExpiry, kNowMs);
      world.expire(std::to_string(i % 100), kNowMs + 1'000'000, kNowMs);
    }
  }
  SUBCASE("ever new keys that are erased long before they would expire") {
    for (int i = 0; i < kRounds; ++i) {
      world.put("temporary " + std::to_string(i), "v", kNowMs + 1'000'000 + i);
      world.erase("temporary " + std::to_string(i));
    }
  }
  CHECK(world.keyspace.memory_bytes() <= start_bytes + slack_bytes);
  CHECK(world.keyspace.size() == 100);
  world.remove_expired(kNowMs + 1'000'000'000);
  CHECK(world.keyspace.size() == 0);
}

TEST_CASE("keyspace: a large value is shared, not copied, and outlives its entry") {
  World<KeepingSink> world(12);
  const LargeValueRef block = large_value(300'000, 'x');
  world.keyspace.put(world.key_of("big"), NewValue::adopt(block), kNoExpiry);
  EntryView entry = world.view("big");
  REQUIRE(entry.large != nullptr);
  CHECK(*entry.large == block);
  CHECK(entry.value.data() == block->view().data());
  CHECK(world.sink.kept[0].large == block);
  CHECK(world.expire("big", kNowMs));
  CHECK(*world.view("big").large == block);
  CHECK(world.view("big").expires_at_ms == kNowMs);

  const LargeValueRef reader = *world.view("big").large;
  world.put("big", "small");
  CHECK(world.view("big").large == nullptr);
  CHECK(world.get("big") == "small");
  CHECK(reader->view() == std::string(300'000, 'x'));
  world.sink.kept.clear();
  CHECK(block.use_count() == 2);
}

TEST_CASE("keyspace: large values one over the other, and plain bytes that are many") {
  World<CountingSink> world(13);
  const std::uint64_t start_bytes = world.keyspace.memory_bytes();
  const LargeValueRef first = large_value(1'000'000, '1');
  const LargeValueRef second = large_value(2'000'000, '2');
  world.keyspace.put(world.key_of("big"), NewValue::adopt(first), kNoExpiry);
  CHECK(world.keyspace.memory_bytes() >= start_bytes + 1'000'000);
  world.keyspace.put(world.key_of("big"), NewValue::adopt(second), kNoExpiry);
  CHECK(first.use_count() == 1);
  CHECK(world.keyspace.memory_bytes() >= start_bytes + 2'000'000);
  CHECK(world.keyspace.memory_bytes() <= start_bytes + 2'600'000);
  // Put what it already is.
  world.keyspace.put(world.key_of("big"), NewValue::adopt(*world.view("big").large), kNoExpiry);
  CHECK(world.get("big") == std::string(2'000'000, '2'));

  world.put("bytes", std::string(kSmallValueBytesMax + 1, 'b'));
  REQUIRE(world.view("bytes").large != nullptr);
  CHECK(world.get("bytes") == std::string(kSmallValueBytesMax + 1, 'b'));
  world.put("bytes", std::string(kSmallValueBytesMax, 'c'));
  CHECK(world.view("bytes").large == nullptr);
  // A small value in a block of its own is copied: blocks are for large ones.
  world.keyspace.put(world.key_of("bytes"), NewValue::adopt(large_value(10, 's')), kNoExpiry);
  CHECK(world.view("bytes").large == nullptr);
  CHECK(world.get("bytes") == std::string(10, 's'));

  world.erase("big");
  world.erase("bytes");
  CHECK(second.use_count() == 1);
  CHECK(world.keyspace.memory_bytes() <= start_bytes + (std::uint64_t{600} << 10U));
}

TEST_CASE("keyspace: what is large or too big for the slab goes with the keyspace") {
  const LargeValueRef block = large_value(100'000, 'x');
  {
    World<CountingSink> world(14);
    world.keyspace.put(world.key_of("big"), NewValue::adopt(block), kNoExpiry);
    world.put(std::string(60'000, 'k'), "oversized entry");
    world.put(std::string(37'000, 'k'), std::string(430, 'v'));
    // Grows past the slab by the room for an expiry.
    const std::string edge(37'440 - 13 - 5, 'e');
    world.put(edge, "12345");
    CHECK(world.expire(edge, kNowMs));
    CHECK(world.get(edge) == "12345");
    CHECK(block.use_count() == 2);
  }
  CHECK(block.use_count() == 1);
}

TEST_CASE("keyspace: an empty one costs little, and so does one that was full") {
  World<CountingSink> world(15);
  CHECK(world.keyspace.memory_bytes() < std::uint64_t{1} << 20U);
  const std::uint64_t start_bytes = world.keyspace.memory_bytes();
  constexpr int kEntries = 200'000;
  for (int i = 0; i < kEntries; ++i) {
    world.put("key " + std::to_string(i), std::string(static_cast<std::size_t>(i % 500), 'v'),
              i % 3 == 0 ? kNowMs + i : kNoExpiry);
  }
  const std::uint64_t full_bytes = world.keyspace.memory_bytes();
  CHECK(full_bytes > std::uint64_t{kEntries} * 260);
  CHECK(full_bytes < std::uint64_t{kEntries} * 330);
  for (int i = 0; i < kEntries; ++i) CHECK(world.erase("key " + std::to_string(i)));
  CHECK(world.keyspace.size() == 0);
  CHECK(world.keyspace.size_with_expiry() == 0);
  // What is kept: the first region of slab and index, and one more of each against thrashing.
  CHECK(world.keyspace.memory_bytes() <= start_bytes + (std::uint64_t{9} << 20U));
}

TEST_CASE("keyspace: overhead per entry of 16 and 64 bytes") {
  World<CountingSink> world(16);
  constexpr std::size_t kEntries = 300'000;
  const std::string value(64, 'v');
  for (std::size_t i = 0; i < kEntries; ++i) world.put(random_bytes(world.random, 16), value);
  const std::uint64_t bytes = world.keyspace.memory_bytes();
  CHECK(bytes < kEntries * (16 + 64 + 36));
}

TEST_CASE("keyspace: apply repeats what effects say and emits nothing") {
  World<KeepingSink> world(17);
  const auto apply = [&](Effect::Kind kind, std::string_view key, std::string_view value,
                         ExpiryMs expiry, std::uint64_t position) {
    Effect effect{.kind = kind, .key = key, .hash = world.keyspace.hash_of(key), .value = {}};
    effect.value = NewValue::copy_of(value);
    effect.expires_at_ms = expiry;
    world.keyspace.apply(effect, {position});
  };
  apply(Effect::Kind::put, "a", "1", kNowMs, 10);
  apply(Effect::Kind::put, "b", "2", kNoExpiry, 11);
  apply(Effect::Kind::expiry, "b", "", kNowMs + 9, 12);
  apply(Effect::Kind::expiry, "nobody", "", kNowMs, 13);
  apply(Effect::Kind::erase, "nobody", "", kNoExpiry, 14);
  CHECK(world.view("a").position.bits == 10);
  CHECK(world.view("b").position.bits == 12);
  CHECK(world.view("b").expires_at_ms == kNowMs + 9);
  // Replay knows no time: an expired entry is erased like any other.
  apply(Effect::Kind::erase, "a", "", kNoExpiry, 15);
  apply(Effect::Kind::expired, "b", "", kNoExpiry, 16);
  CHECK(world.keyspace.size() == 0);
  CHECK(world.keyspace.size_with_expiry() == 0);
  CHECK(world.sink.kept.empty());
}
