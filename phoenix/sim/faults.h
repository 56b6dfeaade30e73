// What goes wrong in a simulated world, how often, and how slow things are; and the count of what
// did go wrong. Plain values: a driver may change World::plan() at any time.
#pragma once

#include <cstddef>
#include <cstdint>

namespace phoenix::sim {

/// Drawn uniformly from [least_ns, most_ns].
struct Latency {
  std::uint64_t least_ns = 0;
  std::uint64_t most_ns = 0;
};

/// A chance counts cases in 10,000 occasions: 0 is never, 10,000 always. As it stands here nothing
/// fails; completions still come late, in any order that a kernel may choose, and a power cut
/// always takes what was not durable, or some of it.
struct FaultPlan {
  // Disk: what it is.
  std::uint64_t disk_bytes = std::uint64_t{1} << 30U;
  std::uint32_t write_alignment = 4096;  // Of O_DIRECT; 0 where it is refused.
  std::uint32_t tear_bytes = 512;        // What a power cut leaves whole: 512 or 4096.
  bool stale_blocks = false;             // Allocated blocks hold bytes of deleted files, not zeros.
  // After a failed sync the page cache shows what the disk does not have. When the process ends,
  // the cache is dropped, so that the next one reads the truth. True keeps the lie, as kernels may;
  // nobody who reads through the cache can then survive a later power cut.
  bool lying_cache_survives_kill = false;

  // Disk: chances. All but short reads draw on error_budget, over all lives of the world.
  std::uint32_t error_budget = ~0U;
  std::uint32_t write_errors = 0;   // EIO; some of the bytes may land.
  std::uint32_t sync_errors = 0;    // EIO once; the next sync of the file says 0, the data is gone.
  std::uint32_t read_errors = 0;    // EIO.
  std::uint32_t entry_errors = 0;   // EIO of an open, unlink or allocate; it has no effect.
  std::uint32_t sticky_errors = 0;  // Of the write and sync errors: the file fails until a restart.
  std::uint32_t no_space = 0;       // ENOSPC of an allocate although there is room.
  std::uint32_t short_writes = 0;
  std::uint32_t short_reads = 0;
  std::uint32_t write_back = 0;   // An unsynced sector reaches the disk before it is overwritten.
  std::uint32_t cut_garbage = 0;  // An unsynced sector holds neither old nor new bytes after a cut.

  // Disk: time.
  Latency disk{10'000, 150'000};
  std::uint32_t slow_operations = 0;  // Take up to slow_most_ns.
  std::uint64_t slow_most_ns = 50'000'000;

  // Network.
  Latency network{5'000, 60'000};
  std::size_t socket_buffer_bytes = 65'536;  // The server's, each way.
  std::size_t segment_bytes_most = 65'536;   // At most this much travels at once.
  std::uint32_t small_segments = 2'000;      // A segment of 1 to 8 bytes.
  std::uint32_t resets = 0;                  // Per segment that travels.
  std::uint32_t short_sends = 0;
  std::size_t descriptors_most = 0;  // Open at once; accept then says EMFILE. 0: no limit.

  // Ring.
  std::uint16_t buffer_count = 64;
  std::size_t buffer_bytes = 4096;
  bool incremental_buffers = false;     // Several completions share a buffer and its id.
  std::uint32_t no_buffers = 0;         // ENOBUFS although there are some.
  std::uint32_t multishot_ends = 0;     // A multishot's completion comes with `more` false.
  std::uint32_t split_completions = 0;  // A turn takes only some of what is there.
  std::uint32_t signals = 0;            // run_once returns 0 without a reason, or a sleep is cut.

  // Cores and clocks.
  Latency turn{500, 5'000};  // What a turn of a core takes.
  std::uint32_t core_stalls = 0;
  std::uint64_t stall_most_ns = 5'000'000;
  Latency wake{500, 20'000};
  std::uint32_t late_wakes = 0;                // Take up to stall_most_ns.
  std::uint32_t wall_steps = 0;                // Per turn.
  std::int64_t wall_step_most_ms = 3'600'000;  // Back or forth.

  /// A mix that a correct server survives without losing anything it acknowledged: it may have to
  /// end (and be started again) when a commit fails, and sessions may be reset.
  static FaultPlan random(std::uint64_t seed);
};

/// What happened so far. Tests look here to see that a fault really came.
struct Counters {
  std::uint64_t turns = 0;
  std::uint64_t operations = 0;
  std::uint64_t completions = 0;
  std::uint64_t crashes = 0;

  std::uint64_t write_errors = 0;
  std::uint64_t sync_errors = 0;
  std::uint64_t read_errors = 0;
  std::uint64_t entry_errors = 0;
  std::uint64_t chosen_errors = 0;  // World::fail_nth.
  std::uint64_t no_space = 0;       // By chance or because the disk is full.
  std::uint64_t short_writes = 0;
  std::uint64_t short_reads = 0;
  std::uint64_t slow_operations = 0;
  std::uint64_t late_writes = 0;  // Of a killed process, landed after its end.

  std::uint64_t sectors_landed = 0;  // Of what was not durable at a power cut.
  std::uint64_t sectors_lost = 0;
  std::uint64_t sectors_garbage = 0;
  std::uint64_t sizes_lost = 0;
  std::uint64_t entries_landed = 0;
  std::uint64_t entries_lost = 0;

  std::uint64_t segments = 0;  // Receive completions with bytes.
  std::uint64_t resets = 0;    // By chance.
  std::uint64_t short_sends = 0;
  std::uint64_t refused_sends = 0;    // EAGAIN.
  std::uint64_t refused_accepts = 0;  // EMFILE.
  std::uint64_t no_buffers = 0;
  std::uint64_t multishot_ends = 0;
  std::uint64_t split_completions = 0;
  std::uint64_t signals = 0;
  std::uint64_t core_stalls = 0;
  std::uint64_t wakes = 0;
  std::uint64_t late_wakes = 0;
  std::uint64_t wall_steps = 0;
};

}  // namespace phoenix::sim
