// What the simulated disk keeps and loses: each guarantee holds in every run, each loss happens in
// some.
#include <algorithm>
#include <optional>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/sim/process.h"

using namespace phoenix;
using namespace phoenix::sim_test;

namespace {

constexpr std::uint64_t kSeeds = 200;

std::string sectors(std::size_t count, char fill) {
  return std::string(count * sim::kSectorBytes, fill);
}

// A world with a durable file of zeros, ready for one experiment and one cut.
struct Machine {
  explicit Machine(std::uint64_t seed, const sim::FaultPlan& plan = {}) : world(seed, plan) {
    process.emplace(world);
    file = process->create("f");
    REQUIRE(file >= 0);
    REQUIRE(process->write(file, 0, sectors(8, '0')) == 4096);
    REQUIRE(process->sync(file) == 0);
    REQUIRE(process->sync(process->directory) == 0);
  }
  void end(bool power_cut) {
    world.crash_now();
    process.reset();
    if (power_cut) {
      world.power_cut();
    } else {
      world.kill();
    }
  }
  std::string cut() {
    end(true);
    return world.disk().content(kData, "f");
  }
  std::string cut_again() {
    world.power_cut();
    return world.disk().content(kData, "f");
  }
  void restart() {
    process.emplace(world);
    file = process->open("f");
    REQUIRE(file >= 0);
  }

  sim::World world;
  std::optional<Process> process;
  int file = -1;
};

}  // namespace

TEST_CASE("what was synced survives every power cut; what was not is kept, lost or torn") {
  int kept = 0;
  int lost = 0;
  int torn = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    REQUIRE(machine.process->write(machine.file, 0, sectors(4, '1')) == 2048);
    REQUIRE(machine.process->sync(machine.file) == 0);
    REQUIRE(machine.process->write(machine.file, 2048, sectors(4, '2')) == 2048);
    const std::string content = machine.cut();
    REQUIRE(content.substr(0, 2048) == sectors(4, '1'));
    const auto survived = std::count(content.begin() + 2048, content.end(), '2');
    REQUIRE(survived % 512 == 0);
    kept += survived == 2048 ? 1 : 0;
    lost += survived == 0 ? 1 : 0;
    torn += survived > 0 && survived < 2048 ? 1 : 0;
  }
  CHECK(kept > 10);
  CHECK(lost > 10);
  CHECK(torn > 10);
}

TEST_CASE("a durable write is durable when it completes, and only then") {
  std::set<std::string> outcomes;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    Aligned memory(sectors(2, '2'));
    REQUIRE(machine.process->write_durably(machine.file, 0, sectors(2, '1')) == 1024);
    io::Operation operation = Process::write_of(machine.file, 2048, memory.bytes());
    operation.durable = true;
    machine.process->begin(operation);
    machine.process->turn();  // Now it is in flight.
    const std::string content = machine.cut();
    REQUIRE(content.substr(0, 1024) == sectors(2, '1'));
    std::string outcome{content[2048], content[2560]};
    outcomes.insert(outcome);
  }
  CHECK(outcomes == std::set<std::string>{"00", "02", "20", "22"});
}

TEST_CASE("tearing in 4 KiB blocks leaves each block old or new") {
  sim::FaultPlan plan;
  plan.tear_bytes = 4096;
  std::set<char> outcomes;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Machine machine(seed, plan);
    REQUIRE(machine.process->write(machine.file, 0, sectors(8, '1')) == 4096);
    const std::string content = machine.cut();
    REQUIRE(content == sectors(8, content[0]));
    outcomes.insert(content[0]);
  }
  CHECK(outcomes == std::set<char>{'0', '1'});
}

TEST_CASE("garbage after a cut touches only what was not durable") {
  sim::FaultPlan plan;
  plan.cut_garbage = 5'000;
  std::uint64_t garbage = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Machine machine(seed, plan);
    REQUIRE(machine.process->write(machine.file, 0, sectors(4, '1')) == 2048);
    const std::string content = machine.cut();
    REQUIRE(content.substr(2048) == sectors(4, '0'));
    garbage += machine.world.counters().sectors_garbage;
  }
  CHECK(garbage > 20);
}

TEST_CASE("a sync covers what was complete when it started, not what came later") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    machine.world.plan().disk = sim::Latency{500'000, 500'000};
    REQUIRE(machine.process->write(machine.file, 0, sectors(1, '1')) == 512);
    const io::Token sync = machine.process->begin(Process::sync_of(machine.file));
    machine.process->turn();
    machine.world.plan().disk = sim::Latency{1'000, 1'000};
    REQUIRE(machine.process->write(machine.file, 512, sectors(1, '2')) == 512);
    REQUIRE(machine.process->write(machine.file, 0, sectors(1, '3')) == 512);
    REQUIRE(machine.process->await(sync) == 0);
    const std::string content = machine.cut();
    REQUIRE(content[0] != '0');  // '1' was complete, and perhaps '3' has landed over it.
    lost += content[512] == '0' ? 1 : 0;
  }
  CHECK(lost > 20);
}

TEST_CASE("a size that was not synced may be lost, and a synced one is not") {
  int shorter = 0;
  int as_synced = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    REQUIRE(machine.process->allocate(machine.file, 16'384) == 0);
    REQUIRE(machine.process->sync(machine.file) == 0);
    REQUIRE(machine.process->allocate(machine.file, 65'536) == 0);
    const std::size_t size = machine.cut().size();
    REQUIRE(size >= 16'384);
    REQUIRE(size <= 65'536);
    shorter += size < 65'536 ? 1 : 0;
    as_synced += size == 16'384 ? 1 : 0;
  }
  CHECK(shorter > as_synced + 20);
  CHECK(shorter < 200);
  CHECK(as_synced > 20);
}

TEST_CASE("entries are durable by a sync of the directory, apart from their files") {
  int lost = 0;
  int empty = 0;
  int revived = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    Process& process = *machine.process;
    const int named = process.create("named");
    REQUIRE(process.write(named, 0, "data") == 4);
    REQUIRE(process.sync(process.directory) == 0);
    const int filled = process.create("filled");
    REQUIRE(process.write(filled, 0, "data") == 4);
    REQUIRE(process.sync(filled) == 0);
    REQUIRE(process.unlink("f") == 0);
    machine.end(true);
    const sim::Disk& disk = machine.world.disk();
    REQUIRE(disk.exists(kData, "named"));
    if (disk.content(kData, "named") != "data") ++empty;
    if (!disk.exists(kData, "filled")) ++lost;
    if (disk.exists(kData, "filled")) REQUIRE(disk.content(kData, "filled") == "data");
    if (disk.exists(kData, "f")) {
      ++revived;
      REQUIRE(disk.content(kData, "f") == sectors(8, '0'));
    }
  }
  CHECK(lost > 20);
  CHECK(lost < 180);
  CHECK(empty > 20);
  CHECK(revived > 20);
}

TEST_CASE("a sync of a directory covers the entries made before it started") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    Process& process = *machine.process;
    REQUIRE(process.create("before") >= 0);
    machine.world.plan().disk = sim::Latency{500'000, 500'000};
    const io::Token sync = process.begin(Process::sync_of(process.directory));
    process.turn();
    machine.world.plan().disk = sim::Latency{1'000, 1'000};
    REQUIRE(process.create("after") >= 0);
    REQUIRE(process.await(sync) == 0);
    machine.end(true);
    REQUIRE(machine.world.disk().exists(kData, "before"));
    lost += machine.world.disk().exists(kData, "after") ? 0 : 1;
  }
  CHECK(lost > 20);
}

TEST_CASE("a retried sync of a directory says 0 and the entry is gone") {
  int gone = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    Process& process = *machine.process;
    REQUIRE(process.create("made") >= 0);
    machine.world.fail_nth(sim::ChosenFault{1, -EIO, false, Kind::sync});
    REQUIRE(process.sync(process.directory) == -EIO);
    REQUIRE(process.sync(process.directory) == 0);
    REQUIRE(machine.world.disk().exists(kData, "made"));  // So it seems.
    machine.end(seed % 2 == 0);
    gone += machine.world.disk().exists(kData, "made") ? 0 : 1;
  }
  CHECK(gone > 10);
  CHECK(gone < 50);
}

TEST_CASE("a retried sync says 0 and the data is gone") {
  int gone = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    REQUIRE(machine.process->write(machine.file, 0, sectors(1, '1')) == 512);
    machine.world.fail_nth(sim::ChosenFault{1, -EIO, false, Kind::sync});
    REQUIRE(machine.process->sync(machine.file) == -EIO);
    REQUIRE(machine.process->sync(machine.file) == 0);
    REQUIRE(machine.process->read(machine.file, 0, 512) == sectors(1, '1'));  // The cache lies.
    gone += machine.cut()[0] == '0' ? 1 : 0;
  }
  CHECK(gone > 50);
}

TEST_CASE("after a failed sync of direct writes, reads show what the disk has") {
  int gone = 0;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    Process& process = *machine.process;
    const int direct = process.open("f", io::Operation::kOpenDirect);
    Aligned memory(sectors(8, '1'));
    REQUIRE(process.call(Process::write_of(direct, 0, memory.bytes())) == 4096);
    machine.world.fail_nth(sim::ChosenFault{1, -EIO, false, Kind::sync});
    REQUIRE(process.sync(direct) == -EIO);
    REQUIRE(process.sync(direct) == 0);
    const std::string seen = process.read(direct, 0, 4096);
    REQUIRE(process.read(machine.file, 0, 4096) == seen);  // No cache lies about it either.
    gone += std::count(seen.begin(), seen.end(), '0') > 0 ? 1 : 0;
    REQUIRE(machine.cut() == seen);
  }
  CHECK(gone > 20);
}

TEST_CASE("a direct read looks past a lying cache, and so does the next process") {
  for (const bool lie_survives : {false, true}) {
    int lied = 0;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      CAPTURE(seed);
      sim::FaultPlan plan;
      plan.lying_cache_survives_kill = lie_survives;
      Machine machine(seed, plan);
      REQUIRE(machine.process->write(machine.file, 0, sectors(1, '1')) == 512);
      machine.world.fail_nth(sim::ChosenFault{1, -EIO, false, Kind::sync});
      REQUIRE(machine.process->sync(machine.file) == -EIO);
      const int direct = machine.process->open("f", io::Operation::kOpenDirect);
      const std::string truth = machine.process->read(direct, 0, 4096);
      machine.end(false);
      machine.restart();
      const std::string cached = machine.process->read(machine.file, 0, 4096);
      lied += cached != truth ? 1 : 0;
      REQUIRE(machine.cut() == truth);
    }
    CHECK((lied > 10) == lie_survives);
  }
}

TEST_CASE("a kill keeps the caches, and a later cut may still take what was not synced") {
  int lost = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    REQUIRE(machine.process->write(machine.file, 0, sectors(1, '1')) == 512);
    const int made = machine.process->create("made");
    REQUIRE(made >= 0);
    machine.end(false);
    machine.restart();
    REQUIRE(machine.process->read(machine.file, 0, 512) == sectors(1, '1'));
    REQUIRE(machine.world.disk().exists(kData, "made"));
    if (seed % 2 == 0) {
      REQUIRE(machine.process->sync(machine.file) == 0);
      REQUIRE(machine.cut()[0] == '1');
    } else {
      lost += machine.cut()[0] == '0' ? 1 : 0;
    }
  }
  CHECK(lost > 20);
}

TEST_CASE("writes of a killed process land whole, in part or not, and never under the next lock") {
  std::set<std::string> at_once;
  std::uint64_t late = 0;
  int changed_before_lock = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    Aligned memory(sectors(3, '1'));
    machine.process->begin(Process::write_of(machine.file, 0, memory.bytes()));
    machine.process->turn();
    machine.end(false);
    machine.restart();
    const std::string before = machine.process->read(machine.file, 0, 1536);
    at_once.insert(std::string{before[0], before[512], before[1024]});
    REQUIRE(machine.process->host.lock_directory(machine.process->directory).has_value());
    const std::string locked = machine.process->read(machine.file, 0, 1536);
    changed_before_lock += locked != before ? 1 : 0;
    while (machine.world.advance(machine.world.now_ns() + kNanosPerSecond)) machine.process->turn();
    REQUIRE(machine.process->read(machine.file, 0, 1536) == locked);
    late += machine.world.counters().late_writes;
  }
  CHECK(at_once.count("000") == 1);
  CHECK(at_once.count("111") == 1);
  CHECK(at_once.size() > 3);
  CHECK(late > 20);
  CHECK(changed_before_lock > 20);
}

TEST_CASE(
    "a cut may come before a killed process's last writes have landed, or their file be gone") {
  std::set<char> left;
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    Aligned memory(sectors(1, '1'));
    const int removed = machine.process->create("removed");
    machine.process->begin(Process::write_of(removed, 0, memory.bytes()));
    machine.process->begin(Process::write_of(machine.file, 0, memory.bytes()));
    REQUIRE(machine.process->unlink("removed") == 0);
    machine.world.plan().disk = sim::Latency{500'000, 500'000};
    machine.process->begin(Process::write_of(removed, 0, memory.bytes()));
    machine.process->begin(Process::write_of(machine.file, 512, memory.bytes()));
    machine.process->turn();
    machine.end(false);
    left.insert(machine.cut_again()[512]);
    machine.restart();
    REQUIRE(machine.process->host.lock_directory(machine.process->directory).has_value());
    const std::string locked = machine.process->read(machine.file, 512, 1);
    REQUIRE(machine.cut().substr(512, 1) == locked);
  }
  CHECK(left == std::set<char>{'0', '1'});
}

TEST_CASE("a killed process's last write to a file that is gone hits no other file") {
  for (std::uint64_t seed = 1; seed <= 50; ++seed) {
    CAPTURE(seed);
    Machine machine(seed);
    Aligned memory(sectors(1, '1'));
    const int removed = machine.process->create("removed");
    REQUIRE(machine.process->unlink("removed") == 0);
    REQUIRE(machine.process->sync(machine.process->directory) == 0);
    machine.process->begin(Process::write_of(removed, 0, memory.bytes()));
    machine.process->turn();
    machine.end(false);
    machine.restart();
    REQUIRE(machine.process->create("fresh") >= 0);
    REQUIRE(machine.process->host.lock_directory(machine.process->directory).has_value());
    REQUIRE(machine.world.disk().content(kData, "fresh").empty());
  }
}

TEST_CASE("an unsynced sector may reach the disk before it is overwritten") {
  sim::FaultPlan plan;
  plan.write_back = 5'000;
  std::set<char> outcomes;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Machine machine(seed, plan);
    REQUIRE(machine.process->write(machine.file, 0, sectors(1, '1')) == 512);
    REQUIRE(machine.process->write(machine.file, 0, sectors(1, '2')) == 512);
    outcomes.insert(machine.cut()[0]);
  }
  CHECK(outcomes == std::set<char>{'0', '1', '2'});
}

TEST_CASE("stale blocks: allocated space shows old files until it is written") {
  sim::FaultPlan plan;
  plan.stale_blocks = true;
  Machine machine(1, plan);
  Process& process = *machine.process;
  REQUIRE(process.unlink("f") == 0);
  REQUIRE(process.sync(process.directory) == 0);
  REQUIRE(process.close(machine.file) == 0);
  const int fresh = process.create("g");
  REQUIRE(process.allocate(fresh, 8'192) == 0);
  CHECK(process.read(fresh, 0, 8'192) == sectors(16, '0'));
  REQUIRE(process.write(fresh, 0, sectors(16, '1')) == 8'192);
  CHECK(process.read(fresh, 0, 8'192) == sectors(16, '1'));
}
