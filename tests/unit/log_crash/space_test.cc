// Room: a full disk is a definite answer before anything was changed, reads and deletes go on, and
// it heals without a restart. And writes that are large beside the segments.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/log_crash/process.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

constexpr std::uint64_t kMiB = std::uint64_t{1} << 20U;

sim::FaultPlan disk_of(std::uint64_t bytes) {
  sim::FaultPlan plan;
  plan.disk_bytes = bytes;
  return plan;
}

// Deletes may use what is kept free of other writes.
log::Options options_with_reserve() {
  log::Options options = small_options();
  options.disk_reserve_bytes = kMiB / 2;
  return options;
}

std::string name(const char* prefix, unsigned number) {
  return std::string(prefix).append(std::to_string(number));
}

// Writes until the disk is full; returns how many writes were taken.
unsigned fill(Process& process) {
  unsigned count = 0;
  while (process.put(name("fill", count), std::string(4000, 'f'))) {
    process.seal();
    ++count;
  }
  return count;
}

void fill_and_delete(Process& process) {
  CHECK(fill(process) > 300);
  REQUIRE(process.settle());
  CHECK(!process.put("one more", std::string(4000, 'x')).has_value());
  // Each delete is a batch of its own: together they need more than what was left of the segment.
  for (unsigned i = 0; i < 40; ++i) {
    REQUIRE_MESSAGE(process.erase(name("fill", i)).has_value(), "delete " << i);
    REQUIRE(process.settle());
  }
  CHECK(!process.put("one more", std::string(4000, 'x')).has_value());
}

TEST_CASE("a full disk refuses writes, lets deletes go on, and heals without a restart") {
  sim::World world(1, disk_of(16 * kMiB));
  world.disk().set_foreign_bytes(12 * kMiB);
  Map expected;
  {
    Process process(world, options_with_reserve(), 1);
    REQUIRE(process.start().has_value());
    fill_and_delete(process);
    world.disk().set_foreign_bytes(0);
    process.pass(3 * kNanosPerSecond);
    REQUIRE(process.put("healed", std::string(4000, 'x')).has_value());
    REQUIRE(process.settle());
    process.close();
    expected = process.map();
  }
  Process again(world, small_options(), 1);
  REQUIRE(again.start().has_value());
  CHECK(again.map() == expected);
}

TEST_CASE("a server starts on a full disk, serves reads, and heals there as well") {
  sim::World world(1, disk_of(16 * kMiB));
  world.disk().set_foreign_bytes(12 * kMiB);
  Map expected;
  {
    Process process(world, options_with_reserve(), 1);
    REQUIRE(process.start().has_value());
    fill_and_delete(process);
    expected = process.map();
    world.crash_now();
  }
  world.power_cut();
  world.disk().set_foreign_bytes(16 * kMiB);
  for (unsigned start = 0; start < 3; ++start) {  // A crash loop does not make it worse.
    Process process(world, small_options(), 1);
    const auto started = process.start();
    REQUIRE_MESSAGE(started.has_value(), started.error().message);
    CHECK(process.map() == expected);
    CHECK(!process.put("more", "x").has_value());
    CHECK(!process.erase("fill99").has_value());
    CHECK(!world.down());
    process.close();
  }
  Process process(world, small_options(), 1);
  REQUIRE(process.start().has_value());
  world.disk().set_foreign_bytes(0);
  process.pass(3 * kNanosPerSecond);
  CHECK(process.put("more", "x").has_value());
  CHECK(process.settle());
}

TEST_CASE("what ENOSPC or a short write in preparing leaves behind does not hurt") {
  sim::FaultPlan plan = disk_of(64 * kMiB);
  plan.no_space = 3000;
  sim::World world(5, plan);
  Map expected;
  for (unsigned life = 0; life < 3; ++life) {
    Process process(world, small_options(), 1);
    REQUIRE(process.start().has_value());
    CHECK(process.map() == expected);
    for (unsigned i = 0; i < 300; ++i) {
      if (!process.put(name("k", i % 50), std::string(2000, 'v')))
        process.pass(2 * kNanosPerSecond);
      process.seal();
    }
    REQUIRE(process.settle());
    expected = process.map();
    process.close();
  }
  CHECK(world.counters().no_space > 5);
}

// Values that need a segment of their own, between small ones.
TEST_CASE("large values have segments of their own, streamed, in order with small ones") {
  for (const bool interval : {false, true}) {
    sim::World world(2, disk_of(256 * kMiB));
    log::Options options = small_options();
    if (interval) options.durability = log::Durability::interval;
    Map expected;
    for (unsigned life = 0; life < 3; ++life) {
      Process process(world, options, 1);
      REQUIRE(process.start().has_value());
      CHECK(process.map() == expected);
      for (unsigned i = 0; i < 6; ++i) {
        const std::size_t size = (std::size_t{40} << 10U) << (2 * (i % 4));  // Up to 2.5 MiB.
        REQUIRE(process.put(name("large", i), std::string(size + i + life, 'L')).has_value());
        REQUIRE(process.put(name("small", i), "s").has_value());
        process.seal();
        REQUIRE(process.put(name("large", i % 2), "no longer").has_value());
        if (i == 4) REQUIRE(process.put("huge", std::string(9 * kMiB + life, 'H')).has_value());
      }
      REQUIRE(process.settle());
      expected = process.map();
      if (life == 1) process.close();
    }
  }
}

TEST_CASE("a large value that the disk has no room for is refused; smaller ones go on") {
  sim::World world(1, disk_of(8 * kMiB));
  Process process(world, small_options(), 1);
  REQUIRE(process.start().has_value());
  CHECK(!process.put("huge", std::string(20 * kMiB, 'H')).has_value());
  CHECK(process.put("small", "s").has_value());
  REQUIRE(process.settle());
  CHECK(!process.put("huge", std::string(20 * kMiB, 'H')).has_value());
}

// Asks for room and then writes nothing, as a SET whose condition fails.
bool ask_in_vain(Process& process, std::uint64_t payload_bytes) {
  while (!process.down()) {
    const auto answer = process.log(0).reserve(payload_bytes, 1, false);
    if (answer != log::Reservation::wait) return answer == log::Reservation::granted;
    process.seal();
    process.turn();
  }
  return false;
}

TEST_CASE("large writes that come to nothing take no room, whatever is written in between") {
  enum class Between : std::uint8_t { small_write, empty_batch, larger_one, nothing };
  for (const auto between :
       {Between::small_write, Between::empty_batch, Between::larger_one, Between::nothing}) {
    sim::World world(1, disk_of(256 * kMiB));
    Map expected;
    log::Options options = small_options();
    options.segment_bytes_min = options.segment_bytes_max = kMiB;
    {
      Process process(world, options, 1);
      REQUIRE(process.start().has_value());
      REQUIRE(process.put("first", "1").has_value());
      REQUIRE(process.settle());
      for (unsigned i = 0; i < 20; ++i) {
        REQUIRE(ask_in_vain(process, 4 * kMiB));
        if (between == Between::small_write) REQUIRE(process.put("small", name("", i)));
        if (between == Between::empty_batch) process.log(0).require_seal(1);
        if (between == Between::larger_one) REQUIRE(ask_in_vain(process, 4 * kMiB + i * 4096));
        REQUIRE(process.settle());
        // The one in use, the next one, the reserve for deletes, and a large one.
        CHECK(process.log(0).statistics().segments <= 4);
      }
      CHECK(process.log(0).statistics().log_bytes < 8 * kMiB);
      // It is there for the one that is meant.
      REQUIRE(process.put("large", std::string(4 * kMiB, 'L')).has_value());
      REQUIRE(process.put("last", "1").has_value());
      REQUIRE(process.settle());
      CHECK(process.log(0).statistics().log_bytes < 9 * kMiB);
      expected = process.map();
      process.close();
    }
    Process again(world, options, 1);
    REQUIRE(again.start().has_value());
    CHECK(again.map() == expected);
  }
}

TEST_CASE("small writes between large ones get small segments, however fast they follow") {
  for (const bool is_prepared : {false, true}) {
    sim::World world(1, disk_of(512 * kMiB));
    log::Options options = small_options();
    options.segment_bytes_max = 8 * kMiB;
    Process process(world, options, 1);
    REQUIRE(process.start().has_value());
    for (unsigned i = 0; i < 30; ++i) {
      // Then the segment of the small one is closed while the next is still being prepared.
      if (is_prepared) REQUIRE(ask_in_vain(process, 3 * kMiB + kMiB / 2));
      REQUIRE(process.put("small", name("", i)).has_value());
      if (is_prepared) REQUIRE(process.turn());
      REQUIRE(process.put("large", std::string(3 * kMiB, 'L')).has_value());
    }
    const auto statistics = process.log(0).statistics();
    CHECK(statistics.log_bytes < 30 * 4 * kMiB);
  }
}

TEST_CASE("a large segment that nobody has asked for in 10 s gives its room back") {
  sim::World world(1, disk_of(64 * kMiB));
  Process process(world, small_options(), 1);
  REQUIRE(process.start().has_value());
  const auto log_bytes = [&] { return process.log(0).statistics().log_bytes; };
  for (unsigned i = 0; i < 4; ++i) {
    REQUIRE(ask_in_vain(process, 6 * kMiB));
    process.pass(7 * kNanosPerSecond);
    CHECK(log_bytes() > 6 * kMiB);
  }
  process.pass(4 * kNanosPerSecond);
  CHECK(log_bytes() < kMiB);
  REQUIRE(process.put("large", std::string(6 * kMiB, 'L')).has_value());
  REQUIRE(process.settle());
}

TEST_CASE("a large segment that nobody used makes way when small writes need its room") {
  sim::World world(1, disk_of(8 * kMiB));
  Process process(world, small_options(), 1);
  REQUIRE(process.start().has_value());
  REQUIRE(ask_in_vain(process, 6 * kMiB));
  unsigned count = 0;
  while (process.put(name("fill", count), std::string(4000, 'f'))) ++count;
  CHECK(count > 1000);
}

}  // namespace
