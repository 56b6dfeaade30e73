// Random reads, writes, syncs, errors and cuts of one file, against a model that knows for each
// sector which contents a cut may leave and which one a reader must see.
#include <array>
#include <optional>
#include <set>
#include <string>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "phoenix/sim/inode.h"

using namespace phoenix;

namespace {

constexpr std::size_t kSectors = 24;  // Three pages.
constexpr std::size_t kBytes = kSectors * sim::kSectorBytes;

std::array<std::byte, sim::kSectorBytes> sector(std::uint8_t fill) {
  std::array<std::byte, sim::kSectorBytes> bytes;
  bytes.fill(static_cast<std::byte>(fill));
  return bytes;
}

struct Sector {
  std::uint8_t seen = 0;           // What a read through the cache must show.
  std::set<std::uint8_t> left{0};  // What a cut may leave.
};

struct Sync {
  sim::Inode::SyncMark mark;
  std::array<std::uint8_t, kSectors> covers{};
  std::array<std::set<std::uint8_t>, kSectors> since;  // Written after the sync had started.
};

struct Model {
  explicit Model(std::uint64_t seed) : random(seed) {
    const std::array<std::byte, kBytes> zeros{};
    inode.plant(0, zeros);
  }

  void write(bool durable) {
    const std::size_t at = random.below(kSectors);
    const auto fill = static_cast<std::uint8_t>(++fills % 251 + 1);
    const bool direct = random.below(2) == 0;
    inode.write(at * sim::kSectorBytes, sector(fill), direct, random.below(4) == 0);
    sectors[at].seen = fill;
    sectors[at].left.insert(fill);
    if (sync) sync->since[at].insert(fill);
    if (!durable) return;
    inode.make_durable(at * sim::kSectorBytes, sim::kSectorBytes);
    sectors[at].left = {fill};
    if (sync) sync->covers[at] = fill;
  }

  void begin_sync() {
    sync.emplace();
    sync->mark = inode.begin_sync();
    for (std::size_t i = 0; i < kSectors; ++i) sync->covers[i] = sectors[i].seen;
  }

  void finish_sync() {
    inode.finish_sync(sync->mark);
    for (std::size_t i = 0; i < kSectors; ++i) {
      // A durable write since then has settled the sector by itself.
      if (sectors[i].left.size() == 1) continue;
      sectors[i].left = sync->since[i];
      sectors[i].left.insert(sync->covers[i]);
    }
    sync.reset();
  }

  void read() const {
    std::array<std::byte, kBytes> bytes{};
    REQUIRE(inode.read(0, bytes, false) == kBytes);
    for (std::size_t i = 0; i < kSectors; ++i) {
      REQUIRE(std::to_integer<std::uint8_t>(bytes[i * sim::kSectorBytes]) == sectors[i].seen);
      REQUIRE(bytes[(i + 1) * sim::kSectorBytes - 1] == bytes[i * sim::kSectorBytes]);
    }
  }

  void cut() {
    sim::Counters counters;
    inode.settle(sim::FaultPlan(), random, counters);
    sync.reset();
    std::array<std::byte, kBytes> bytes{};
    REQUIRE(inode.read(0, bytes, true) == kBytes);
    for (std::size_t i = 0; i < kSectors; ++i) {
      const auto found = std::to_integer<std::uint8_t>(bytes[i * sim::kSectorBytes]);
      REQUIRE(sectors[i].left.count(found) == 1);
      REQUIRE(bytes[(i + 1) * sim::kSectorBytes - 1] == bytes[i * sim::kSectorBytes]);
      sectors[i] = {found, {found}};
    }
    read();
  }

  SeededRandom random;
  sim::Inode inode;
  std::array<Sector, kSectors> sectors;
  std::optional<Sync> sync;
  std::uint64_t fills = 0;
};

}  // namespace

TEST_CASE("random writes, syncs and cuts agree with a model of each sector") {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    CAPTURE(seed);
    Model model(seed);
    for (int step = 0; step < 400; ++step) {
      const std::uint64_t choice = model.random.below(20);
      if (choice < 10) model.write(false);
      if (choice >= 10 && choice < 13) model.write(true);
      if (choice >= 13 && choice < 16 && !model.sync) model.begin_sync();
      if (choice >= 16 && choice < 18 && model.sync) model.finish_sync();
      if (choice == 18) model.read();
      if (choice == 19) model.cut();
    }
  }
}

TEST_CASE("a copy of a file is its own") {
  sim::Inode inode;
  inode.plant(0, sector('a'));
  inode.write(0, sector('b'), false, false);
  sim::Inode copy = inode;
  copy.write(0, sector('c'), false, false);
  copy.make_durable(0, sim::kSectorBytes);
  inode.write(sim::kSectorBytes, sector('d'), false, false);
  std::array<std::byte, 1> byte{};
  CHECK(inode.read(0, byte, false) == 1);
  CHECK(byte[0] == std::byte{'b'});
  CHECK(copy.read(0, byte, true) == 1);
  CHECK(byte[0] == std::byte{'c'});
  CHECK(inode.size_bytes() == 2 * sim::kSectorBytes);
  CHECK(copy.size_bytes() == sim::kSectorBytes);
}
