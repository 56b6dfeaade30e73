// One core's log while it serves: the open batch that effects are encoded into, the batches in
// flight, and the zero-filled segments kept ready for them. Group commit is the turn of the core:
// what the requests of a turn emitted is sealed together at its end.
//
// Invariants (docs/LOG_FORMAT.md has the rules and their reasons):
// - A write executes only after reserve() granted its worst case, so emit() cannot fail.
// - The commit position moves over the contiguous prefix of durable batches only.
// - After the first error of a commit write or sync Failure::raise was called and the commit
//   position never moves again.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "phoenix/base/result.h"
#include "phoenix/engine/effect.h"
#include "phoenix/io/context.h"
#include "phoenix/io/host.h"
#include "phoenix/io/task.h"
#include "phoenix/log/options.h"
#include "phoenix/log/store.h"

namespace phoenix::log {

/// Names a batch of the user stream: its seq. What was emitted into a batch is durable once
/// commit_position() is at or past it. 0 is before everything.
using Position = std::uint64_t;

enum class Reservation : std::uint8_t {
  granted,
  wait,       // Room is being made: ask again after the next completion.
  disk_full,  // The disk has no room for it: answer an error; nothing was changed.
};

struct LogStatistics {
  std::uint64_t batches = 0;
  std::uint64_t records = 0;
  std::uint64_t record_bytes = 0;   // Without headers and padding.
  std::uint64_t written_bytes = 0;  // All that went to the disk, zero-fill included.
  std::uint64_t segments = 0;
  std::uint64_t log_bytes = 0;       // Size of all segments of this core on disk.
  std::uint64_t commit_ns_last = 0;  // From seal to durable.
  std::uint64_t commit_ns_max = 0;
  std::uint64_t buffer_bytes = 0;  // Memory of the buffers that batches are encoded into.
};

class Log final : public engine::EffectSink {
 public:
  /// `store` must be past begin_epoch and outlive this. With Durability::off nothing is written
  /// and every position is 0.
  Log(io::Context& io, Store& store, io::Host& host, io::Failure& failure, unsigned core);
  ~Log() override;

  /// Prepares the first segment; the log takes effects once this is done. After an error it may
  /// only be destroyed.
  io::Task<Result<void>> start();

  /// May a write with at most this many bytes of key and value (all its effects together, their
  /// count given) execute now? Deletes may use a reserve that is kept for them when the disk is
  /// full. A grant holds until the next call, within the turn. After `wait` call seal() at the end
  /// of the turn, as ever: it may be what makes the room.
  Reservation reserve(std::uint64_t payload_bytes, std::uint32_t effects, bool is_delete);

  engine::LogPosition emit(const engine::Effect& effect) override;

  /// The batch that holds the newest emitted effect; 0 when none was emitted yet.
  Position emitted_position() const;

  /// The batch that the next seal() would write. Something that must wait for a durable stamp
  /// although it emitted nothing (rule 9) waits for this and calls require_seal().
  Position open_position() const;

  /// Makes the next seal() write a batch even if it is empty. The batch that is open now carries at
  /// least this stamp, also when a large write seals it earlier.
  void require_seal(std::int64_t stamp_ms);

  /// End of a turn: writes the open batch when it has records or was required, and the depth of
  /// commits in flight allows it (else it stays open and grows until one completes). `stamp_ms` is
  /// the core's effective time; batches carry it.
  void seal(std::int64_t stamp_ms);

  /// Durability::interval: asks for a sync now rather than at the next interval.
  void sync_soon();

  /// Highest position that is durable, contiguously.
  Position commit_position() const;

  /// The stamp of the newest durable batch: expiries up to it can never be taken back.
  std::int64_t durable_stamp_ms() const;

  /// Nothing is open or in flight.
  bool idle() const;

  /// Seals and waits until everything is durable, and until recovery needs no guess about the tail
  /// (rule 5). Call at shutdown, after the last request; seal() must not be called any more.
  io::Task<void> close(std::int64_t stamp_ms);

  LogStatistics statistics() const;
  /// From seal to durable, of the newest batch that is durable.
  std::uint64_t commit_ns_last() const;
  std::uint64_t buffer_bytes() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace phoenix::log
