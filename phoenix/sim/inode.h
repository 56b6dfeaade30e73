// One simulated file: the bytes that are on stable storage, and over them those that so far are
// only in a cache. A sector is in one of three states:
//   clean  cache and disk agree;
//   dirty  written, not yet durable: a sync makes it durable, a power cut takes it or tears it;
//   lying  a sync of it failed: the page cache still shows it and calls it clean, the disk does not
//          have it, and no later sync will write it. (What Linux file systems do: Rebello et al.,
//          "Can Applications Recover from fsync Failures?", USENIX ATC 2020.)
// Bytes written with O_DIRECT are never lying: when their write or flush fails, reads show what the
// disk has.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/sim/faults.h"
#include "phoenix/sim/page.h"

namespace phoenix::sim {

class Inode final {
 public:
  std::uint64_t size_bytes() const { return size_; }
  std::uint64_t allocated_pages() const { return allocated_; }

  /// Bytes of the file from `offset`, at most out.size(); returns how many. `direct` looks past
  /// clean and lying cache at the disk, as O_DIRECT does.
  std::size_t read(std::uint64_t offset, std::span<std::byte> out, bool direct) const;

  /// How many pages a write or allocation of this range would take from the disk's free space.
  std::uint64_t pages_wanted(std::uint64_t offset, std::uint64_t length) const;

  /// Makes the range dirty, and the file longer. `write_back_first`: unsynced sectors that are
  /// overwritten reach the disk before.
  void write(std::uint64_t offset, std::span<const std::byte> bytes, bool direct,
             bool write_back_first);

  /// Reserves pages and makes the file longer. New pages hold what `stale` gives in turn (empty:
  /// zeros).
  void allocate(std::uint64_t offset, std::uint64_t length, std::span<const PageRef> stale);

  /// What one sync covers: what was complete, and the size, when it started.
  struct SyncMark {
    std::uint32_t stamp = 0;
    std::uint64_t size_bytes = 0;
  };
  SyncMark begin_sync();
  void finish_sync(SyncMark mark);
  /// The sync failed: some of what it covered is durable, the rest will never be.
  void fail_sync(SyncMark mark, SeededRandom& random);
  /// The process that waited for a sync has ended.
  void abandon_syncs() { syncs_ = 0; }

  /// A durable write of this range was completed, or failed.
  void make_durable(std::uint64_t offset, std::uint64_t length);
  void fail_durable(std::uint64_t offset, std::uint64_t length, SeededRandom& random);

  /// A power cut: each dirty sector is on the disk or not, or garbage; the size has grown, or not,
  /// or in part. Then cache and disk agree.
  void settle(const FaultPlan& plan, SeededRandom& random, Counters& counters);
  /// Forgets lying sectors: reads show the disk again.
  void drop_lies();

  /// Puts bytes on the disk as if they had always been there.
  void plant(std::uint64_t offset, std::span<const std::byte> bytes);

  std::vector<PageRef> durable_pages() const;

 private:
  static constexpr std::uint32_t kClean = ~0U;

  struct Block {
    PageRef durable;
    std::uint32_t dirt = kClean;  // Index into dirt_.
    bool allocated = false;
  };
  // The cached page of a block that is not clean. Sectors with no bit set equal the durable ones.
  struct Dirt {
    std::uint32_t block = 0;
    std::uint8_t dirty = 0;
    std::uint8_t lying = 0;
    std::uint8_t direct = 0;  // Of the dirty: written with O_DIRECT.
    PageRef cached;
    std::array<std::uint32_t, kSectorsPerPage> stamps{};  // When a dirty sector was written.
  };

  Dirt& dirt_of(std::size_t block);
  void clean_up(std::size_t index);
  void grow(std::uint64_t size_bytes);
  void take_block(Block& block);
  void land(const Dirt& dirt, std::uint8_t sectors);
  void revert(Dirt& dirt, std::uint8_t sectors);
  void fail(Dirt& dirt, std::uint8_t sectors, SeededRandom& random);
  static std::uint8_t covered(const Dirt& dirt, std::uint32_t stamp);
  static void fill(Dirt& dirt, std::size_t from, std::span<const std::byte> bytes);
  void settle_dirt(const Dirt& dirt, std::uint32_t land_of_16, const FaultPlan& plan,
                   SeededRandom& random, Counters& counters);
  void settle_size(SeededRandom& random, Counters& counters);

  std::uint64_t size_ = 0;
  std::uint64_t durable_size_ = 0;
  std::uint64_t allocated_ = 0;
  std::uint32_t stamp_ = 0;
  std::uint32_t syncs_ = 0;  // In flight.
  std::vector<Block> blocks_;
  std::vector<Dirt> dirt_;  // In no order that matters, but the same in each run.
};

}  // namespace phoenix::sim
