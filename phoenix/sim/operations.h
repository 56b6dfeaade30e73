// The operations that the simulated kernel has in hand, from a ring's submission to their last
// completion, and the links between them. The rooms that do the work (files, network) name an
// operation by its id and end it here.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "phoenix/io/operation.h"
#include "phoenix/sim/descriptors.h"
#include "phoenix/sim/environment.h"
#include "phoenix/sim/inode.h"

namespace phoenix::sim {

class Ring;

using OperationId = std::uint32_t;
inline constexpr OperationId kNoOperation = ~0U;

struct InFlight {
  io::Operation operation;
  Ring* ring = nullptr;  // Null: the slot is free.
  std::uint32_t generation = 0;
  OperationId next = kNoOperation;  // Linked: starts when this one ended in full.
  bool started = false;
  Descriptor target;             // What operation.fd named at the start; held until the end.
  std::uint32_t checksum = 0;    // Of the lent source, at the start.
  Inode::SyncMark sync;          // What a sync covers,
  std::uint64_t entry_mark = 0;  // and one of a directory.
  std::size_t progress = 0;      // Bytes sent so far.
  std::int32_t answer = 0;       // Of an operation whose effect is past.
};

class Operations final {
 public:
  explicit Operations(Environment& environment) : environment_(environment) {}
  Operations(const Operations&) = delete;
  Operations& operator=(const Operations&) = delete;

  OperationId add(Ring& ring, const io::Operation& operation);
  void link(OperationId first, OperationId second) { table_[first].next = second; }
  InFlight& operator[](OperationId id) { return table_[id]; }
  const std::vector<InFlight>& table() const { return table_; }
  /// Whether an event of that generation still names this operation.
  bool current(OperationId id, std::uint32_t generation) const {
    return table_[id].ring != nullptr && table_[id].generation == generation;
  }

  /// A completion of a multishot operation that goes on.
  void post(OperationId id, std::int32_t result, io::BufferId buffer = io::kNoBuffer,
            std::span<const std::byte> bytes = {});
  /// The last completion.
  void finish(OperationId id, std::int32_t result, io::BufferId buffer = io::kNoBuffer,
              std::span<const std::byte> bytes = {});
  /// finish(), now or a little later.
  void finish_soon(OperationId id, std::int32_t result);
  void schedule(OperationId id, std::uint64_t delay_ns, EventKind kind = EventKind::operation);

  /// Drops what a ring that goes away still had in hand: no completion comes.
  void forget(const Ring& ring);
  void clear();

  /// Linked operations whose turn has come, and targets that ended operations held; the kernel
  /// takes them after each of its steps.
  std::vector<OperationId>& to_start() { return to_start_; }
  std::vector<Descriptor>& to_drop() { return to_drop_; }

  std::size_t in_flight() const { return in_flight_; }

 private:
  void complete(OperationId id, const io::Completion& completion);
  void free_slot(OperationId id);

  Environment& environment_;
  std::vector<InFlight> table_;
  std::vector<OperationId> free_;
  std::vector<OperationId> to_start_;
  std::vector<Descriptor> to_drop_;
  std::size_t in_flight_ = 0;
};

}  // namespace phoenix::sim
