// What asks for no key in particular, or for more than a value: an entry by chance, what an entry
// takes, and who is told of what expired.
#include <map>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/engine/support.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

constexpr std::int64_t kNowMs = 1'750'000'000'000;

class ExpiredKeys final : public ExpiryListener {
 public:
  void expired(std::string_view key) override { keys.emplace_back(key); }
  std::vector<std::string> keys;
};

TEST_CASE("random entry: none of nothing, the only one, and a view of all of it") {
  World<CountingSink> world(1);
  EntryView entry;
  CHECK_FALSE(world.keyspace.random_entry(7, kNowMs, entry));
  world.put("only", "value", kNowMs + 10);
  for (std::uint64_t chance = 0; chance < 200; ++chance) {
    REQUIRE(world.keyspace.random_entry(chance, kNowMs, entry));
    CHECK(entry.key == "only");
    CHECK(entry.value == "value");
    CHECK(entry.expires_at_ms == kNowMs + 10);
  }
}

TEST_CASE("random entry: every entry comes, none far more often than another") {
  World<CountingSink> world(2);
  constexpr std::size_t kEntries = 600;
  constexpr std::size_t kDrawsPerEntry = 100;
  for (std::size_t i = 0; i < kEntries; ++i) world.put("key:" + std::to_string(i), "v");
  std::map<std::string, std::size_t> drawn;
  for (std::uint64_t chance = 0; chance < kEntries * kDrawsPerEntry; ++chance) {
    EntryView entry;
    REQUIRE(world.keyspace.random_entry(chance, kNowMs, entry));
    ++drawn[std::string(entry.key)];
  }
  CHECK(drawn.size() == kEntries);
  for (const auto& [key, times] : drawn) {
    const auto& shown_key = key;  // Bindings cannot be captured.
    CAPTURE(shown_key);
    CHECK(times > kDrawsPerEntry / 3);
    CHECK(times < kDrawsPerEntry * 3);
  }
}

TEST_CASE("random entry: never an expired one; that all were is noted") {
  World<CountingSink> world(3);
  for (int i = 0; i < 300; ++i) world.put("gone:" + std::to_string(i), "v", kNowMs - i);
  EntryView entry;
  CHECK_FALSE(world.keyspace.random_entry(5, kNowMs, entry));
  CHECK(world.keyspace.take_expiry_seen() == kNowMs);
  world.put("live", "v");
  for (std::uint64_t chance = 0; chance < 100; ++chance) {
    // 300 entries are in no more lines than are looked at.
    REQUIRE(world.keyspace.random_entry(chance, kNowMs, entry));
    CHECK(entry.key == "live");
  }
}

TEST_CASE("memory of an entry: its bytes, with expiry and large values, and a share of the rest") {
  World<CountingSink> world(4);
  const auto bytes_of = [&](std::string_view key) {
    return world.keyspace.memory_of(world.key_of(key), kNowMs);
  };
  CHECK(bytes_of("none") == 0);
  world.put("plain", std::string(100, 'v'));
  CHECK(bytes_of("plain") > 105 + 20);
  CHECK(bytes_of("plain") < 105 + 40);
  world.put("dying", std::string(100, 'v'), kNowMs + 5);
  CHECK(bytes_of("dying") > bytes_of("plain"));
  world.put("dead", "v", kNowMs);
  CHECK(bytes_of("dead") == 0);
  CHECK(world.keyspace.take_expiry_seen() == kNowMs);
  world.put("large", std::string(1'000'000, 'v'));
  CHECK(bytes_of("large") > 1'000'000);
  CHECK(bytes_of("large") < 1'001'000);
}

TEST_CASE("memory of an entry: all of them together are what the keyspace holds, about") {
  World<CountingSink> world(5);
  constexpr std::size_t kEntries = 50'000;
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < kEntries; ++i) {
    world.put("key:" + std::to_string(i), std::string(64, 'v'), kNowMs + 100'000);
  }
  for (std::size_t i = 0; i < kEntries; ++i) {
    sum += world.keyspace.memory_of(world.key_of("key:" + std::to_string(i)), kNowMs);
  }
  const std::uint64_t held = world.keyspace.memory_bytes();
  CHECK(sum > held * 7 / 10);
  CHECK(sum < held * 12 / 10);
}

TEST_CASE("expired entries are told of by name, each once, while somebody listens") {
  World<CountingSink> world(6);
  world.put("before", "v", kNowMs - 9);
  world.remove_expired(kNowMs);
  ExpiredKeys listener;
  world.keyspace.set_expiry_listener(&listener);
  world.put("a", "v", kNowMs + 1);
  world.put("b", "v", kNowMs + 2);
  world.put("erased", "v", kNowMs + 2);
  world.put("stays", "v", kNowMs + 500);
  CHECK(world.erase("erased", kNowMs));
  world.remove_expired(kNowMs + 1);
  CHECK(listener.keys == std::vector<std::string>{"a"});
  world.remove_expired(kNowMs + 100);
  CHECK(listener.keys == std::vector<std::string>{"a", "b"});
  world.keyspace.set_expiry_listener(nullptr);
  world.remove_expired(kNowMs + 1000);
  CHECK(world.keyspace.size() == 0);
  CHECK(listener.keys.size() == 2);
}

}  // namespace
