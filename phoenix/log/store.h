// The data directory that all cores share: its lock, its superblock and its segments, and what
// happens between opening it and serving from it. Phases, each of which ends before the next:
//   1. open        one core: lock, superblock, the catalogue of segments.
//   2. replay      every core, in parallel: its keys out of the old logs.
//   3. begin_epoch one core: what was found is synced, the ends are recorded, a new epoch is
//                  durable. From here on a crash loses nothing that was replayed. Nothing is
//                  written before; a log that is to be discarded goes here.
//   4. every core starts its Log (log.h); after a change of the core count it also writes its live
//      keys into it and waits until they are durable.
//   5. retire      one core: old epochs that were rewritten are declared dead, then deleted; so are
//                  segments that hold nothing.
// Each phase may be cut by a crash at any point and is simply done again.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "phoenix/base/hash.h"
#include "phoenix/base/random.h"
#include "phoenix/base/result.h"
#include "phoenix/engine/effect.h"
#include "phoenix/io/context.h"
#include "phoenix/io/host.h"
#include "phoenix/io/task.h"
#include "phoenix/log/options.h"
#include "protocol/slot.h"

namespace phoenix::log {

/// A record found in the log. Its views live for the call only (a large value is adopted).
struct ReplayRecord {
  engine::Effect effect;
  engine::LogPosition position;
};

/// Takes what replay finds, in order per key, in batches so that look-ups can be prefetched.
class ReplaySink {
 public:
  ReplaySink() = default;
  ReplaySink(const ReplaySink&) = delete;
  ReplaySink& operator=(const ReplaySink&) = delete;
  virtual ~ReplaySink() = default;
  /// The log of another former core begins. A record of kind clear is of the log that it stands in:
  /// it means all that this log has brought so far, and nothing of the logs before.
  virtual void begin_log() = 0;
  virtual void replay(std::span<const ReplayRecord> records) = 0;
};

/// Read by whoever prints progress while replays run; any thread.
struct Progress {
  std::atomic<std::uint64_t> log_bytes{0};    // Of all segments that count.
  std::atomic<std::uint64_t> bytes_total{0};  // To be read: the log several times over.
  std::atomic<std::uint64_t> bytes_done{0};
  std::atomic<std::uint64_t> records{0};  // That cores have taken, a CLEAR by each.
};

/// "34 % of 1.2 GB".
[[nodiscard]] std::string describe(const Progress& progress);

/// slot -> core, for all kSlots slots.
using SlotMap = std::vector<std::uint16_t>;

/// The map of a new database: equal contiguous ranges.
[[nodiscard]] SlotMap even_slot_map(unsigned cores);

class Store final {
 public:
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  /// Phase 1. Creates the database when the directory is empty or absent. Refuses, with a plain
  /// sentence and without changing a byte: a directory that another process holds, one that holds
  /// anything but a Phoenix database, another format version, a superblock that is damaged or older
  /// than the segments, a read-only or full disk; and with durability off, a directory with data
  /// unless Options::discard_log. With durability off and nothing to discard it still takes the
  /// lock. `random` is used here only.
  static io::Task<Result<std::unique_ptr<Store>>> open(io::Context& io, io::Host& host,
                                                       Random& random, const Options& options,
                                                       unsigned cores);

  const HashKey& hash_key() const;
  /// The map for the new number of cores: unchanged when that is unchanged.
  const SlotMap& slots() const;
  /// True when every core must write its live keys into its new log (phase 4); known for good after
  /// phase 3.
  bool rewrites() const;
  /// Something to tell the operator about the directory ("created", "buffered writes: ..."), one
  /// line each.
  const std::vector<std::string>& notices() const;
  Progress& progress();

  /// Phase 2, for core `core` of the new count: feeds it all records of its slots. Damage (rule 5)
  /// is an error that names segment, offset and key range, unless Options::accept_damage; with
  /// another number of cores also then, because the rewrite would delete what is damaged.
  io::Task<Result<void>> replay(io::Context& io, unsigned core, ReplaySink& sink);

  /// Then, what writing anew what the core holds would take; for the choice in phase 3.
  void note_live_bytes(unsigned core, std::uint64_t bytes);

  /// The highest wall-clock time found in any log: nothing may be seen to be younger than this.
  std::int64_t stamp_high_water_ms() const;

  /// Phase 3, when replay of every core ended well. Random draws uids for segments to come.
  io::Task<Result<void>> begin_epoch(io::Context& io);

  /// Phase 4, when the disk has no room for all that must be written anew: an error if the number
  /// of cores changes. Else the start goes on without the rewrite, and what is written of it is
  /// only more log. Any core's thread.
  Result<void> rewrite_has_no_room();

  /// Phase 5.
  io::Task<Result<void>> retire(io::Context& io);

  struct Parts;  // For Log.
  Parts& parts() { return *parts_; }

 private:
  explicit Store(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace phoenix::log
