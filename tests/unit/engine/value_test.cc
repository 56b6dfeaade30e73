#include "phoenix/engine/value.h"

#include <algorithm>
#include <string>

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

TEST_CASE("new value: an adopted block is viewed, not copied") {
  const auto block = std::make_shared<LargeValue>();
  REQUIRE(block->append("content"));
  const NewValue value = NewValue::adopt(block);
  CHECK(value.bytes.data() == block->view().data());
  CHECK(value.large == block);
  CHECK(NewValue::copy_of("plain").large == nullptr);
}
