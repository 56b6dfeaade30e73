// Removing everything at once: nothing of it is seen again, what it held is freed bit by bit and
// counts until then, and what goes on meanwhile does.
#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/engine/support.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

constexpr std::int64_t kNowMs = 1'750'000'000'000;

/// Frees all, and returns in how many steps.
std::size_t free_all(Keyspace& keyspace, std::uint64_t work_max) {
  std::size_t steps = 1;
  while (keyspace.free_some(work_max)) ++steps;
  return steps;
}

TEST_CASE("clear: everything is gone, with one effect, and what comes later stays") {
  World<KeepingSink> world(1);
  for (int i = 0; i < 1000; ++i) world.put("key:" + std::to_string(i), "v", kNowMs + 1000 + i);
  world.put("large", std::string(100'000, 'v'));
  world.sink.kept.clear();
  world.keyspace.clear();
  REQUIRE(world.sink.kept.size() == 1);
  CHECK(world.sink.kept[0].kind == Effect::Kind::clear);
  CHECK(world.sink.kept[0].key.empty());
  CHECK(world.keyspace.size() == 0);
  CHECK(world.keyspace.size_with_expiry() == 0);
  CHECK_FALSE(world.has("key:1"));
  world.put("key:1", "new", kNowMs + 5);
  CHECK(world.get("key:1") == "new");
  free_all(world.keyspace, 1);
  CHECK(world.get("key:1") == "new");
  CHECK(world.keyspace.size() == 1);
  CHECK(world.remove_expired(kNowMs + 10'000) == 1);
}

TEST_CASE("clear: of nothing is no effect") {
  World<KeepingSink> world(2);
  world.keyspace.clear();
  world.put("key", "v");
  world.erase("key");
  world.sink.kept.clear();
  world.keyspace.clear();
  CHECK(world.sink.kept.empty());
  CHECK_FALSE(world.keyspace.has_more_to_free());
}

TEST_CASE("clear: what is small is freed at once") {
  World<CountingSink> world(3);
  const std::uint64_t empty_bytes = world.keyspace.memory_bytes();
  for (int round = 0; round < 100; ++round) {
    for (int i = 0; i < 10; ++i) world.put("key:" + std::to_string(i), "v", kNowMs);
    world.put("large", std::string(100'000, 'v'));
    world.keyspace.clear();
    REQUIRE_FALSE(world.keyspace.has_more_to_free());
    REQUIRE(world.keyspace.memory_bytes() <= empty_bytes);
  }
}

TEST_CASE("clear: memory counts until it is freed, in small steps") {
  World<CountingSink> world(4);
  const std::uint64_t empty_bytes = world.keyspace.memory_bytes();
  for (int i = 0; i < 150'000; ++i) {
    world.put("key:" + std::to_string(i), std::string(100, 'v'), kNowMs + 1000 + i);
  }
  const std::uint64_t full_bytes = world.keyspace.memory_bytes();
  REQUIRE(full_bytes > std::uint64_t{20} << 20U);
  world.keyspace.clear();
  CHECK(world.keyspace.has_more_to_free());
  CHECK(world.keyspace.memory_bytes() > full_bytes - (std::uint64_t{12} << 20U));
  CHECK(world.keyspace.used_bytes() > full_bytes - (std::uint64_t{12} << 20U));
  std::uint64_t before = world.keyspace.memory_bytes();
  while (world.keyspace.free_some(1)) {
    REQUIRE(world.keyspace.memory_bytes() <= before);
    REQUIRE(before - world.keyspace.memory_bytes() <= std::uint64_t{3} << 20U);
    before = world.keyspace.memory_bytes();
  }
  CHECK(world.keyspace.memory_bytes() <= empty_bytes);
}

TEST_CASE("clear: large and oversized entries are freed one by one, those still held stay") {
  auto meter = std::make_shared<LargeMeter>();
  CountingSink sink;
  SeededRandom random(5);
  Keyspace keyspace(HashKey::draw(random), sink, meter);
  const auto put = [&](const std::string& name, const std::string& value) {
    keyspace.put({name, keyspace.hash_of(name)}, NewValue::copy_of(value), kNoExpiry);
  };
  for (int i = 0; i < 3000; ++i) put("key:" + std::to_string(i), "small");
  for (int i = 0; i < 100; ++i) {
    put("large:" + std::to_string(i), std::string(40'000, 'v'));
    put(std::to_string(i) + std::string(60'000, 'k'), "long key");
  }
  EntryView view;
  REQUIRE(keyspace.find({"large:7", keyspace.hash_of("large:7")}, kNowMs, view));
  LargeValueRef reader = *view.large;
  keyspace.clear();
  CHECK(keyspace.has_more_to_free());
  CHECK(keyspace.large_value_bytes() > 0);
  std::size_t steps = 1;
  bool more = true;
  while (more) {
    more = keyspace.free_some(1);
    ++steps;
    // Whoever still sends a value holds it; the keyspace counts it until it lets go itself.
    REQUIRE(meter->bytes() >= keyspace.large_value_bytes());
  }
  CHECK(steps > 100);
  CHECK(keyspace.large_value_bytes() == 0);
  CHECK(meter->bytes() == reader->memory_bytes());
  CHECK(reader->view() == std::string(40'000, 'v'));
  reader.reset();
  CHECK(meter->bytes() == 0);
}

TEST_CASE("clear: a second one while the first is being freed, and an end in the middle") {
  auto meter = std::make_shared<LargeMeter>();
  {
    CountingSink sink;
    SeededRandom random(6);
    Keyspace keyspace(HashKey::draw(random), sink, meter);
    for (int round = 0; round < 4; ++round) {
      for (int i = 0; i < 2000; ++i) {
        const std::string key = "key:" + std::to_string(i);
        const std::string value(i % 10 == 0 ? 40'000 : 100, static_cast<char>('a' + round));
        keyspace.put({key, keyspace.hash_of(key)}, NewValue::copy_of(value), kNowMs + 5);
      }
      keyspace.free_some(100'000);
      keyspace.clear();
      CHECK(keyspace.size() == 0);
      CHECK(keyspace.has_more_to_free());
    }
    CHECK(meter->bytes() == keyspace.large_value_bytes());
    CHECK(sink.count == 4 * 2001);
  }
  CHECK(meter->bytes() == 0);
}

TEST_CASE("clear: a scan that is under way ends, or finds what is put later") {
  World<CountingSink> world(7);
  for (int i = 0; i < 10'000; ++i) world.put("old:" + std::to_string(i), "v");
  CountingVisitor visitor;
  ScanCursor cursor = world.keyspace.scan(0, 5'000, kNowMs, visitor);
  REQUIRE(cursor != 0);
  world.keyspace.clear();
  for (int i = 0; i < 1'000; ++i) world.put("new:" + std::to_string(i), "v");
  CountingVisitor later;
  while (cursor != 0) cursor = world.keyspace.scan(cursor, 10, kNowMs, later);
  for (const auto& [key, times] : later.seen) {
    CHECK(key.substr(0, 4) == "new:");
    CHECK(times == 1);
  }
  CHECK(later.visits > 300);
}

TEST_CASE("clear: an expiry that was seen before it is still told, and who listens still listens") {
  struct Names final : ExpiryListener {
    void expired(std::string_view key) override { names += key; }
    std::string names;
  };
  World<CountingSink> world(8);
  Names listener;
  world.keyspace.set_expiry_listener(&listener);
  world.put("gone", "v", kNowMs);
  CHECK_FALSE(world.has("gone", kNowMs));
  world.keyspace.clear();
  CHECK(world.keyspace.take_expiry_seen() == kNowMs);
  world.put("a", "v", kNowMs);
  world.remove_expired(kNowMs);
  CHECK(listener.names == "a");
}

TEST_CASE("erase: a very long value is freed in steps, and does not pile up in a replay") {
  const auto meter = std::make_shared<LargeMeter>();
  KeepingSink sink;
  sink.keeps_large = false;
  SeededRandom random(9);
  Keyspace keyspace(HashKey::draw(random), sink, meter);
  const Key key{"key", keyspace.hash_of("key")};
  const std::size_t size = std::size_t{64} << 20U;
  keyspace.patch(key, size - 1, "x", kNowMs);
  CHECK_FALSE(keyspace.has_more_to_free());
  REQUIRE(keyspace.erase(key, kNowMs));
  CHECK(keyspace.large_value_bytes() == 0);
  CHECK(meter->bytes_to_free() == size);
  CHECK(keyspace.has_more_to_free());
  const std::size_t steps = free_all(keyspace, std::uint64_t{256} << 10U);
  CHECK(steps == 64);
  CHECK(meter->bytes() == 0);
  for (int i = 0; i < 3; ++i) {
    const auto block = std::make_shared<LargeValue>();
    REQUIRE(block->reserve(size));
    REQUIRE(block->write(size - 1, "y"));
    keyspace.apply({.kind = Effect::Kind::put,
                    .key = key.bytes,
                    .hash = key.hash,
                    .value = NewValue::adopt(block)},
                   {});
    CHECK(meter->bytes_to_free() <= size);
  }
}

}  // namespace
