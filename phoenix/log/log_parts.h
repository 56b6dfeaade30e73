// The inside of Log: how reserving, sealing and changing segments play together.
#pragma once

#include <memory>

#include "phoenix/log/batch.h"
#include "phoenix/log/committer.h"
#include "phoenix/log/log.h"
#include "phoenix/log/log_context.h"
#include "phoenix/log/preparer.h"

namespace phoenix::log {

struct Log::Parts {
  Parts(io::Context& io, Store::Parts& store, io::Host& host, io::Failure& failure, unsigned core);

  // -- Reserving (log.cc) -------------------------------------------------------------------------

  Reservation reserve(std::uint64_t worst_bytes, bool is_delete);
  Reservation reserve_large(std::uint64_t worst_bytes);
  Reservation change_segment(std::uint64_t worst_bytes, bool is_delete);
  bool accepts(std::uint64_t worst_bytes, bool is_delete) const;
  void begin_large();
  /// For a canary (Mutations::parts_are_split).
  void add_half(const engine::Effect& effect);
  void enter(std::unique_ptr<Segment> segment);
  void activate();

  // -- Sealing ------------------------------------------------------------------------------------

  void seal();
  bool make_place_for_empty();
  void seal_now();
  BatchHeader next_header() const;
  std::size_t depth() const;
  bool records_covered() const { return committer.published_seq() >= last_record_seq; }
  bool all_durable() const { return committer.commit_seq() + 1 == next_seq; }
  /// Whether an empty batch would make the last record provably durable, now.
  bool quiet_but_uncovered() const;

  io::Task<void> cover_when_idle();
  io::Task<void> close();

  LogContext context;
  const bool off;
  const CoreBase base;
  const std::uint64_t large_threshold;
  OpenBatch open;
  Preparer preparer;
  Committer committer;
  Segment* current = nullptr;  // Takes the open batch. Belongs to the committer.
  std::uint64_t next_seq;
  std::uint64_t next_lsn;
  std::uint64_t emitted_seq = 0;
  std::uint64_t last_record_seq;  // Of the newest sealed batch that has records.
  std::uint64_t sealed_ns = 0;
  std::int64_t stamp_ms = 0;
  bool required = false;  // The next seal writes a batch even if it is empty.
  bool closing = false;   // The next seal closes the segment.
  bool stopping = false;
  std::uint64_t large_bytes_granted = 0;  // To a large write that has had no effect yet.
  Event uncovered;
  io::Task<void> idle_task;
};

}  // namespace phoenix::log
