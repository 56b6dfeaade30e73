// What a start does with what it finds: other numbers of cores, old epochs, empty batches at the
// end, many starts in a row.
#include <cerrno>
#include <string>

#include <doctest/doctest.h>

#include "phoenix/log/superblock.h"
#include "tests/unit/log_crash/level.h"
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
  const unsigned most = by_level(4, 8, 8);
  for (unsigned from = 1; from <= most; ++from) {
    for (unsigned to = 1; to <= most; ++to) {
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
  if (by_level(1, 0, 0) != 0) return;  // More than a thousand segments.
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

// A database with so many recorded ends that the next start wants to write it anew.
Map write_many_ends(sim::World& world, unsigned cores, std::size_t ends) {
  Map expected;
  for (unsigned life = 0; life < 100; ++life) {
    Process process(world, small_options(), cores);
    REQUIRE(process.open().has_value());
    REQUIRE(process.replay().has_value());
    process.store().note_live_bytes(0, std::uint64_t{1} << 60U);  // Never, as it seems.
    REQUIRE(process.begin_epoch().has_value());
    CHECK(!process.store().rewrites());
    REQUIRE(process.start_logs().has_value());
    REQUIRE(process.retire().has_value());
    for (unsigned i = 0; i < 8 * cores; ++i) REQUIRE(process.put(key(i), std::to_string(life)));
    process.close();
    expected = process.map();
    if (superblock_of(world.disk()).ends.size() > ends) break;
  }
  return expected;
}

std::uint64_t bytes_on(const sim::Disk& disk) {
  std::uint64_t bytes = 0;
  for (const auto& file : disk.names(kDirectory)) bytes += disk.content(kDirectory, file).size();
  return bytes;
}

TEST_CASE("a rewrite that was only wanted and finds no room does not stop the start") {
  if (by_level(1, 0, 0) != 0) return;  // More than a thousand segments.
  sim::FaultPlan plan;
  plan.disk_bytes = std::uint64_t{256} << 20U;
  sim::World world(1, plan);
  const unsigned cores = 256;
  const Map expected = write_many_ends(world, cores, log::kRecordedEndsRewrite);
  for (unsigned life = 0; life < 2; ++life) {
    Process process(world, small_options(), cores);
    REQUIRE(process.open().has_value());
    REQUIRE(process.replay().has_value());
    REQUIRE(process.begin_epoch().has_value());
    CHECK(process.store().rewrites());
    // Room for some of it.
    const std::uint64_t room = std::uint64_t{12} << 20U;
    if (life == 0) world.disk().set_foreign_bytes(plan.disk_bytes - bytes_on(world.disk()) - room);
    REQUIRE(process.start_logs().has_value());
    REQUIRE(process.rewrite().has_value());
    const auto retired = process.retire();
    REQUIRE_MESSAGE(retired.has_value(), retired.error().message);
    CHECK(process.map() == expected);
    const log::Superblock superblock = superblock_of(world.disk());
    CHECK(!superblock.rewriting);
    CHECK(superblock.ends.empty() == (life == 1));
    process.close();
    world.disk().set_foreign_bytes(0);
  }
  Process process(world, small_options(), cores);
  REQUIRE(process.start().has_value());
  CHECK(process.map() == expected);
}

TEST_CASE("a start that would leave the next one no place for its ends is refused, and can heal") {
  if (by_level(1, 0, 0) != 0) return;  // Thousands of segments.
  sim::FaultPlan plan;
  plan.disk_bytes = std::uint64_t{4} << 30U;
  sim::World world(1, plan);
  const unsigned cores = 512;
  const Map expected = write_many_ends(world, cores, 6400);
  {
    const sim::Disk before = world.disk();
    Process process(world, small_options(), cores);
    REQUIRE(process.open().has_value());
    REQUIRE(process.replay().has_value());
    process.store().note_live_bytes(0, std::uint64_t{1} << 60U);
    const auto refused = process.begin_epoch();
    REQUIRE(!refused.has_value());
    CHECK(refused.error().message.find("Free space on its disk") != std::string::npos);
    CHECK(world.disk().content(kDirectory, "superblock.a") ==
          before.content(kDirectory, "superblock.a"));
    CHECK(world.disk().names(kDirectory) == before.names(kDirectory));
  }
  Process process(world, small_options(), cores);
  const auto healed = process.start();
  REQUIRE_MESSAGE(healed.has_value(), healed.error().message);
  CHECK(process.map() == expected);
  CHECK(superblock_of(world.disk()).ends.empty());
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

TEST_CASE("a start without a descriptor for a segment waits for a while, then says so") {
  for (const bool sticky : {false, true}) {
    sim::World world(1);
    Process process(world, small_options(), 1);
    REQUIRE(process.open().has_value());
    REQUIRE(process.replay().has_value());
    REQUIRE(process.begin_epoch().has_value());
    sim::ChosenFault fault;
    fault.error = -EMFILE;
    fault.sticky = sticky;
    fault.kind = io::Operation::Kind::open;
    world.fail_nth(fault);
    const std::uint64_t begin_ns = world.now_ns();
    const auto started = process.start_logs();
    CHECK(started.has_value() == !sticky);
    CHECK((world.now_ns() - begin_ns > 9 * kNanosPerSecond) == sticky);
    CHECK(world.now_ns() - begin_ns < 11 * kNanosPerSecond);
    if (!started) CHECK(started.error().message.find("Too many open files") != std::string::npos);
    CHECK(!process.failed());
  }
}

}  // namespace
