// Changes of a part of a value: where they are written, what they leave alone, what is told of
// them, and what is counted.
#include <memory>
#include <string>
#include <utility>

#include <doctest/doctest.h>

#include "tests/unit/engine/support.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

constexpr std::int64_t kNowMs = 1'750'000'000'000;

struct PatchWorld : World<KeepingSink> {
  explicit PatchWorld(std::uint64_t seed) : World(seed) { sink.keeps_large = false; }

  void patch(std::string_view key, std::size_t offset, std::string_view bytes) {
    keyspace.patch(key_of(key), offset, bytes, kNowMs);
  }
  const KeptEffect& last() const { return sink.kept.back(); }
};

TEST_CASE("patch: a small value is changed and extended where it stands") {
  PatchWorld world(1);
  world.put("key", std::string(60, 'a'), kNowMs + 5);
  const char* const before = world.view("key").value.data();
  world.patch("key", 3, "bcd");
  world.patch("key", 60, "e");
  CHECK(world.get("key") == "aaabcd" + std::string(54, 'a') + "e");
  CHECK(world.view("key").value.data() == before);
  CHECK(world.view("key").expires_at_ms == kNowMs + 5);
  CHECK(world.view("key").position == world.last().position);
  // As small as the record of the whole would be.
  CHECK(world.last().kind == Effect::Kind::put);
  CHECK(world.last().value == world.get("key"));
  CHECK(world.last().expires_at_ms == kNowMs + 5);
}

TEST_CASE("patch: the gap behind the end is zeros, whatever lay there before") {
  PatchWorld world(2);
  world.put("key", std::string(62, 'x'));
  world.put("key", "ab");
  world.patch("key", 5, "c");
  CHECK(world.get("key") == std::string("ab\0\0\0c", 6));
  world.patch("key", 300, "d");
  CHECK(world.get("key").size() == 301);
  CHECK(world.get("key").substr(6, 294) == std::string(294, '\0'));
  world.put("large", std::string(50'000, 'x'));
  world.patch("large", 60'000, "e");
  CHECK(world.get("large").substr(50'000) == std::string(10'000, '\0') + "e");
}

TEST_CASE("patch: creates what is not there or expired, without an expiry, and tells all of it") {
  PatchWorld world(3);
  world.patch("new", 0, "value");
  CHECK(world.get("new") == "value");
  world.put("dead", std::string(2000, 'x'), kNowMs);
  world.patch("dead", 2, "v");
  CHECK(world.get("dead", kNowMs) == std::string("\0\0v", 3));
  CHECK(world.view("dead", kNowMs).expires_at_ms == kNoExpiry);
  CHECK(world.keyspace.take_expiry_seen() == kNowMs);
  CHECK(world.last().kind == Effect::Kind::put);
  world.patch("far", 100'000, "v");
  CHECK(world.get("far") == std::string(100'000, '\0') + "v");
  CHECK(world.last().kind == Effect::Kind::put);
  CHECK(world.last().value.size() == 100'001);
  CHECK(world.keyspace.size_with_expiry() == 0);
}

TEST_CASE("patch: a part of a long value is told as that part") {
  PatchWorld world(4);
  world.put("key", std::string(600, 'a'), kNowMs + 5);
  world.patch("key", 100, "b");
  CHECK(world.last().kind == Effect::Kind::patch);
  CHECK(world.last().key == "key");
  CHECK(world.last().value == "b");
  CHECK(world.last().patch_offset == 100);
  CHECK(world.last().expires_at_ms == kNoExpiry);
  world.patch("key", 0, std::string(301, 'c'));  // More than half of it.
  CHECK(world.last().kind == Effect::Kind::put);
  CHECK(world.last().expires_at_ms == kNowMs + 5);
}

TEST_CASE("patch: small becomes large, with its expiry") {
  PatchWorld world(5);
  world.put("key", std::string(kSmallValueBytesMax, 'a'), kNowMs + 5);
  CHECK(world.view("key").large == nullptr);
  world.patch("key", kSmallValueBytesMax, "b");
  CHECK(world.get("key") == std::string(kSmallValueBytesMax, 'a') + "b");
  REQUIRE(world.view("key").large != nullptr);
  CHECK(world.view("key").expires_at_ms == kNowMs + 5);
  CHECK(world.keyspace.size_with_expiry() == 1);
  CHECK(world.keyspace.large_value_bytes() == (*world.view("key").large)->memory_bytes());
  CHECK(world.remove_expired(kNowMs + 5) == 1);
  CHECK(world.keyspace.large_value_bytes() == 0);
}

TEST_CASE("patch: a large value that nobody else holds is changed in place") {
  PatchWorld world(6);
  world.put("key", std::string(100'000, 'a'));
  const LargeValue* const block = world.view("key").large->get();
  world.patch("key", 7, "b");
  CHECK(world.get("key").substr(6, 3) == "aba");
  CHECK(world.view("key").large->get() == block);
  std::uint64_t grown = 0;
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t before = block->capacity_bytes();
    world.patch("key", block->size_bytes(), std::string(100, 'c'));
    if (block->capacity_bytes() != before) ++grown;
    REQUIRE(world.keyspace.large_value_bytes() == block->memory_bytes());
  }
  CHECK(grown <= 2);  // By half each time, not by what came.
  CHECK(world.view("key").large->get() == block);
  CHECK(world.get("key") ==
        std::string(7, 'a') + "b" + std::string(99'992, 'a') + std::string(100'000, 'c'));
}

TEST_CASE("patch: who holds a large value keeps it as it was") {
  auto meter = std::make_shared<LargeMeter>();
  KeepingSink sink;
  sink.keeps_large = false;
  SeededRandom random(7);
  Keyspace keyspace(HashKey::draw(random), sink, meter);
  const Key key{"key", keyspace.hash_of("key")};
  const std::string value(100'000, 'a');
  keyspace.put(key, NewValue::copy_of(value), kNoExpiry);
  EntryView view;
  REQUIRE(keyspace.find(key, kNowMs, view));
  LargeValueRef reader = *view.large;
  keyspace.patch(key, 0, "b", kNowMs);
  CHECK(reader->view() == value);
  REQUIRE(keyspace.find(key, kNowMs, view));
  CHECK(view.value == "b" + value.substr(1));
  const LargeValue* const copy = view.large->get();
  CHECK(keyspace.large_value_bytes() == copy->memory_bytes());
  CHECK(meter->bytes() == copy->memory_bytes() + reader->memory_bytes());
  keyspace.patch(key, 1, "c", kNowMs);  // Its own by now.
  REQUIRE(keyspace.find(key, kNowMs, view));
  CHECK(view.large->get() == copy);
  reader.reset();
  CHECK(meter->bytes() == keyspace.large_value_bytes());
  CHECK(keyspace.erase(key, kNowMs));
  CHECK(meter->bytes() == 0);
}

TEST_CASE("patch: a long part is told as one when it is a block, which nobody copies") {
  PatchWorld world(10);
  constexpr std::size_t kPartBytes = std::size_t{5} << 20U;
  const std::size_t size = 2 * kPartBytes + 1;
  world.patch("key", size - 1, "x");
  const auto block = std::make_shared<LargeValue>();
  REQUIRE(block->append(std::string(kPartBytes, 'p')));
  const Key key = world.key_of("key");
  const NewValue part = NewValue::adopt(block);
  for (const bool is_block : {false, true}) {
    world.sink.kept.clear();
    const std::size_t told =
        world.keyspace.patch_effect_bytes(key, 3, kPartBytes, kNowMs, is_block);
    world.keyspace.patch(key, 3, is_block ? part : NewValue::copy_of(block->view()), kNowMs);
    REQUIRE(world.sink.kept.size() == 1);
    const auto& effect = world.sink.kept[0];
    CHECK(effect.kind == (is_block ? Effect::Kind::patch : Effect::Kind::put));
    CHECK(told == (is_block ? kPartBytes : size));
  }
  CHECK(world.view("key").large->get() != block.get());
  CHECK(world.get("key") == std::string(3, '\0') + std::string(block->view()) +
                                std::string(size - 4 - kPartBytes, '\0') + "x");
}

TEST_CASE("use copy: a block is replaced by its like, and only that one") {
  auto meter = std::make_shared<LargeMeter>();
  KeepingSink sink;
  sink.keeps_large = false;
  SeededRandom random(11);
  Keyspace keyspace(HashKey::draw(random), sink, meter);
  const Key key{"key", keyspace.hash_of("key")};
  const Key other{"other", keyspace.hash_of("other")};
  const std::string value(100'000, 'a');
  keyspace.put(key, NewValue::copy_of(value), kNoExpiry);
  keyspace.put(other, NewValue::copy_of(value), kNoExpiry);
  EntryView view;
  REQUIRE(keyspace.find(key, kNowMs, view));
  LargeValueRef reader = *view.large;
  auto copy = std::make_shared<LargeValue>();
  REQUIRE(copy->append(value));
  LargeValueRef copied = copy;
  const std::size_t effects = sink.kept.size();
  keyspace.use_copy(other, reader, copied);
  keyspace.use_copy({"none", keyspace.hash_of("none")}, reader, copied);
  CHECK(copied.use_count() == 2);
  copy.reset();
  const LargeValue* const block = copied.get();
  keyspace.use_copy(key, reader, std::move(copied));
  CHECK(sink.kept.size() == effects);
  REQUIRE(keyspace.find(key, kNowMs, view));
  CHECK(view.large->get() == block);
  CHECK(meter->bytes() == keyspace.large_value_bytes() + reader->memory_bytes());
  keyspace.patch(key, 0, "b", kNowMs);
  CHECK(reader->view() == value);
  reader.reset();
  CHECK(meter->bytes() == keyspace.large_value_bytes());
}

TEST_CASE("patch: replayed on nothing it does nothing") {
  PatchWorld world(8);
  Effect effect{.kind = Effect::Kind::patch,
                .key = "key",
                .hash = world.keyspace.hash_of("key"),
                .value = NewValue::copy_of("part")};
  world.keyspace.apply(effect, {10});
  CHECK(world.keyspace.size() == 0);
  world.put("key", "a");
  effect.patch_offset = 1;
  world.keyspace.apply(effect, {11});
  CHECK(world.get("key") == "apart");
  CHECK(world.view("key").position.bits == 11);
}

}  // namespace
