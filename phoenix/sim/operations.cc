#include "phoenix/sim/operations.h"

#include <cerrno>

#include "phoenix/base/check.h"
#include "phoenix/sim/ring.h"

namespace phoenix::sim {
namespace {

// A linked operation starts only when the one before it did all that was asked.
bool ended_in_full(const io::Operation& operation, std::int32_t result) {
  if (result < 0) return false;
  switch (operation.kind) {
    case io::Operation::Kind::read:
      return static_cast<std::size_t>(result) == operation.target.size();
    case io::Operation::Kind::write:
    case io::Operation::Kind::send:
      return static_cast<std::size_t>(result) == operation.source.size();
    default:
      return true;
  }
}

}  // namespace

OperationId Operations::add(Ring& ring, const io::Operation& operation) {
  if (free_.empty()) {
    free_.push_back(static_cast<OperationId>(table_.size()));
    table_.emplace_back();
  }
  const OperationId id = free_.back();
  free_.pop_back();
  InFlight& slot = table_[id];
  const std::uint32_t generation = slot.generation + 1;
  slot = InFlight();
  slot.operation = operation;
  slot.ring = &ring;
  slot.generation = generation;
  ++in_flight_;
  return id;
}

void Operations::post(OperationId id, std::int32_t result, io::BufferId buffer,
                      std::span<const std::byte> bytes) {
  complete(id, io::Completion{table_[id].operation.token, result, true, buffer, bytes});
}

void Operations::finish(OperationId id, std::int32_t result, io::BufferId buffer,
                        std::span<const std::byte> bytes) {
  OperationId next = table_[id].next;
  const bool in_full = ended_in_full(table_[id].operation, result);
  complete(id, io::Completion{table_[id].operation.token, result, false, buffer, bytes});
  free_slot(id);
  if (in_full && next != kNoOperation) {
    to_start_.push_back(next);
    return;
  }
  while (next != kNoOperation) {
    id = std::exchange(next, table_[next].next);
    complete(id, io::Completion{table_[id].operation.token, -ECANCELED, false, io::kNoBuffer, {}});
    free_slot(id);
  }
}

void Operations::finish_soon(OperationId id, std::int32_t result) {
  if (environment_.coin()) {
    finish(id, result);
    return;
  }
  table_[id].answer = result;
  schedule(id, environment_.draw(environment_.plan.wake), EventKind::answer);
}

void Operations::schedule(OperationId id, std::uint64_t delay_ns, EventKind kind) {
  environment_.timeline.schedule(delay_ns, kind, id, table_[id].generation);
}

void Operations::forget(const Ring& ring) {
  for (OperationId id = 0; id < table_.size(); ++id) {
    if (table_[id].ring == &ring) free_slot(id);
  }
}

void Operations::clear() {
  for (OperationId id = 0; id < table_.size(); ++id) {
    if (table_[id].ring != nullptr) free_slot(id);
  }
  to_start_.clear();
  to_drop_.clear();
}

// Nobody waits for the answer of a wake that went well, so a kernel may give one or not.
void Operations::complete(OperationId id, const io::Completion& completion) {
  const InFlight& slot = table_[id];
  environment_.trace("answer", static_cast<std::uint64_t>(slot.operation.kind),
                     static_cast<std::uint64_t>(static_cast<std::uint32_t>(completion.result)),
                     completion.more ? 1 : 0);
  const bool silent = slot.operation.kind == io::Operation::Kind::wake && completion.result >= 0 &&
                      io::token_kind(completion.token) == io::TokenKind::ignored;
  if (silent && environment_.coin()) return;
  ++environment_.counters.completions;
  slot.ring->post(completion);
}

void Operations::free_slot(OperationId id) {
  InFlight& slot = table_[id];
  if (slot.target.kind != Descriptor::Kind::none) to_drop_.push_back(slot.target);
  slot.ring = nullptr;
  --in_flight_;
  free_.push_back(id);
}

}  // namespace phoenix::sim
