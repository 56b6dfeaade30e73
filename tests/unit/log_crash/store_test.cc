// What a store does when nothing goes wrong: start, write, stop, start again.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/log_crash/process.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

void write_some(Process& process, unsigned from, unsigned to) {
  for (unsigned i = from; i < to; ++i) {
    const std::string key = "key" + std::to_string(i % 97);
    if (i % 7 == 3) {
      REQUIRE(process.erase(key).has_value());
    } else if (i % 11 == 5 && process.map().contains(key)) {
      REQUIRE(process.set_expiry(key, 1'800'000'000'000 + i).has_value());
    } else {
      REQUIRE(process.put(key, std::string(i % 300, 'v') + std::to_string(i)).has_value());
    }
    if (i % 5 == 0) process.seal();
    if (i % 3 == 0) process.turn();
  }
}

TEST_CASE("what was written is there after a clean stop, through many starts and segments") {
  sim::World world(1);
  Map expected;
  for (unsigned life = 0; life < 6; ++life) {
    Process process(world, small_options(), 2);
    REQUIRE(process.start().has_value());
    CHECK(process.map() == expected);
    write_some(process, life * 1000, life * 1000 + 1500);
    process.close();
    CHECK(process.log(0).idle());
    expected = process.map();
  }
}

}  // namespace
