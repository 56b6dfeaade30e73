// Damage: what was durable and is not there any more is reported with its place, never taken for
// the end of the log, never truncated and never served as something older.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/log/superblock.h"
#include "tests/unit/log_crash/level.h"
#include "tests/unit/log_crash/process.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

constexpr const char* kSegmentSuffix = ".seg";
constexpr std::uint64_t kHeaderBytes = 4096;

// A database of a few epochs whose last process stopped as it should.
struct Database {
  sim::Disk disk{std::uint64_t{1} << 24U};
  Map map;
  std::vector<std::string> segments;
  std::uint32_t write_alignment = 512;
};

sim::FaultPlan plan_of(const Database& database) {
  sim::FaultPlan plan;
  plan.write_alignment = database.write_alignment;
  return plan;
}

Database make_database(unsigned lives, unsigned changes, bool orderly,
                       std::uint32_t write_alignment = 512) {
  Database database;
  database.write_alignment = write_alignment;
  sim::World world(7, plan_of(database), database.disk);
  for (unsigned life = 0; life < lives; ++life) {
    Process process(world, small_options(), 1);
    REQUIRE(process.start().has_value());
    for (unsigned i = 0; i < changes; ++i) {
      const std::string key = std::string("key").append(std::to_string(i % 5));
      REQUIRE(process.put(key, std::string(20, 'v') + std::to_string(life * changes + i)));
      if (i % 2 == 0) REQUIRE(process.settle());
    }
    REQUIRE(process.settle());
    if (orderly) process.close();
    database.map = process.map();
  }
  database.disk = world.disk();
  for (const auto& name : database.disk.names(kDirectory)) {
    if (name.ends_with(kSegmentSuffix)) database.segments.push_back(name);
  }
  return database;
}

struct Started {
  bool ok = false;
  std::string error;
  ErrorCode code = ErrorCode::invalid;
  Map map;
  std::vector<std::string> notices;
  sim::Disk disk{0};
};

Started start_on(const Database& database, const sim::Disk& disk,
                 const log::Options& options = small_options(), unsigned cores = 1) {
  sim::World world(9, plan_of(database), disk);
  Started started;
  {
    Process process(world, options, cores);
    const auto result = process.start();
    started.ok = result.has_value();
    if (!result) started.error = result.error().message;
    if (!result) started.code = result.error().code;
    started.map = process.map();
    if (result) started.notices = process.store().notices();
  }
  started.disk = world.disk();
  return started;
}

// Bits that mean something: the headers, and batches up to the end of what was written.
std::vector<std::uint64_t> meaningful_bytes(const std::string& content) {
  std::vector<std::uint64_t> bytes;
  std::size_t end = content.size();
  while (end > 0 && content[end - 1] == 0) --end;
  const unsigned step = by_level(23, 1, 1);  // Prime to the sizes of all fields.
  for (std::uint64_t i = 0; i < end + 64; i += step) {
    if (i < 160 || i >= kHeaderBytes || i % 512 == 0) bytes.push_back(i);
  }
  return bytes;
}

// One bit of each byte, another one in each of eight neighbours. Detected, or without any effect.
void flip_a_bit_of_each_byte(const Database& database, const std::string& name,
                             std::uint64_t& detected) {
  const std::string content = database.disk.content(kDirectory, name);
  for (const std::uint64_t byte : meaningful_bytes(content)) {
    const std::uint64_t bit = 8 * byte + byte % 8;
    sim::Disk disk = database.disk;
    disk.flip_bit(kDirectory, name, bit);
    const Started started = start_on(database, disk);
    if (!started.ok) ++detected;
    const bool harmless = started.ok && started.map == database.map;
    REQUIRE_MESSAGE((!started.ok || harmless), name << ", bit " << bit);
  }
}

TEST_CASE("a flipped bit anywhere is detected or harmless") {
  const Database database = make_database(2, 8, true);
  REQUIRE(database.segments.size() >= 2);
  std::uint64_t detected = 0;
  for (const auto& name : database.segments) flip_a_bit_of_each_byte(database, name, detected);
  CHECK(detected > by_level(40, 1000, 1000));
  std::uint64_t in_superblocks = 0;
  flip_a_bit_of_each_byte(database, "superblock.a", in_superblocks);
  flip_a_bit_of_each_byte(database, "superblock.b", in_superblocks);
  CHECK(in_superblocks == 0);  // The other copy serves.
}

TEST_CASE("canary: a log that ends where something is missing loses what was acknowledged") {
  const Database database = make_database(2, 8, true);
  log::Options options = small_options();
  options.mutations.truncate_at_damage = true;
  sim::Disk disk = database.disk;
  for (const auto& name : database.segments) disk.flip_bit(kDirectory, name, 8 * (4096 + 600));
  const Started started = start_on(database, disk, options);
  CHECK(started.ok);
  CHECK(started.map != database.map);
}

TEST_CASE("damage is named, and nothing is changed by refusing") {
  const Database database = make_database(1, 12, true);
  sim::Disk disk = database.disk;
  std::string damaged;
  for (const auto& name : database.segments) {
    if (disk.content(kDirectory, name)[kHeaderBytes] == 0) continue;
    disk.plant(kDirectory, name, kHeaderBytes + 512, std::string(512, '\0'));
    damaged = name;
  }
  const Started started = start_on(database, disk);
  REQUIRE(!started.ok);
  CHECK(started.code == ErrorCode::damaged);
  CHECK(started.error.find(damaged) != std::string::npos);
  CHECK(started.error.find("offset 4608") != std::string::npos);
  CHECK(started.error.find("slots 0-16383") != std::string::npos);
  CHECK(started.error.find("--accept-damage") != std::string::npos);
  for (const auto& name : disk.names(kDirectory)) {
    CHECK(started.disk.content(kDirectory, name) == disk.content(kDirectory, name));
  }
}

void lose_batch_two(const Database& database, sim::Disk& disk) {
  for (const auto& name : database.segments) {
    if (disk.content(kDirectory, name)[kHeaderBytes] == 0) continue;
    disk.plant(kDirectory, name, kHeaderBytes + 512, std::string(512, '\0'));
  }
}

TEST_CASE("damage accepted by flag: the rest is served, and the damaged segment stays") {
  const Database database = make_database(1, 12, true);
  sim::Disk disk = database.disk;
  lose_batch_two(database, disk);
  log::Options options = small_options();
  options.accept_damage = true;
  const Started accepted = start_on(database, disk, options);
  REQUIRE_MESSAGE(accepted.ok, accepted.error);
  CHECK(accepted.map.size() == 5);
  bool told = false;
  for (const auto& notice : accepted.notices) {
    told |= notice.find("accepted as lost: batches") != std::string::npos;
  }
  CHECK(told);
  // The damage has not gone away by being looked at.
  const Started again = start_on(database, accepted.disk);
  CHECK(!again.ok);
  CHECK(again.code == ErrorCode::damaged);
}

TEST_CASE("accepted damage and another number of cores: refused, as a rewrite would delete it") {
  const Database database = make_database(1, 12, true);
  sim::Disk disk = database.disk;
  lose_batch_two(database, disk);
  log::Options options = small_options();
  options.accept_damage = true;
  const Started refused = start_on(database, disk, options, 2);
  REQUIRE(!refused.ok);
  CHECK(refused.code == ErrorCode::damaged);
  CHECK(refused.error.find("Start with the former --cores 1") != std::string::npos);
  for (const auto& name : disk.names(kDirectory)) {
    CHECK(refused.disk.content(kDirectory, name) == disk.content(kDirectory, name));
  }
  CHECK(start_on(database, refused.disk, options).ok);
}

TEST_CASE("accepted damage: too many recorded ends do not make a rewrite delete it") {
  const Database database = make_database(1, 12, true);
  sim::Disk disk = database.disk;
  lose_batch_two(database, disk);
  const std::string content = disk.content(kDirectory, "superblock.a");
  auto decoded = log::decode_superblock(std::as_bytes(std::span(content)));
  REQUIRE(decoded.state == log::SuperblockState::valid);
  // Of cores that are no more: they count, and harm nothing.
  for (unsigned i = 0; i <= log::kRecordedEndsRewrite; ++i) {
    decoded.superblock.ends.push_back({1, 1, 1, static_cast<std::uint16_t>(1 + i), 0});
  }
  const auto encoded = log::encode_superblock(decoded.superblock);
  REQUIRE(encoded.has_value());
  const std::string bytes(reinterpret_cast<const char*>(encoded->data()), encoded->size());
  for (const char* copy : {"superblock.a", "superblock.b"}) {
    disk.plant_file(kDirectory, copy, bytes);
  }
  log::Options options = small_options();
  options.accept_damage = true;
  const Started accepted = start_on(database, disk, options);
  REQUIRE_MESSAGE(accepted.ok, accepted.error);
  for (const auto& name : database.segments) {
    if (disk.content(kDirectory, name)[kHeaderBytes] == 0) continue;
    CHECK(accepted.disk.exists(kDirectory, name));
  }
}

TEST_CASE("a missing segment is damage") {
  const Database database = make_database(3, 8, true);
  std::vector<std::string> missed;
  for (const auto& name : database.segments) {
    if (database.disk.content(kDirectory, name)[kHeaderBytes] == 0) continue;  // Holds nothing.
    sim::Disk disk = database.disk;
    disk.remove_file(kDirectory, name);
    const Started started = start_on(database, disk);
    if (started.ok) continue;
    CHECK(started.code == ErrorCode::damaged);
    CHECK(started.error.find("are missing with their segment") != std::string::npos);
    missed.push_back(name);
  }
  // All but that of the newest epoch: nothing that is left speaks of it.
  CHECK(missed.size() == 2);
}

TEST_CASE("a damaged segment header is damage, as no batch comes before its header") {
  const Database database = make_database(1, 8, false);
  std::string used;
  for (const auto& name : database.segments) {
    if (database.disk.content(kDirectory, name)[0] != 0) used = name;
  }
  REQUIRE(!used.empty());
  sim::Disk disk = database.disk;
  disk.flip_bit(kDirectory, used, 8 * 40);
  const Started started = start_on(database, disk);
  CHECK(!started.ok);
  CHECK(started.error.find("the header of segment " + used + " is damaged") != std::string::npos);
}

TEST_CASE("a header that was lost is damage, not a segment that was never used") {
  for (const std::uint32_t alignment : {512U, 4096U, 65'536U}) {
    const Database database = make_database(1, 8, false, alignment);
    sim::Disk disk = database.disk;
    for (const auto& name : database.segments) {
      disk.plant(kDirectory, name, 0, std::string(kHeaderBytes, '\0'));
    }
    const Started started = start_on(database, disk);
    CHECK(!started.ok);
    CHECK(started.code == ErrorCode::damaged);
    CHECK(started.error.find("batches that cannot be used") != std::string::npos);
    for (const auto& name : database.segments) CHECK(started.disk.exists(kDirectory, name));
    log::Options options = small_options();
    options.accept_damage = true;
    const Started accepted = start_on(database, disk, options);
    CHECK_MESSAGE(accepted.ok, accepted.error);
    CHECK(!start_on(database, accepted.disk).ok);  // It stays, and is still told.
  }
}

TEST_CASE("batches and segments in each other's place do not validate") {
  const Database database = make_database(3, 8, true);
  std::vector<std::string> used;
  for (const auto& name : database.segments) {
    if (database.disk.content(kDirectory, name)[kHeaderBytes] != 0) used.push_back(name);
  }
  REQUIRE(used.size() >= 2);
  const auto swapped = [&](std::uint64_t from, std::uint64_t to, std::size_t length) {
    sim::Disk disk = database.disk;
    disk.swap_ranges(kDirectory, {used[0], from}, {used[1], to}, length);
    return start_on(database, disk);
  };
  for (const std::uint64_t offset : {std::uint64_t{0}, kHeaderBytes, kHeaderBytes + 512}) {
    CHECK(!swapped(offset, offset, 512).ok);
    CHECK(!swapped(offset, kHeaderBytes + 1024, 512).ok);
  }
  CHECK(!swapped(0, 0, 32'768).ok);
}

TEST_CASE("an unreadable block refuses the start and changes nothing") {
  const Database database = make_database(2, 8, true);
  for (const auto& name : database.segments) {
    if (database.disk.content(kDirectory, name)[kHeaderBytes] == 0) continue;
    sim::Disk disk = database.disk;
    disk.fail_reads(kDirectory, name, kHeaderBytes + 512, 512);
    const Started failed = start_on(database, disk);
    CHECK(!failed.ok);
    CHECK(failed.code == ErrorCode::io);
    CHECK(failed.error.find(name) != std::string::npos);
    sim::Disk healed = failed.disk;
    healed.heal_reads();
    const Started started = start_on(database, healed);
    CHECK(started.ok);
    CHECK(started.map == database.map);
    log::Options options = small_options();
    options.accept_damage = true;
    const Started accepted = start_on(database, failed.disk, options);
    CHECK_MESSAGE(accepted.ok, accepted.error);
  }
}

TEST_CASE("an unreadable block that is accepted costs what it held, and no more") {
  const Database database = make_database(1, 40, true);
  for (const auto& name : database.segments) {
    if (database.disk.content(kDirectory, name)[kHeaderBytes] == 0) continue;
    sim::Disk disk = database.disk;
    disk.fail_reads(kDirectory, name, kHeaderBytes + 512, 512);
    log::Options options = small_options();
    options.accept_damage = true;
    const Started accepted = start_on(database, disk, options);
    REQUIRE_MESSAGE(accepted.ok, accepted.error);
    // Batch 2 of 20; every key was written again later.
    CHECK(accepted.map == database.map);
    bool told = false;
    for (const auto& notice : accepted.notices) {
      told |= notice.find("accepted as lost: 512 bytes") != std::string::npos;
    }
    CHECK(told);
  }
}

}  // namespace
