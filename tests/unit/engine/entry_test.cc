#include "phoenix/engine/entry.h"

#include <memory>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "tests/unit/engine/support.h"

using namespace phoenix;
using namespace phoenix::engine;

namespace {

// An entry in a block of exactly its size, so that a sanitizer sees every byte beyond.
struct Made {
  Made(std::string_view key, std::string_view value, bool has_expiry, ExpiryMs expiry)
      : shape(EntryShape::of(key.size(), value.size(), has_expiry)),
        block(std::make_unique<char[]>(shape.size_bytes())),
        entry(Entry::create(block.get(), shape, key, expiry)) {
    if (!value.empty()) std::memcpy(entry.stored_value(), value.data(), value.size());
  }
  EntryShape shape;
  std::unique_ptr<char[]> block;
  Entry entry;
};

}  // namespace

TEST_CASE("entry: the overhead is what the layout page says") {
  CHECK(EntryShape::of(16, 64, false).size_bytes() == 16 + 64 + 9);
  CHECK(EntryShape::of(16, 64, true).size_bytes() == 16 + 64 + 15);
  CHECK(EntryShape::of(16, 256, false).size_bytes() == 16 + 256 + 10);
  CHECK(EntryShape::of(254, 0, false).size_bytes() == 254 + 9);
  CHECK(EntryShape::of(255, 0, false).size_bytes() == 255 + 13);
  CHECK(EntryShape::of(16, kSmallValueBytesMax + 1, true).size_bytes() == 16 + 8 + 14);
}

TEST_CASE("entry: every size of key and value comes back, with and without expiry") {
  SeededRandom random(2);
  const std::vector<std::size_t> sizes = {0,   1,   7,   8,   9,     15,     16,    17,
                                          254, 255, 256, 257, 1'000, 32'767, 32'768};
  for (const std::size_t key_bytes : sizes) {
    for (const std::size_t value_bytes : sizes) {
      for (const bool has_expiry : {false, true}) {
        CAPTURE(key_bytes);
        CAPTURE(value_bytes);
        CAPTURE(has_expiry);
        const std::string key = random_bytes(random, key_bytes);
        const std::string value = random_bytes(random, value_bytes);
        const ExpiryMs expiry = has_expiry ? kExpiryMsMax - 5 : kNoExpiry;
        Made made(key, value, has_expiry, expiry);
        made.entry.set_position({0xFEDC'BA98'7654});
        made.entry.set_arm(5);
        REQUIRE(made.entry.key() == key);
        REQUIRE(made.entry.value() == value);
        REQUIRE(made.entry.expiry() == expiry);
        REQUIRE(made.entry.position() == LogPosition{0xFEDC'BA98'7654});
        REQUIRE(made.entry.arm() == 5);
        REQUIRE(made.entry.shape().size_bytes() == made.shape.size_bytes());
      }
    }
  }
}

TEST_CASE("entry: the longest key") {
  const std::string key(kEntryKeyBytesMax, 'k');
  const Made made(key, "v", true, 77);
  CHECK(made.entry.key() == key);
  CHECK(made.entry.value() == "v");
  CHECK(made.entry.expiry() == 77);
}

TEST_CASE("entry: keys are compared by every byte") {
  for (const std::size_t size : {1U, 3U, 7U, 8U, 9U, 12U, 15U, 16U, 17U, 40U, 300U}) {
    const std::string key(size, 'a');
    const Made made(key, "value", false, kNoExpiry);
    CHECK(made.entry.has_key(key));
    CHECK_FALSE(made.entry.has_key(key + "a"));
    CHECK_FALSE(made.entry.has_key(key.substr(1)));
    for (std::size_t i = 0; i < size; ++i) {
      std::string other = key;
      other[i] = 'b';
      CAPTURE(i);
      REQUIRE_FALSE(made.entry.has_key(other));
    }
  }
  const Made empty("", "value", false, kNoExpiry);
  CHECK(empty.entry.has_key(""));
  CHECK_FALSE(empty.entry.has_key("a"));
}

TEST_CASE("entry: expired from its expiry on, never without one") {
  Made made("key", "value", true, 1000);
  CHECK_FALSE(made.entry.expired_at(999));
  CHECK(made.entry.expired_at(1000));
  CHECK(made.entry.expired_at(1001));
  made.entry.set_expiry(kNoExpiry);
  CHECK_FALSE(made.entry.expired_at(kExpiryMsMax));
  CHECK(made.entry.value() == "value");
  const Made plain("key", "value", false, kNoExpiry);
  CHECK_FALSE(plain.entry.expired_at(kExpiryMsMax));
}

TEST_CASE("entry: a large value is kept by reference") {
  const auto block = std::make_shared<LargeValue>();
  REQUIRE(block->append(std::string(40'000, 'z')));
  const EntryShape shape = EntryShape::of(3, block->size_bytes(), true);
  const auto memory = std::make_unique<char[]>(shape.size_bytes());
  Entry entry = Entry::create(memory.get(), shape, "key", 9);
  LargeValueRef reference = block;
  entry.set_large(&reference);
  CHECK(entry.is_large());
  CHECK(entry.large() == &reference);
  CHECK(entry.value().data() == block->view().data());
  CHECK(entry.value().size() == 40'000);
  CHECK(entry.key() == "key");
  CHECK(entry.expiry() == 9);
}
