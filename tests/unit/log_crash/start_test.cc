// What a start does with what it finds: other numbers of cores, old epochs, empty batches at the
// end, many starts in a row.
#include <string>

#include <doctest/doctest.h>

#include "phoenix/log/superblock.h"
#include "tests/unit/log_crash/process.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

log::Superblock superblock_of(const sim::Disk& disk) {
  const std::string content = disk.content(kDirectory, "superblock.a");
  const auto decoded = log::decode_superblock(std::as_bytes(std::span(content)));
  REQUIRE(decoded.state == log::SuperblockState::valid);
  return decoded.superblock;
}

std::string key(unsigned number) {
  return std::string("key").append(std::to_string(number));
}

TEST_CASE("any number of cores finds what any other wrote") {
  for (unsigned from = 1; from <= 8; ++from) {
    for (unsigned to = 1; to <= 8; ++to) {
      sim::World world(from * 10 + to);
      Map expected;
      {
        Process process(world, small_options(), from);
        REQUIRE(process.start().has_value());
        for (unsigned i = 0; i < 40; ++i) REQUIRE(process.put(key(i), std::to_string(i)));
        for (unsigned i = 0; i < 40; i += 3) REQUIRE(process.erase(key(i)));
        REQUIRE(process.settle());
        expected = process.map();
        world.crash_now();
      }
      world.kill();
      for (unsigned life = 0; life < 2; ++life) {
        Process process(world, small_options(), to);
        const auto started = process.start();
        REQUIRE_MESSAGE(started.has_value(), started.error().message);
        CHECK(process.store().rewrites() == (life == 0 && from != to));
        CHECK(process.map() == expected);
        REQUIRE(process.put(key(0), "again").has_value());
        process.close();
        expected = process.map();
      }
      const log::Superblock superblock = superblock_of(world.disk());
      CHECK(superblock.core_count == to);
      CHECK(!superblock.rewriting);
    }
  }
}

TEST_CASE("starts that write nothing leave nothing behind") {
  sim::World world(1);
  for (unsigned life = 0; life < 5; ++life) {
    Process process(world, small_options(), 2);
    REQUIRE(process.start().has_value());
    process.close();
  }
  CHECK(superblock_of(world.disk()).ends.empty());
  CHECK(superblock_of(world.disk()).epoch == 5);
}

TEST_CASE("many starts that write: the recorded ends stay bounded by a rewrite") {
  sim::World world(1);
  const unsigned cores = 64;
  Map expected;
  std::size_t ends_max = 0;
  unsigned rewrites = 0;
  for (unsigned life = 0; life < 24; ++life) {
    Process process(world, small_options(), cores);
    const auto started = process.start();
    REQUIRE_MESSAGE(started.has_value(), started.error().message);
    CHECK(process.map() == expected);
    if (process.store().rewrites()) ++rewrites;
    for (unsigned i = 0; i < 500; ++i) REQUIRE(process.put(key(i), std::to_string(life)));
    process.close();
    expected = process.map();
    ends_max = std::max(ends_max, superblock_of(world.disk()).ends.size());
  }
  CHECK(rewrites == 1);
  CHECK(ends_max >= log::kRecordedEndsRewrite);
  CHECK(superblock_of(world.disk()).ends.size() < log::kRecordedEndsRewrite);
}

TEST_CASE("an idle second, and an orderly stop, leave no doubt about the tail") {
  for (const bool orderly : {false, true}) {
    sim::World world(1);
    {
      Process process(world, small_options(), 1);
      REQUIRE(process.start().has_value());
      REQUIRE(process.put("a", "1").has_value());
      REQUIRE(process.settle());
      CHECK(process.log(0).statistics().batches == 1);
      if (orderly) process.close();
      if (!orderly) process.pass(3 * kNanosPerSecond);
      // One empty batch, which states that the one before it is durable; none after that.
      CHECK(process.log(0).statistics().batches == 2);
      CHECK(process.log(0).statistics().records == 1);
    }
    // Now a rotten last record is damage. Without the empty batch it would be a torn tail.
    sim::Disk disk = world.disk();
    for (const auto& file : disk.names(kDirectory)) {
      if (file.ends_with(".seg")) disk.plant(kDirectory, file, 4096 + 68, "\xFF");
    }
    sim::World after(2, {}, disk);
    Process process(after, small_options(), 1);
    const auto started = process.start();
    REQUIRE(!started);
    CHECK(started.error().code == ErrorCode::damaged);
  }
}

TEST_CASE("time never goes back over a restart") {
  sim::World world(1);
  std::int64_t stamp_ms = 0;
  {
    Process process(world, small_options(), 1);
    REQUIRE(process.start().has_value());
    REQUIRE(process.put("a", "1").has_value());
    REQUIRE(process.settle());
    stamp_ms = world.clock().wall_ms();
    CHECK(process.log(0).durable_stamp_ms() == stamp_ms);
    world.crash_now();
  }
  world.power_cut();
  world.step_wall(-3'600'000);
  for (unsigned life = 0; life < 3; ++life) {
    Process process(world, small_options(), 1);
    REQUIRE(process.start().has_value());
    CHECK(process.store().stamp_high_water_ms() >= stamp_ms);
    CHECK(process.log(0).durable_stamp_ms() >= stamp_ms);
    process.close();
  }
}

}  // namespace
