// What a session has queued since MULTI, and what it watches. EXEC moves the queue to the core that
// has its keys, as a job that belongs to one core at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/command.h"
#include "phoenix/server/limits.h"

namespace phoenix::server {

class Encoder;
struct Run;

/// A request with words of its own.
class QueuedRequest final {
 public:
  QueuedRequest(const commands::Command& row, const commands::Request& request);

  const commands::Command& command() const { return *command_; }
  /// Views into this.
  commands::Request request() const;
  std::uint64_t memory_bytes() const { return memory_bytes_; }

  /// Has no key and runs on the session's core, once the core with the keys has run the others:
  /// where among their replies its own belongs.
  bool is_at_home = false;
  std::size_t reply_at = 0;
  /// When that is worth being kept (CommandMeter::end_queued), for the home core.
  std::uint64_t took_ns = 0;

 private:
  const commands::Command* command_;
  std::unique_ptr<char[]> bytes_;
  std::vector<std::string_view> words_;
  engine::LargeValueRef large_;
  std::uint16_t flags_;
  std::uint64_t ttl_ms_;
  std::uint64_t first_key_hash_;
  std::uint64_t memory_bytes_;
};

/// A key as it was when it was watched (Shard::watch).
struct Watch {
  std::string key;
  std::uint32_t stamp = 0;  // Of the latest change of it, or of one that shares its place.
  bool exists = false;
  engine::LogPosition position;  // Of what exists; 0 where there is no log.
};

struct TransactionJob {
  std::uint16_t flags = 0;  // Of EXEC: for all of it.
  std::vector<QueuedRequest> requests;
  std::vector<Watch> watches;
  Run* run = nullptr;  // Where the reply goes, when some requests are `is_at_home`.

  // Set by the core that runs it.
  bool is_done = false;      // Else it was refused, or a watched key had changed.
  bool has_slow = false;     // Some of them took long.
  bool has_replies = false;  // Of what ran there, from `replies_begin` on; else an error.
  std::size_t replies_begin = 0;
};

/// What a transaction has done so far on a core: it is run in one go, and a single BITCOUNT or LCS
/// may take tens of milliseconds. Once it is much, only what changes something is run; what it
/// writes to the log is bounded by that.
class TransactionWork final {
 public:
  /// Whether a command is not run any more: kLeftOut is its answer.
  [[nodiscard]] bool leaves_out(const commands::Command& command) const;
  /// One was run, which took `steps` and wrote its answer at the end of `reply`, from
  /// `reply_begin` on. How many nanoseconds of work that is, about (work.h).
  std::uint64_t take(const QueuedRequest& queued, std::uint64_t steps, const Encoder& reply,
                     std::size_t reply_begin);
  std::uint64_t sum() const { return sum_; }

  static constexpr std::string_view kLeftOut =
      "those before it took 250 ms, which is all that a transaction has for reads: run it by "
      "itself";

 private:
  std::uint64_t sum_ = 0;
};

/// What is answered in place of the replies.
inline constexpr std::string_view kRepliesTooLarge =
    "the transaction was executed, but its replies are over 16 MiB, or 1 MiB while memory is full";

/// FLUSHALL and FLUSHDB.
bool removes_all(const commands::Command& command);

class Transaction final {
 public:
  bool is_open() const { return is_open_; }
  void open() { is_open_ = true; }
  /// EXEC will refuse: a request could not be queued.
  void refuse() { is_refused_ = is_open_; }
  bool is_refused() const { return is_refused_; }

  /// The core that has all keys; nothing while there are none.
  std::optional<std::uint16_t> core() const { return core_; }
  /// False: the keys so far live on another core.
  [[nodiscard]] bool takes_core(std::uint16_t core) const { return !core_ || *core_ == core; }
  void set_core(std::uint16_t core) { core_ = core; }

  [[nodiscard]] bool has_room_for(const commands::Request& request) const;
  [[nodiscard]] bool has_room_for_flush() const { return flushes_ < kTransactionFlushesMax; }
  void queue(const commands::Command& command, const commands::Request& request);
  [[nodiscard]] bool has_room_for_watches(commands::Args keys) const;
  void watch(Watch watch);

  const TransactionJob& job() const { return job_; }
  TransactionJob& job() { return job_; }
  /// Ends the transaction: what it held.
  TransactionJob take();
  /// UNWATCH; what is queued stays.
  void forget_watches();

  std::uint64_t memory_bytes() const {
    const std::size_t unused = job_.requests.capacity() - job_.requests.size();
    return memory_bytes_ + unused * sizeof(QueuedRequest);
  }
  /// Whether anything queued changes keys; looks at all of it.
  bool writes() const;

 private:
  TransactionJob job_;
  std::optional<std::uint16_t> core_;
  std::uint64_t memory_bytes_ = 0;
  std::size_t flushes_ = 0;
  bool is_open_ = false;
  bool is_refused_ = false;
};

}  // namespace phoenix::server
