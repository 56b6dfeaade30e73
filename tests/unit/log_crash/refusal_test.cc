// Directories that this build must not serve: each is refused with a plain sentence, and stays as
// it is.
#include <string>

#include <doctest/doctest.h>

#include "phoenix/base/bytes.h"
#include "phoenix/base/crc32c.h"
#include "tests/unit/log_crash/process.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

// A small database, stopped as it should be.
sim::Disk make_disk(std::uint64_t seed, const log::Options& options = small_options()) {
  sim::World world(seed);
  Process process(world, options, 1);
  REQUIRE(process.start().has_value());
  REQUIRE(process.put("a", "1").has_value());
  process.close();
  return world.disk();
}

struct Refused {
  bool ok = false;
  Error error;
  sim::Disk disk{0};
  Map map;
};

Refused start_on(const sim::Disk& disk, const log::Options& options = small_options()) {
  sim::World world(3, {}, disk);
  Refused refused;
  {
    Process process(world, options, 1);
    const auto started = process.start();
    refused.ok = started.has_value();
    if (!started) refused.error = started.error();
    refused.map = process.map();
  }
  refused.disk = world.disk();
  return refused;
}

bool says(const Refused& refused, std::string_view text) {
  return !refused.ok && refused.error.message.find(text) != std::string::npos;
}

bool same_files(const sim::Disk& one, const sim::Disk& other) {
  if (one.names(kDirectory) != other.names(kDirectory)) return false;
  for (const auto& name : one.names(kDirectory)) {
    if (one.content(kDirectory, name) != other.content(kDirectory, name)) return false;
  }
  return true;
}

std::string used_segment(const sim::Disk& disk) {
  for (const auto& name : disk.names(kDirectory)) {
    if (name.ends_with(".seg") && disk.content(kDirectory, name)[0] != 0) return name;
  }
  return "";
}

// Changes a superblock or a segment header and makes its checksum, which stands at 8 in both, right
// again.
void forge(sim::Disk& disk, const std::string& name, std::uint64_t place, std::uint32_t value) {
  std::string content = disk.content(kDirectory, name);
  store_le(content.data() + place, value);
  store_le(content.data() + 8, std::uint32_t{0});
  const bool is_segment = name.ends_with(".seg");
  const std::size_t size = is_segment ? 96 : load_le<std::uint32_t>(content.data() + 12);
  const auto bytes = std::as_bytes(std::span(content)).first(size);
  store_le(content.data() + 8, crc32c(0, bytes));
  disk.plant_file(kDirectory, name, content);
}

constexpr std::uint64_t kSuperblockVersion = 16;
constexpr std::uint64_t kSuperblockFeatures = 24;
constexpr std::uint64_t kSegmentVersion = 12;

TEST_CASE("a directory with anything else in it is refused, untouched") {
  sim::Disk disk(std::uint64_t{1} << 26U);
  REQUIRE(disk.open_directory(kDirectory).has_value());
  disk.plant_file(kDirectory, "thesis.tex", "years of work");
  const Refused refused = start_on(disk);
  CHECK(says(refused, "it holds \"thesis.tex\", which is not Phoenix's"));
  CHECK(same_files(refused.disk, disk));  // Not even a lock file.
}

TEST_CASE("a superblock of another format version, or with unknown features, is refused") {
  for (const std::uint64_t place : {kSuperblockVersion, kSuperblockFeatures}) {
    for (const std::string name : {"superblock.a", "superblock.b"}) {
      sim::Disk disk = make_disk(1);
      forge(disk, name, place, 77);
      const Refused refused = start_on(disk);
      CHECK(says(refused, "by another version of Phoenix"));
      CHECK(refused.error.code == ErrorCode::unsupported);
      CHECK(same_files(refused.disk, disk));
    }
  }
}

TEST_CASE("a segment of a newer format version is refused") {
  sim::Disk disk = make_disk(1);
  forge(disk, used_segment(disk), kSegmentVersion, 77);
  const Refused refused = start_on(disk);
  CHECK(says(refused, "was written by a newer version of Phoenix"));
  CHECK(same_files(refused.disk, disk));
}

TEST_CASE("a segment of another database is refused") {
  sim::Disk disk = make_disk(1);
  sim::World other(2);
  sim::Disk foreign = make_disk(2);
  const std::string name = used_segment(foreign);
  disk.plant_file(kDirectory, name, foreign.content(kDirectory, name));
  const Refused refused = start_on(disk);
  CHECK(says(refused, "belongs to another database"));
  CHECK(same_files(refused.disk, disk));
}

TEST_CASE("a superblock that is older than the segments is refused") {
  sim::World world(1);
  std::string old_superblock;
  for (unsigned life = 0; life < 2; ++life) {
    Process process(world, small_options(), 1);
    REQUIRE(process.start().has_value());
    REQUIRE(process.put("a", std::to_string(life)).has_value());
    process.close();
    if (life == 0) old_superblock = world.disk().content(kDirectory, "superblock.a");
  }
  sim::Disk disk = world.disk();
  disk.plant_file(kDirectory, "superblock.a", old_superblock);
  disk.plant_file(kDirectory, "superblock.b", old_superblock);
  const Refused refused = start_on(disk);
  CHECK(says(refused, "the superblock is stale or damaged"));
  CHECK(same_files(refused.disk, disk));
}

TEST_CASE("segments without a valid superblock are refused") {
  sim::Disk disk = make_disk(1);
  disk.flip_bit(kDirectory, "superblock.a", 8 * 50);
  CHECK(start_on(disk).ok);  // One copy is enough.
  disk.remove_file(kDirectory, "superblock.b");
  const Refused refused = start_on(disk);
  CHECK(says(refused, "both superblocks are missing or damaged"));
  CHECK(same_files(refused.disk, disk));
}

TEST_CASE("one copy of the superblock is enough, and the next start makes two of it again") {
  for (const std::string lost : {"superblock.a", "superblock.b"}) {
    sim::Disk disk = make_disk(1);
    disk.remove_file(kDirectory, lost);
    const Refused started = start_on(disk);
    REQUIRE(started.ok);
    CHECK(started.map.size() == 1);
    CHECK(started.disk.exists(kDirectory, lost));
    CHECK(started.disk.content(kDirectory, "superblock.a") ==
          started.disk.content(kDirectory, "superblock.b"));
  }
}

TEST_CASE(
    "a copy of the superblock that is rotten or unreadable is told, and the other one serves") {
  for (const bool unreadable : {false, true}) {
    for (const std::string copy : {"superblock.a", "superblock.b"}) {
      sim::Disk disk = make_disk(1);
      if (unreadable) {
        disk.fail_reads(kDirectory, copy, 0, 4096);
      } else {
        disk.flip_bit(kDirectory, copy, 8 * 50);
      }
      sim::World world(3, {}, disk);
      Process process(world, small_options(), 1);
      const auto started = process.start();
      REQUIRE_MESSAGE(started.has_value(), started.error().message);
      CHECK(process.map().size() == 1);
      REQUIRE(process.store().notices().size() == 1);
      const std::string notice = process.store().notices()[0];
      CHECK(notice.find(copy) != std::string::npos);
      CHECK(notice.find("the other copy is whole and is used") != std::string::npos);
    }
  }
}

TEST_CASE("an unreadable copy of the superblock is an error when there is no other") {
  sim::Disk disk = make_disk(1);
  disk.fail_reads(kDirectory, "superblock.a", 0, 4096);
  disk.flip_bit(kDirectory, "superblock.b", 8 * 50);
  const Refused refused = start_on(disk);
  CHECK(says(refused, "superblock.a: reading"));
  CHECK(refused.error.code == ErrorCode::io);
  CHECK(same_files(refused.disk, disk));
}

TEST_CASE("a second process is refused while the first one lives") {
  sim::World world(1);
  Process first(world, small_options(), 1);
  REQUIRE(first.start().has_value());
  const sim::Disk before = world.disk();
  {
    Process second(world, small_options(), 1);
    const auto started = second.open();
    REQUIRE(!started);
    CHECK(started.error().code == ErrorCode::in_use);
    CHECK(started.error().message.find("another server is running on it") != std::string::npos);
  }
  CHECK(same_files(world.disk(), before));
  CHECK(first.put("a", "1").has_value());
  CHECK(first.settle());
}

TEST_CASE("durability off refuses a log that would return later, and deletes it only when told") {
  const sim::Disk disk = make_disk(1);
  log::Options options = small_options();
  options.durability = log::Durability::off;
  const Refused refused = start_on(disk, options);
  CHECK(says(refused, "--discard-log"));
  CHECK(same_files(refused.disk, disk));
  options.discard_log = true;
  const Refused discarded = start_on(disk, options);
  REQUIRE(discarded.ok);
  CHECK(discarded.map.empty());
  CHECK(discarded.disk.names(kDirectory) == std::vector<std::string>{"LOCK"});
  options.discard_log = false;
  CHECK(start_on(discarded.disk, options).ok);
}

TEST_CASE("opening and replaying write nothing, also where the log is to be discarded") {
  const sim::Disk disk = make_disk(1);
  for (const bool discards : {false, true}) {
    log::Options options = small_options();
    if (discards) options.durability = log::Durability::off;
    options.discard_log = discards;
    sim::World world(3, {}, disk);
    Process process(world, options, 1);
    REQUIRE(process.open().has_value());
    REQUIRE(process.replay().has_value());
    CHECK(same_files(world.disk(), disk));
    REQUIRE(process.begin_epoch().has_value());
    CHECK(!same_files(world.disk(), disk));
  }
}

TEST_CASE("a crash while the log is discarded leaves the old data or none, and no damage") {
  log::Options off = small_options();
  off.durability = log::Durability::off;
  off.discard_log = true;
  const sim::Disk disk = make_disk(1);
  sim::World world(4, {}, disk);
  unsigned empty = 0;
  unsigned whole = 0;
  world.on_point([&] {
    for (const bool power_cut : {true, false}) {
      const Refused after = start_on(world.disk_after(power_cut, world.points()));
      REQUIRE_MESSAGE(after.ok, after.error.message);
      ++(after.map.empty() ? empty : whole);
    }
  });
  {
    Process process(world, off, 1);
    REQUIRE(process.start().has_value());
  }
  world.on_point({});
  CHECK(empty > 0);
  CHECK(whole > 0);
}

TEST_CASE("a directory that cannot be opened or locked is refused in the system's words") {
  sim::World world(1);
  world.disk().refuse_directory(kDirectory, Error{ErrorCode::io, "read-only file system: /data"});
  Process process(world, small_options(), 1);
  const auto started = process.start();
  REQUIRE(!started);
  CHECK(started.error().message.find("read-only file system") != std::string::npos);
}

TEST_CASE("a new database on a disk without room is refused before anything is made") {
  sim::FaultPlan plan;
  plan.disk_bytes = std::uint64_t{256} << 10U;
  sim::World world(1, plan);
  Process process(world, small_options(), 1);
  const auto started = process.start();
  REQUIRE(!started);
  CHECK(started.error().code == ErrorCode::disk_full);
  CHECK(started.error().message.find("disk full") != std::string::npos);
  CHECK(world.disk().names(kDirectory) == std::vector<std::string>{"LOCK"});
}

}  // namespace
