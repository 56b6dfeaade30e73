#include "phoenix/engine/value.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>

#include <doctest/doctest.h>

#include "phoenix/engine/poison.h"
#include "tests/unit/engine/support.h"

using namespace phoenix;
using namespace phoenix::engine;

TEST_CASE("large value: what is appended is there, in order") {
  SeededRandom random(1);
  LargeValue value;
  std::string expected;
  for (int i = 0; i < 200; ++i) {
    const std::string bytes = random_bytes(random, random.below(3000));
    REQUIRE(value.append(bytes));
    expected += bytes;
    REQUIRE(value.size_bytes() == expected.size());
    REQUIRE(value.capacity_bytes() >= expected.size());
  }
  CHECK(value.view() == expected);
}

TEST_CASE("large value: memory follows what has arrived") {
  LargeValue value;
  const std::string slice(64U << 10U, 'x');
  const std::size_t step_max = 16U << 20U;
  std::size_t growths = 0;
  for (std::size_t arrived = 0; arrived < (std::size_t{100} << 20U); arrived += slice.size()) {
    const std::size_t before = value.capacity_bytes();
    REQUIRE(value.append(slice));
    growths += value.capacity_bytes() != before ? 1 : 0;
    const std::size_t unused = value.capacity_bytes() - value.size_bytes();
    REQUIRE(unused <= std::min(value.size_bytes() / 2, step_max));
  }
  CHECK(growths < 40);
}

TEST_CASE("large value: reserve gives the room at once, and no more") {
  LargeValue value;
  REQUIRE(value.reserve(1U << 20U));
  CHECK(value.capacity_bytes() == 1U << 20U);
  CHECK(value.size_bytes() == 0);
  REQUIRE(value.append(std::string(1U << 20U, 'y')));
  CHECK(value.capacity_bytes() == 1U << 20U);
  REQUIRE(value.reserve(10));
  CHECK(value.capacity_bytes() == 1U << 20U);
}

#ifndef PHX_ADDRESS_SANITIZER  // Which stops the process where malloc would fail.
TEST_CASE("large value: no memory is an answer, and keeps the content") {
  LargeValue value;
  REQUIRE(value.append("kept"));
  CHECK_FALSE(value.reserve(std::size_t{1} << 62U));
  CHECK(value.view() == "kept");
}
#endif

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

/// Of a meter; most of it is never touched.
LargeValueRef block_of(const LargeMeterRef& meter, std::size_t size_bytes) {
  const auto block = std::make_shared<LargeValue>(meter);
  REQUIRE(block->reserve(size_bytes));
  REQUIRE(block->write(size_bytes - 1, "x"));
  return block;
}

bool is_all(std::string_view bytes, char byte) {
  return bytes.find_first_not_of(byte) == std::string_view::npos;
}

}  // namespace

TEST_CASE("large value: it moves to pages of its own with its content") {
  SeededRandom random(2);
  const std::string bytes = random_bytes(random, kMiB - 100);
  LargeValue value;
  REQUIRE(value.append(bytes));
  REQUIRE(value.append(bytes));
  CHECK(value.view() == bytes + bytes);
  REQUIRE(value.reserve(40 * kMiB));
  CHECK(value.view() == bytes + bytes);
}

TEST_CASE("large value: what nobody wrote is zero, whatever stood in its memory") {
  for (const std::size_t first : {std::size_t{10}, kMiB - 1, kMiB, 3 * kMiB + 5}) {
    LargeValue value;
    REQUIRE(value.append(std::string(first, 'a')));
    std::size_t end = first;
    for (const std::size_t gap : {kMiB / 2, std::size_t{1}, 2 * kMiB, 20 * kMiB}) {
      REQUIRE(value.write(end + gap, "b"));
      CHECK(is_all(value.view().substr(end, gap), '\0'));
      end += gap + 1;
      REQUIRE(value.size_bytes() == end);
    }
    CHECK(is_all(value.view().substr(0, first), 'a'));
  }
}

TEST_CASE("large value: a part keeps the whole, and costs nothing of its size") {
  const auto meter = std::make_shared<LargeMeter>();
  LargeValueRef whole = block_of(meter, 2 * kMiB);
  const std::uint64_t before = meter->bytes();
  auto part = std::make_shared<LargeValue>(whole, kMiB, kMiB);
  CHECK(part->view().data() == whole->view().data() + kMiB);
  CHECK(part->view().size() == kMiB);
  CHECK(whole.use_count() == 2);
  CHECK(meter->bytes() == before);
  whole.reset();
  CHECK(part->view().back() == 'x');
  CHECK(part->view().front() == '\0');
  part.reset();
  CHECK(meter->bytes() == 0);
}

TEST_CASE("large value: a very long one is freed bit by bit, and counts until then") {
  const auto meter = std::make_shared<LargeMeter>();
  block_of(meter, 15 * kMiB).reset();
  CHECK(meter->bytes() == 0);  // That is not long.
  const std::size_t size = 64 * kMiB + 5;
  block_of(meter, size).reset();
  CHECK(meter->bytes() == size);
  CHECK(meter->bytes_to_free() == size);
  CHECK(meter->free_some(1) == 5);  // Whole pages: that of the last bytes.
  std::size_t steps = 0;
  for (; meter->bytes_to_free() > 0; ++steps) {
    CHECK(meter->free_some(kMiB) == kMiB);
    CHECK(meter->bytes() == meter->bytes_to_free());
  }
  CHECK(steps == 64);
  CHECK(meter->bytes() == 0);
  CHECK(meter->free_some(kMiB) == 0);
}

TEST_CASE("large value: whichever thread lets go of it, its core frees it") {
  constexpr std::size_t kBlocks = 50;
  const auto meter = std::make_shared<LargeMeter>();
  const auto let_go = [&] {
    for (std::size_t i = 0; i < kBlocks; ++i) block_of(meter, 16 * kMiB).reset();
  };
  std::thread one(let_go);
  std::thread other(let_go);
  std::uint64_t freed = 0;
  while (freed < kBlocks * 16 * kMiB) freed += meter->free_some(5 * kMiB);
  one.join();
  other.join();
  while (meter->bytes_to_free() > 0) freed += meter->free_some(100 * kMiB);
  CHECK(freed == 2 * kBlocks * 16 * kMiB);
  CHECK(meter->bytes() == 0);
  block_of(meter, 16 * kMiB).reset();  // Freed with the meter.
}

TEST_CASE("new value: an adopted block is viewed, not copied") {
  const auto block = std::make_shared<LargeValue>();
  REQUIRE(block->append("content"));
  const NewValue value = NewValue::adopt(block);
  CHECK(value.bytes.data() == block->view().data());
  CHECK(value.large == block);
  CHECK(NewValue::copy_of("plain").large == nullptr);
}
