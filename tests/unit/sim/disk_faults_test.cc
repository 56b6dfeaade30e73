// Errors, short counts, full and damaged disks.
#include <cerrno>
#include <optional>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/sim/process.h"

using namespace phoenix;
using namespace phoenix::sim_test;

namespace {

constexpr std::size_t kMiB = std::size_t{1} << 20U;

}  // namespace

TEST_CASE("the basic file operations and their errors") {
  sim::World world(1);
  Process process(world);
  CHECK(process.open("f") == -ENOENT);
  const int fd = process.create("f");
  REQUIRE(fd >= 0);
  CHECK(process.create("f") == -EEXIST);
  CHECK(process.unlink("g") == -ENOENT);
  CHECK(process.write(fd, 3, "abc") == 3);
  CHECK(process.read(fd, 0, 100) == std::string("\0\0\0abc", 6));
  CHECK(process.read(fd, 6, 100).empty());
  CHECK(process.sync(fd) == 0);
  CHECK(process.write(99, 0, "abc") == -EBADF);
  CHECK(process.write(process.directory, 0, "abc") == -EBADF);
  const int reader = process.open("f", io::Operation::kOpenRead);
  CHECK(process.write(reader, 0, "abc") == -EBADF);
  CHECK(process.read(reader, 3, 3) == "abc");
  CHECK(process.unlink("f") == 0);
  CHECK(process.read(fd, 3, 3) == "abc");  // The descriptor still holds it.
  CHECK(process.close(fd) == 0);
  CHECK(process.close(fd) == -EBADF);
  CHECK(process.create("g") == fd);  // The lowest free number.
}

TEST_CASE("direct files want aligned memory, and are refused where the disk has none") {
  sim::FaultPlan plan;
  plan.write_alignment = 512;
  sim::World world(1, plan);
  Process process(world);
  CHECK(process.host.write_alignment(process.directory).value() == 512);
  const int fd = process.create("f", io::Operation::kOpenDirect);
  Aligned memory(std::string(1024, 'a'));
  CHECK(process.call(Process::write_of(fd, 512, memory.bytes())) == 1024);
  CHECK(process.read(fd, 512, 512) == std::string(512, 'a'));
  world.plan().write_alignment = 0;
  CHECK(process.create("g", io::Operation::kOpenDirect) == -EINVAL);
}

TEST_CASE("the nth operation fails, once or from then on") {
  for (const bool sticky : {false, true}) {
    sim::World world(1);
    Process process(world);
    const int fd = process.create("f");
    world.fail_nth(sim::ChosenFault{3, -EIO, sticky, std::nullopt});
    CHECK(process.write(fd, 0, "abc") == 3);
    CHECK(process.sync(fd) == 0);
    CHECK(process.write(fd, 0, "abc") == -EIO);
    CHECK(process.write(fd, 0, "abc") == (sticky ? -EIO : 3));
    CHECK(process.read(fd, 0, 3) == (sticky ? "error -5" : "abc"));
    CHECK(process.create("g") == (sticky ? -EIO : fd + 1));
    CHECK(world.counters().chosen_errors == (sticky ? 4 : 1));
  }
}

TEST_CASE("errors by chance keep to their budget") {
  sim::FaultPlan plan;
  plan.write_errors = plan.sync_errors = plan.read_errors = plan.entry_errors = 5'000;
  plan.error_budget = 5;
  std::uint64_t writes = 0;
  std::uint64_t syncs = 0;
  std::uint64_t reads = 0;
  std::uint64_t entries = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    CAPTURE(seed);
    sim::World world(seed, plan);
    Process process(world);
    world.disk().plant_file(kData, "f", "abc");
    int fd = process.open("f");
    while (fd < 0) fd = process.open("f");
    for (int i = 0; i < 100; ++i) {
      process.write(fd, 0, "abc");
      process.sync(fd);
      process.read(fd, 0, 3);
    }
    const sim::Counters& counters = world.counters();
    REQUIRE(counters.write_errors + counters.sync_errors + counters.read_errors +
                counters.entry_errors ==
            5);
    writes += counters.write_errors;
    syncs += counters.sync_errors;
    reads += counters.read_errors;
    entries += counters.entry_errors;
  }
  CHECK(writes > 5);
  CHECK(syncs > 5);
  CHECK(reads > 5);
  CHECK(entries > 5);
}

TEST_CASE("a sticky error lasts until the process ends") {
  sim::FaultPlan plan;
  plan.write_errors = plan.sticky_errors = 10'000;
  plan.error_budget = 1;
  sim::World world(1, plan);
  std::optional<Process> process(std::in_place, world);
  int fd = process->create("f");
  CHECK(process->write(fd, 0, "abc") == -EIO);
  CHECK(process->write(fd, 0, "abc") == -EIO);
  CHECK(process->sync(fd) == -EIO);
  const int other = process->create("g");
  CHECK(process->write(other, 0, "abc") == 3);
  CHECK(process->sync(process->directory) == 0);
  world.crash_now();
  process.reset();
  world.kill();
  process.emplace(world);
  fd = process->open("f");
  CHECK(process->write(fd, 0, "abc") == 3);
  CHECK(process->sync(fd) == 0);
}

TEST_CASE("short reads and writes happen, in whole blocks on direct files") {
  sim::FaultPlan plan;
  plan.short_reads = plan.short_writes = 5'000;
  plan.write_alignment = 512;
  sim::World world(1, plan);
  Process process(world);
  const int buffered = process.create("f");
  const int direct = process.open("f", io::Operation::kOpenDirect);
  Aligned memory(std::string(4096, 'a'));
  int whole = 0;
  for (int i = 0; i < 50; ++i) {
    const std::int32_t written = process.call(Process::write_of(direct, 0, memory.bytes()));
    REQUIRE(written > 0);
    REQUIRE(written % 512 == 0);
    whole += written == 4096 ? 1 : 0;
    REQUIRE(process.write(buffered, 0, "abc") > 0);
    REQUIRE(process.read(direct, 0, 4096).size() % 512 == 0);
    REQUIRE_FALSE(process.read(buffered, 0, 512).empty());
  }
  CHECK(whole > 5);
  CHECK(whole < 45);
  CHECK(world.counters().short_writes > 20);
  CHECK(world.counters().short_reads > 20);
}

TEST_CASE("a full disk: allocations fail, writes are short, deletes heal it") {
  sim::FaultPlan plan;
  plan.disk_bytes = kMiB;
  sim::World world(1, plan);
  Process process(world);
  const auto available = [&] { return process.host.space(process.directory)->available_bytes; };
  CHECK(available() == kMiB);
  const int f = process.create("f");
  CHECK(process.allocate(f, kMiB / 2) == 0);
  CHECK(available() == kMiB / 2);
  const int g = process.create("g");
  CHECK(process.allocate(g, kMiB) == -ENOSPC);
  CHECK(process.write(f, 0, std::string(kMiB / 2, 'a')) == kMiB / 2);  // Reserved before.
  CHECK(process.write(g, 100, std::string(kMiB, 'b')) == kMiB / 2 - 100);
  CHECK(process.write(g, kMiB / 2, "c") == -ENOSPC);
  CHECK(process.write(g, 0, "c") == 1);  // There is a page for it already.
  CHECK(available() == 0);
  CHECK(world.counters().no_space == 3);
  CHECK(process.unlink("g") == 0);
  CHECK(available() == 0);  // A descriptor holds it.
  CHECK(process.sync(process.directory) == 0);
  CHECK(process.close(g) == 0);
  CHECK(available() == kMiB / 2);
  world.disk().set_foreign_bytes(kMiB / 2);
  CHECK(process.write(f, kMiB / 2, "d") == -ENOSPC);
  world.disk().set_foreign_bytes(0);
  CHECK(process.write(f, kMiB / 2, "d") == 1);
}

TEST_CASE("ENOSPC also comes by chance") {
  sim::FaultPlan plan;
  plan.no_space = 10'000;
  plan.error_budget = 1;
  sim::World world(1, plan);
  Process process(world);
  const int fd = process.create("f");
  CHECK(process.allocate(fd, 4096) == -ENOSPC);
  CHECK(process.allocate(fd, 4096) == 0);
}

TEST_CASE("rot, misdirected writes and bad sectors") {
  sim::World world(1);
  Process process(world);
  sim::Disk& disk = world.disk();
  disk.plant_file(kData, "f", "abcdefgh");
  disk.plant_file(kData, "g", "ABCDEFGH");
  disk.flip_bit(kData, "f", 8 * 2 + 1);
  CHECK(disk.content(kData, "f") == "abadefgh");  // 'c' is 0x63.
  disk.swap_ranges(kData, {"f", 4}, {"g", 0}, 2);
  CHECK(disk.content(kData, "f") == "abadABgh");
  CHECK(disk.content(kData, "g") == "efCDEFGH");
  const int fd = process.open("f");
  disk.fail_reads(kData, "f", 4, 1);
  CHECK(process.read(fd, 0, 4) == "abad");
  CHECK(process.read(fd, 0, 5) == "error -5");
  CHECK(process.read(fd, 4, 4) == "error -5");
  disk.heal_reads();
  CHECK(process.read(fd, 0, 8) == "abadABgh");
  disk.remove_file(kData, "g");
  CHECK(disk.names(kData) == std::vector<std::string>{"f"});
  CHECK(process.read(fd, 0, 8) == "abadABgh");
}

TEST_CASE("planted damage is durable, and survives a cut") {
  sim::World world(1);
  {
    Process process(world);
    world.disk().plant_file(kData, "f", "abc");
    world.disk().plant(kData, "f", 1, "X");
    world.crash_now();
  }
  world.power_cut();
  CHECK(world.disk().content(kData, "f") == "aXc");
}

TEST_CASE("host calls: listing, locks, refused directories") {
  sim::World world(1);
  Process process(world);
  world.disk().plant_file(kData, "a", "1");
  world.disk().plant_file(kData, "b", "22");
  const auto listed = process.host.list_directory(process.directory);
  REQUIRE(listed.has_value());
  std::uint64_t bytes = 0;
  for (const auto& info : *listed) bytes += info.size_bytes;
  CHECK(listed->size() == 2);
  CHECK(bytes == 3);
  CHECK_FALSE(process.host.list_directory(99).has_value());

  CHECK(process.host.lock_directory(process.directory).has_value());
  CHECK(world.disk().exists(kData, "LOCK"));
  {
    sim::Host second(world);
    const auto directory = second.open_directory(kData);
    const auto refused = second.lock_directory(*directory);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().code == ErrorCode::in_use);
  }
  world.disk().refuse_directory("/bad", Error{ErrorCode::not_permitted, "no"});
  CHECK(process.host.open_directory("/bad").error().code == ErrorCode::not_permitted);
  world.disk().refuse_directory("/bad", std::nullopt);
  CHECK(process.host.open_directory("/bad").has_value());
}

TEST_CASE("a lock ends with its process, or with its host") {
  sim::World world(1);
  {
    sim::Host first(world);
    CHECK(first.lock_directory(*first.open_directory(kData)).has_value());
  }
  {
    sim::Host second(world);
    CHECK(second.lock_directory(*second.open_directory(kData)).has_value());
    world.crash_now();
    CHECK_FALSE(second.lock_directory(3).has_value());
    CHECK_FALSE(second.open_directory(kData).has_value());
    world.kill();
    sim::Host third(world);
    CHECK(third.lock_directory(*third.open_directory(kData)).has_value());
  }
}

TEST_CASE("slow operations delay single answers") {
  sim::FaultPlan plan;
  plan.slow_operations = 5'000;
  sim::World world(1, plan);
  Process process(world);
  const int fd = process.create("f");
  const std::uint64_t start_ns = world.now_ns();
  for (int i = 0; i < 20; ++i) process.write(fd, 0, "abc");
  CHECK(world.counters().slow_operations > 2);
  CHECK(world.now_ns() - start_ns > 30'000'000);
}
