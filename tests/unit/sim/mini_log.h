// A small segmented log, the least that can promise durability: the simulator must find it sound,
// and must catch it with any one of its precautions left out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "phoenix/io/context.h"
#include "phoenix/io/task.h"
#include "phoenix/sim/host.h"
#include "phoenix/sim/ring.h"
#include "phoenix/sim/world.h"

namespace phoenix::sim_test {

struct LogOptions {
  bool direct = false;  // Direct durable writes; else buffered writes and syncs.
  // Precautions. Each false is a bug.
  bool sync_data = true;
  bool sync_directory = true;
  bool sync_recovered = true;    // What is accepted at a start may be only in a cache.
  bool stop_at_error = true;     // False: a failed sync is tried again.
  bool acknowledge_late = true;  // False: before the write has completed.
  bool new_segment = true;       // False: a start writes on where the last good block ends.
};

/// What the outside knows across crashes.
struct Promise {
  std::uint64_t floor = 0;    // Acknowledged, or shown by a start that was done: must not vanish.
  std::uint64_t written = 0;  // The highest number ever used.
  bool broken = false;
  std::vector<std::uint64_t> ends;  // Where the log ended at each start that was done.
  std::uint64_t refused_starts = 0;
};

/// One life of the process that owns the log.
class MiniLog final {
 public:
  static constexpr std::size_t kBlocksPerSegment = 6;

  MiniLog(sim::World& world, const LogOptions& options, Promise& promise);
  MiniLog(const MiniLog&) = delete;
  MiniLog& operator=(const MiniLog&) = delete;

  /// Recovers, then appends until the block of that number is durable. Returns when it is, when the
  /// log has failed, or when the world is down.
  void run(std::uint64_t last);
  bool done() const { return task_.done(); }

 private:
  io::Task<void> live(std::uint64_t last);
  io::Task<bool> recover();
  io::Task<bool> recover_segment(std::uint32_t number);
  io::Task<std::int32_t> read_file(int fd);
  io::Task<bool> append(std::size_t blocks);
  io::Task<bool> open_segment();
  io::Task<bool> sync(int fd);

  bool accept(const std::byte* block, std::uint32_t segment);
  void encode(std::size_t place, std::uint64_t number);
  std::span<std::byte> memory(std::size_t bytes);
  bool failed(const char* what);

  LogOptions options_;
  Promise& promise_;
  sim::Host host_;
  sim::Ring ring_;
  sim::Failure failure_;
  std::vector<std::byte> buffer_;  // Lent to the kernel: outlives the tasks.
  std::string name_;
  io::Context context_;
  sim::World& world_;
  std::size_t block_bytes_;
  int directory_ = -1;
  int fd_ = -1;
  std::uint32_t segment_ = 0;
  std::size_t used_ = 0;  // Blocks in the open segment.
  std::uint64_t last_ = 0;
  io::Task<void> task_;
};

}  // namespace phoenix::sim_test
