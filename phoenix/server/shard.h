// What one core owns of the data: its keyspace and its log, and the rule that ties them: a reply
// waits until what it says is durable. Admission, execution and the position to wait for are
// decided here, the same for a request of a local session and for one that came over a hop.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>

#include "phoenix/commands/core_control.h"
#include "phoenix/commands/table.h"
#include "phoenix/engine/keyspace.h"
#include "phoenix/log/log.h"
#include "phoenix/server/budget.h"
#include "phoenix/server/config.h"

namespace phoenix::server {

class CommandMeter;
class Encoder;
struct TransactionJob;
struct Watch;

using commands::key_range;
using commands::KeyRange;

class Shard final : public engine::EffectSink {
 public:
  Shard(const commands::Table& table, const HashKey& hash_key, const BufferBytes& buffers,
        const MemoryShare& share);

  /// Replay is over: effects go to `log` from now on.
  void attach(log::Log& log, const Config& config);

  engine::Keyspace& keyspace() { return keyspace_; }
  const engine::Keyspace& keyspace() const { return keyspace_; }
  log::Log& log() { return *log_; }

  /// What handlers get beside the keyspace; both outlive this. Events may be null, and change.
  void set_control(commands::CoreControl& control) {
    control_ = &control;
    control.long_jobs = &long_jobs_;
  }
  void set_events(commands::KeyEvents* events) { events_ = events; }

  enum class Verdict : std::uint8_t {
    execute,
    wait,     // The log makes room, or work is done ahead: try again in a later turn; nothing was
              // changed.
    refused,  // The error was written to `reply`.
  };

  /// Whether a request may execute now. What it grants holds until the next call.
  Verdict admit(const commands::Command& command, const commands::Request& request,
                commands::ReplySink& reply);

  /// Runs an admitted request and returns the position that its reply has to wait for; 0: none.
  log::Position execute(const commands::Command& command, const commands::Request& request,
                        commands::ReplySink& reply, commands::SessionControl* session);

  /// A key's version, for EXEC to compare.
  Watch watch(const engine::Key& key);
  /// What is reserved in the log.
  struct LogNeed {
    void add(const commands::Command& command, const commands::Request& request);
    std::uint64_t payload_bytes = 0;
    std::uint32_t effects = 0;
  };
  /// For all that a transaction may write, were it run next.
  LogNeed need_of(const TransactionJob& job, commands::ReplySink& reply);
  /// As for a request, for a transaction whose keys are all here. Nothing of it is executed when it
  /// is refused, or when a watched key has changed (nil is answered then).
  Verdict admit(const TransactionJob& job, commands::ReplySink& reply);
  struct Ran {
    log::Position position = 0;
    bool is_done = false;  // Else a watched key had changed.
  };
  /// Without those that go on at home.
  Ran run(TransactionJob& job, Encoder& reply, commands::SessionControl* session,
          CommandMeter& meter);

  /// A number by chance.
  std::uint64_t draw();

  /// What the last one took beyond its words and bytes.
  std::uint64_t steps_of_last() const { return steps_of_last_; }

  /// Time as this shard sees it: never behind what a reader or the log has seen (rule 9).
  std::int64_t now_ms() const { return now_ms_; }
  void advance_time(std::int64_t wall_ms) { now_ms_ = wall_ms > now_ms_ ? wall_ms : now_ms_; }

  /// Removes some entries that had expired at `due_ms`, now at the latest. Returns when to call
  /// again: milliseconds of wall time, now_ms() when there is more to do at once, or 0 when nothing
  /// is due.
  std::int64_t remove_expired(std::size_t nodes_max, std::int64_t due_ms);
  std::int64_t remove_expired(std::size_t nodes_max) { return remove_expired(nodes_max, now_ms_); }
  /// The latest expiry that an answer has rested on; 0: none yet.
  std::int64_t expiry_seen_ms() const { return expiry_seen_ms_; }

  /// What is done ahead of requests that wait to be admitted.
  commands::LongJobs& long_jobs() { return long_jobs_; }
  const commands::LongJobs& long_jobs() const { return long_jobs_; }

  const MemoryBudget& budget() const { return budget_; }
  /// Of keys, by requests that only read.
  const engine::Lookups& lookups() const { return lookups_; }
  void reset_lookups() { lookups_ = {}; }
  /// Effects of all commands since the start.
  std::uint64_t changes() const { return change_count_; }
  void set_memory_share(const MemoryShare& share);
  /// Refuses all writes.
  void set_lacks_replicas(bool lacks);
  bool lacks_replicas() const { return lacks_replicas_; }

  engine::LogPosition emit(const engine::Effect& effect) override;

 private:
  static constexpr std::size_t kPlaces = 16'384;

  struct Refusal {
    protocol::Status status;
    std::string text;
  };

  commands::Context context(commands::ReplySink& reply);
  void note_what_may_refuse();
  static bool only_frees(const commands::Command& command, const commands::Request& request);
  std::optional<Refusal> refusal(const commands::Command& command, const commands::Request& request,
                                 commands::ReplySink& reply);
  static Verdict refuse_all(const Refusal& refusal, commands::ReplySink& reply);
  /// What is not in the words, which are counted already.
  std::uint64_t memory_need(const commands::Command& command, const commands::Request& request,
                            commands::ReplySink& reply);
  std::uint64_t memory_need(const TransactionJob& job, commands::ReplySink& reply);
  bool is_under_way(const commands::Command& command, const commands::Request& request,
                    commands::ReplySink& reply);
  Verdict admit_read(const commands::Command& command, const commands::Request& request,
                     commands::ReplySink& reply);
  bool has_done_ahead(const commands::Command& command, const commands::Request& request,
                      commands::ReplySink& reply);
  Verdict reserve(const LogNeed& need, bool frees, commands::ReplySink& reply);
  std::optional<log::Position> abort_if_changed(const TransactionJob& job, Encoder& reply);
  void split_batch(const LogNeed& rest);
  bool has_changed(const Watch& watch);
  log::Position run_listing(const commands::Command& command, const commands::Request& request,
                            Encoder& reply);
  /// What the commands of a transaction did to a key so far.
  enum class Touch : std::uint8_t { none, in_place, anew };
  struct TouchedKeys {
    std::unordered_map<std::uint64_t, Touch> by_hash;
    Touch all = Touch::none;
  };
  std::uint64_t value_bytes_max(const TransactionJob& job, commands::ReplySink& reply);
  std::uint64_t copied_bytes(const TransactionJob& job, commands::ReplySink& reply);
  bool is_changed_in_place(const commands::Command& command, const commands::Request& request,
                           std::uint64_t extra_bytes);
  Touch touch_of(TouchedKeys& touched, const commands::Command& command,
                 const commands::Request& request);
  log::Position position_of_read(const commands::Command& command,
                                 const commands::Request& request);
  log::Position position_of_expiry(engine::ExpiryMs expiry_ms, std::uint16_t flags);
  log::Position by_policy(log::Position position, std::uint16_t flags);

  const commands::Table& table_;
  engine::Keyspace keyspace_;
  MemoryBudget budget_;
  engine::LargeMeterRef large_meter_;
  commands::LongJobs long_jobs_;
  log::Log* log_ = nullptr;
  commands::CoreControl* control_ = nullptr;
  commands::KeyEvents* events_ = nullptr;
  log::Durability durability_ = log::Durability::always;
  bool lacks_replicas_ = false;
  bool may_refuse_ = true;           // Whether anything but the log may refuse any write,
  std::uint16_t refused_flags_ = 0;  // and those with one of these.
  Mutations mutations_;
  std::int64_t now_ms_ = 0;
  engine::ExpiryMs removed_until_ms_ = engine::kNoExpiry;
  engine::ExpiryMs expiry_seen_ms_ = engine::kNoExpiry;
  bool emitted_ = false;
  std::uint64_t steps_of_last_ = 0;
  std::uint64_t draws_ = 0;  // Numbers that were drawn.
  engine::Lookups lookups_;

  // What last touched a hash.
  struct Place {
    log::Position batch = 0;   // What a read (a miss, too) may have seen (rule 7).
    std::uint32_t change = 0;  // A batch holds many: this one is what WATCH compares.
  };
  Place& place_of(std::uint64_t hash) { return places_[hash % kPlaces]; }
  std::array<Place, kPlaces> places_{};
  std::uint64_t change_count_ = 0;
  log::Position cleared_ = 0;  // The batch that last removed everything.
};

}  // namespace phoenix::server
