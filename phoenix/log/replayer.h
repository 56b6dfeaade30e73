// Second pass of recovery: feeds the accepted records of one old core's log to a sink, in the order
// of their LSNs.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "phoenix/base/result.h"
#include "phoenix/io/context.h"
#include "phoenix/io/task.h"
#include "phoenix/log/batch_cursor.h"
#include "phoenix/log/store.h"

namespace phoenix::log {

/// Which records a core takes.
struct ReplayFilter {
  const HashKey* hash_key = nullptr;
  const SlotMap* slots = nullptr;  // Null: all.
  unsigned core = 0;
};

class Replayer final : public WindowListener {
 public:
  Replayer(io::Context& io, const SegmentAccess& access, const ReplayFilter& filter,
           ReplaySink& sink, Progress& progress);

  /// `log` must outlive the call. Epochs in order, the two streams of each merged by LSN.
  io::Task<Result<void>> run(const CoreLog& log);

  void before_window_moves() override { flush(); }

 private:
  static constexpr std::size_t kBatchRecords = 32;

  io::Task<Result<void>> run_epoch(const EpochLog& log);
  io::Task<Result<void>> merge(std::array<BatchCursor*, 2> cursors);
  Result<void> pump(const std::array<BatchCursor*, 2>& cursors);
  Result<void> begin_batch(BatchCursor& cursor);
  Result<void> apply_shared(BatchCursor& cursor);
  io::Task<Result<void>> apply_large(BatchCursor& cursor);
  io::Task<Result<void>> apply_large_value(BatchCursor& cursor, std::size_t head_bytes,
                                           std::uint64_t value_bytes);
  Result<void> take(const BatchCursor& cursor, const Record& record, std::uint64_t offset,
                    engine::LargeValueRef large);
  void flush();

  io::Context& io_;
  SegmentAccess access_;
  ReplayFilter filter_;
  ReplaySink& sink_;
  Progress& progress_;
  std::uint64_t next_lsn_ = 0;
  // Of the merge: where the cursors stand, and which of them pump() could not do without IO.
  std::array<BatchCursor::Step, 2> steps_{};
  BatchCursor* waiting_ = nullptr;
  std::size_t count_ = 0;
  std::array<ReplayRecord, kBatchRecords> records_;
};

}  // namespace phoenix::log
