// Work on large values that would hold up its core: done ahead of the request that needs it, a
// slice in each turn, while that request waits to be admitted. What is worked on stays what it is:
// the job holds the blocks, and who changes a value that is held changes a copy.
//
// A handler asks for what it needs by finish_job() and need not know whether it was done ahead; in
// a transaction, and where values are short, it is done on the spot.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "phoenix/engine/value.h"

namespace phoenix::commands {

struct Context;

/// E.g. the copy of a block. Which one it is, is told by its first half.
struct LongJob {
  using Step = void (*)(LongJob& job, std::size_t begin, std::size_t end);

  Step step = nullptr;  // Does the bytes from `begin` to `end`. Null: there is nothing to do.
  std::size_t size_bytes = 0;
  std::vector<engine::LargeValueRef> sources;
  std::uint64_t detail = 0;  // What else tells it from others of its kind.
  engine::LargeMeterRef meter{};
  std::size_t pace = 1;  // Its slices are so much longer, since it is so much faster than a copy.
  std::size_t reply_bytes = 0;  // Of memory that a command which only reads takes for its answer.

  // What comes of it.
  std::size_t done_bytes = 0;
  std::uint64_t number = 0;
  std::shared_ptr<engine::LargeValue> result{};
  bool has_failed = false;  // The system has no memory for the result.

  explicit operator bool() const { return step != nullptr; }
  bool is_same(const LongJob& other) const;
  bool is_done() const { return done_bytes == size_bytes || has_failed; }
  void run(std::size_t bytes_max);
  /// For steps: the result, with room for so many bytes at the first call. Null: no memory.
  engine::LargeValue* result_of(std::size_t bytes);
};

/// The jobs of one core. A few at a time, since each may hold as much as a value has. Of those with
/// the same block the first is done first: else a value that is changed all the time would never
/// have been read, or one that is read all the time never be changed.
class LongJobs final {
 public:
  /// So many bytes are done in a turn. Jobs of a few slices are not done ahead.
  explicit LongJobs(std::size_t slice_bytes = kSliceBytes) : slice_bytes_(slice_bytes) {}
  LongJobs(const LongJobs&) = delete;
  LongJobs& operator=(const LongJobs&) = delete;

  static constexpr std::size_t kSliceBytes = std::size_t{256} << 10U;
  void set_slice(std::size_t bytes) { slice_bytes_ = bytes; }

  /// True when it need not be waited for: it is done, or short. Else some of it was done, or it is
  /// another one's turn: ask again in the next.
  bool advance(const LongJob& wanted);
  bool has(const LongJob& wanted) const { return find(wanted) != jobs_.size(); }
  /// What was done of it, which is forgotten here; nothing of it when it was not done.
  LongJob take(LongJob wanted);
  bool empty() const { return jobs_.empty(); }

  /// There is more to do at once, or whoever had to wait can begin.
  bool goes_on() const { return goes_on_; }
  /// True when that was so.
  bool begin_turn();
  /// Every quarter of a second: forgets what nobody asks for any more.
  void tick();

 private:
  static constexpr std::size_t kSlicesMin = 4;
  static constexpr std::size_t kJobsMax = 4;
  static constexpr unsigned kTicksKept = 8;
  static constexpr unsigned kTicksIdle = 2;  // Nobody waits for it any more, it seems.

  struct Kept {
    LongJob job;
    unsigned ticks = 0;  // Since it was asked for.
  };

  std::size_t find(const LongJob& wanted) const;
  bool make_room();
  bool is_behind_another(std::size_t place) const;

  std::size_t slice_bytes_;
  std::vector<Kept> jobs_;
  bool has_worked_ = false;  // In this turn.
  bool goes_on_ = false;
};

/// The same job, done.
LongJob finish_job(Context& context, LongJob job);

/// The copy of a block.
LongJob copy_job(const Context& context, const engine::LargeValueRef& block);

}  // namespace phoenix::commands
