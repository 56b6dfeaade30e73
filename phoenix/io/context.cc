#include "phoenix/io/context.h"

#include <array>

#include "phoenix/base/check.h"

namespace phoenix::io {
namespace {

constexpr unsigned kSlotBits = 24;  // Up to 16M waiting coroutines; the rest is the generation.

Operation file_operation(Operation::Kind kind, int fd) {
  Operation operation;
  operation.kind = kind;
  operation.fd = fd;
  return operation;
}

}  // namespace

PendingOperation::~PendingOperation() {
  if (slot_ != kNoSlot) context_.abandon(*this);
}

void PendingOperation::await_suspend(std::coroutine_handle<> waiter) {
  waiter_ = waiter;
  context_.begin(*this);
}

PendingSleep::~PendingSleep() {
  context_.timers_.cancel(timer_);
}

void PendingSleep::await_suspend(std::coroutine_handle<> waiter) {
  timer_.waiter = waiter;
  context_.timers_.arm(timer_, deadline_ns_);
}

PendingOperation Context::open(int directory, const char* path, std::uint8_t open_flags) {
  Operation operation = file_operation(Operation::Kind::open, directory);
  operation.path = path;
  operation.open_flags = open_flags;
  return PendingOperation(*this, operation);
}

PendingOperation Context::unlink(int directory, const char* path) {
  Operation operation = file_operation(Operation::Kind::unlink, directory);
  operation.path = path;
  return PendingOperation(*this, operation);
}

PendingOperation Context::allocate(int fd, std::uint64_t length_bytes) {
  Operation operation = file_operation(Operation::Kind::allocate, fd);
  operation.length = length_bytes;
  return PendingOperation(*this, operation);
}

PendingOperation Context::read(int fd, std::span<std::byte> target, std::uint64_t offset) {
  Operation operation = file_operation(Operation::Kind::read, fd);
  operation.target = target;
  operation.offset = offset;
  return PendingOperation(*this, operation);
}

PendingOperation Context::write(int fd, std::span<const std::byte> source, std::uint64_t offset) {
  Operation operation = file_operation(Operation::Kind::write, fd);
  operation.source = source;
  operation.offset = offset;
  return PendingOperation(*this, operation);
}

PendingOperation Context::write_durably(int fd, std::span<const std::byte> source,
                                        std::uint64_t offset) {
  Operation operation = file_operation(Operation::Kind::write, fd);
  operation.source = source;
  operation.offset = offset;
  operation.durable = true;
  return PendingOperation(*this, operation);
}

PendingOperation Context::sync(int fd) {
  return PendingOperation(*this, file_operation(Operation::Kind::sync, fd));
}

PendingOperation Context::close(int fd) {
  return PendingOperation(*this, file_operation(Operation::Kind::close, fd));
}

void Context::begin(PendingOperation& pending) {
  if (free_slots_.empty()) {
    PHX_CHECK(slots_.size() < (std::size_t{1} << kSlotBits));
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
  }
  const std::uint32_t index = free_slots_.back();
  free_slots_.pop_back();
  Slot& slot = slots_[index];
  slot.pending = &pending;
  pending.slot_ = index;
  ++waiting_;
  pending.operation_.token =
      make_token(TokenKind::waiter, std::uint64_t{slot.generation} << kSlotBits | index);
  ring_.submit(pending.operation_);
}

// The slot stays taken until the completion comes: it must not be mistaken for a new operation.
void Context::abandon(PendingOperation& pending) noexcept {
  slots_[pending.slot_].pending = nullptr;
  pending.slot_ = PendingOperation::kNoSlot;
}

void Context::complete(const Completion& completion) {
  const std::uint64_t id = token_id(completion.token);
  const auto index = static_cast<std::uint32_t>(id & ((1U << kSlotBits) - 1));
  PHX_CHECK(index < slots_.size());
  Slot& slot = slots_[index];
  PHX_CHECK(slot.generation == id >> kSlotBits);
  PendingOperation* const pending = slot.pending;
  slot.pending = nullptr;
  ++slot.generation;
  free_slots_.push_back(index);
  --waiting_;
  if (pending == nullptr) return;
  pending->slot_ = PendingOperation::kNoSlot;
  pending->result_ = completion.result;
  pending->waiter_.resume();
}

void Context::run_one_turn() {
  std::array<Completion, 64> completions;
  const std::size_t count = ring_.run_once(completions, timers_.next_deadline_ns());
  for (std::size_t i = 0; i < count; ++i) {
    const Completion& completion = completions[i];
    if (completion.buffer != kNoBuffer) ring_.release(completion.buffer);
    if (token_kind(completion.token) == TokenKind::waiter) complete(completion);
  }
  timers_.run_due(clock_.monotonic_ns());
}

}  // namespace phoenix::io
