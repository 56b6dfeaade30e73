#include "phoenix/sim/kernel.h"

#include <cerrno>

#include "phoenix/base/check.h"
#include "phoenix/sim/ring.h"

namespace phoenix::sim {
namespace {

using Kind = io::Operation::Kind;

bool is_creation(const io::Operation& operation) {
  return (operation.open_flags & io::Operation::kOpenCreate) != 0;
}

bool changes_disk(const io::Operation& operation) {
  switch (operation.kind) {
    case Kind::open:
      return is_creation(operation);
    case Kind::unlink:
    case Kind::allocate:
    case Kind::write:
    case Kind::sync:
      return true;
    default:
      return false;
  }
}

bool fits(Kind kind, Descriptor::Kind target) {
  switch (kind) {
    case Kind::accept:
      return target == Descriptor::Kind::listener;
    case Kind::receive:
    case Kind::send:
    case Kind::shutdown:
      return target == Descriptor::Kind::socket;
    case Kind::open:
    case Kind::unlink:
      return target == Descriptor::Kind::directory;
    case Kind::allocate:
    case Kind::read:
    case Kind::write:
      return target == Descriptor::Kind::file;
    case Kind::sync:
      return target == Descriptor::Kind::file || target == Descriptor::Kind::directory;
    default:
      return target != Descriptor::Kind::none;
  }
}

}  // namespace

void Kernel::submit(Ring& ring, std::span<const io::Operation> queued) {
  std::vector<OperationId> heads;
  OperationId before = kNoOperation;
  for (const io::Operation& operation : queued) {
    const OperationId id = operations_.add(ring, operation);
    if (before == kNoOperation) {
      heads.push_back(id);
    } else {
      operations_.link(before, id);
    }
    before = operation.linked ? id : kNoOperation;
  }
  // A linked operation and the next one go to the kernel together, or the link is lost.
  PHX_CHECK(before == kNoOperation);
  for (const OperationId head : heads) {
    if (environment_.down) return;
    start(head);
    drain();
  }
}

void Kernel::handle(const Event& event) {
  switch (event.kind) {
    case EventKind::operation:
    case EventKind::answer:
      on_operation(event);
      break;
    case EventKind::wake:
      on_wake(event);
      break;
    case EventKind::late_write:
      land_late_writes();
      break;
    default:
      network_.handle(event);
      break;
  }
  drain();
}

void Kernel::close(int fd) {
  if (environment_.down) return;
  drop(descriptors_.remove(fd));
  drain();
}

void Kernel::forget(Ring& ring) {
  wake_targets_[ring.id()] = nullptr;
  if (!environment_.down) {
    for (OperationId id = 0; id < operations_.table().size(); ++id) {
      const InFlight& slot = operations_[id];
      if (slot.ring == &ring) network_.forget(slot.target, id);
    }
  }
  operations_.forget(ring);
  if (!environment_.down) drain();
}

void Kernel::add_wake_target(Ring& ring) {
  PHX_CHECK(ring.id() == wake_targets_.size());
  wake_targets_.push_back(&ring);
}

void Kernel::start(OperationId id) {
  InFlight& slot = operations_[id];
  slot.started = true;
  const io::Operation& operation = slot.operation;
  ++environment_.counters.operations;
  environment_.trace(
      "start", static_cast<std::uint64_t>(operation.kind) | std::uint64_t{slot.ring->id()} << 8U,
      static_cast<std::uint64_t>(static_cast<std::uint32_t>(operation.fd)),
      operation.offset ^ operation.length ^ operation.source.size() << 32U ^
          operation.target.size() << 40U);
  if (operation.kind == Kind::wake) {
    start_wake(id);
  } else if (operation.kind == Kind::close) {
    start_close(id);
  } else {
    slot.target = descriptors_.find(operation.fd);
    hold(slot.target);
    if (fits(operation.kind, slot.target.kind)) {
      start_on_target(id);
    } else {
      operations_.finish_soon(id, -EBADF);
    }
  }
}

void Kernel::start_on_target(OperationId id) {
  const InFlight& slot = operations_[id];
  const std::uint32_t index = slot.target.index;
  switch (slot.operation.kind) {
    case Kind::accept:
      network_.accept(index, id);
      break;
    case Kind::receive:
      network_.receive(index, id);
      break;
    case Kind::send:
      network_.send(index, id);
      break;
    case Kind::shutdown:
    case Kind::cancel:
      operations_.schedule(id, environment_.draw(environment_.plan.wake));
      break;
    default:
      start_file(id);
      break;
  }
}

void Kernel::start_close(OperationId id) {
  const Descriptor closed = descriptors_.remove(operations_[id].operation.fd);
  drop(closed);
  operations_.finish_soon(id, closed.kind == Descriptor::Kind::none ? -EBADF : 0);
}

void Kernel::start_wake(OperationId id) {
  const int target = operations_[id].operation.fd - Ring::kWakeHandles;
  if (target < 0 || static_cast<std::size_t>(target) >= wake_targets_.size()) {
    operations_.finish_soon(id, -EBADF);
    return;
  }
  std::uint64_t delay_ns = environment_.draw(environment_.plan.wake);
  if (environment_.chance(environment_.plan.late_wakes)) {
    ++environment_.counters.late_wakes;
    delay_ns += environment_.random.below(environment_.plan.stall_most_ns + 1);
  }
  environment_.timeline.schedule(delay_ns, EventKind::wake, static_cast<std::uint32_t>(target), 0);
  operations_.finish_soon(id, 0);
}

void Kernel::on_wake(const Event& event) {
  Ring* const target = wake_targets_[event.index];
  if (target == nullptr) return;
  ++environment_.counters.wakes;
  environment_.trace("wake", event.index);
  target->post(io::Completion{});
}

void Kernel::on_operation(const Event& event) {
  const OperationId id = event.index;
  if (!operations_.current(id, event.generation)) return;
  InFlight& slot = operations_[id];
  if (event.kind == EventKind::answer) {
    operations_.finish(id, slot.answer);
    return;
  }
  if (slot.operation.kind == Kind::shutdown) {
    // Looked up once more: the real one is done by a worker, which does so when it comes to it.
    const Descriptor target = descriptors_.find(slot.operation.fd);
    const bool is_socket = target.kind == Descriptor::Kind::socket;
    operations_.finish(id, is_socket ? network_.shutdown(target.index) : -EBADF);
  } else if (slot.operation.kind == Kind::cancel) {
    const bool waits = slot.target.kind == Descriptor::Kind::listener ||
                       slot.target.kind == Descriptor::Kind::socket;
    const std::int32_t ended = waits ? network_.cancel(slot.target, slot.operation.cancelled) : 0;
    operations_.finish(id, ended == 0 ? -ENOENT : ended);
  } else if (pass_point(slot.operation)) {
    apply(id);
  }
}

bool Kernel::pass_point(const io::Operation& operation) {
  if (!changes_disk(operation)) return true;
  if (environment_.pass_point()) return true;
  capture();
  return false;
}

void Kernel::capture() {
  captured_ = changes_in_flight();
}

std::vector<Kernel::Change> Kernel::changes_in_flight() const {
  std::vector<Change> changes;
  for (const InFlight& slot : operations_.table()) {
    if (slot.ring == nullptr || !slot.started || !changes_disk(slot.operation)) continue;
    if (slot.operation.kind == Kind::sync) continue;
    Change change;
    change.kind = slot.operation.kind;
    change.index = slot.target.index;
    if (slot.operation.path != nullptr) change.name = slot.operation.path;
    change.offset = slot.operation.offset;
    change.length = slot.operation.length;
    change.direct = slot.target.direct;
    change.bytes.assign(slot.operation.source.begin(), slot.operation.source.end());
    changes.push_back(std::move(change));
  }
  return changes;
}

// Under a power cut a write becomes unsynced, and the disk tears it; under a kill the kernel has
// done some of it, or nothing, and the rest never comes.
void Kernel::apply_change(Disk& disk, const Change& change, bool power_cut,
                          SeededRandom& random) const {
  if (change.kind == Kind::write) {
    std::span<const std::byte> bytes(change.bytes);
    std::uint64_t offset = change.offset;
    if (!power_cut) {
      const std::size_t sectors = bytes.size() / kSectorBytes;
      const std::size_t from = random.below(sectors + 1) * kSectorBytes;
      bytes = bytes.subspan(random.below(2) == 0 ? 0 : from);
      offset += change.bytes.size() - bytes.size();
      const std::size_t to = random.below(bytes.size() / kSectorBytes + 1) * kSectorBytes;
      bytes = bytes.first(random.below(2) == 0 ? bytes.size() : to);
    }
    if (!bytes.empty()) disk.write(change.index, offset, bytes, {change.direct, false});
    return;
  }
  if (random.below(2) == 0) return;
  if (change.kind == Kind::allocate) {
    disk.allocate(change.index, change.offset, change.length, false);
    return;
  }
  const bool exists = disk.find(change.index, change.name).has_value();
  if (change.kind == Kind::open && !exists) disk.create(change.index, change.name);
  if (change.kind == Kind::unlink && exists) disk.unlink(change.index, change.name);
}

void Kernel::settle(bool power_cut) {
  land_late_writes();
  std::vector<Change> late;
  for (Change& change : captured_) {
    if (!power_cut && change.kind == Kind::write && environment_.random.below(3) == 0) {
      late.push_back(std::move(change));
    } else {
      apply_change(disk_, change, power_cut, environment_.random);
    }
  }
  captured_.clear();
  chosen_.clear();
  operations_.clear();
  descriptors_.clear();
  network_.crash(power_cut);
  disk_.end_process(power_cut || !environment_.plan.lying_cache_survives_kill);
  if (power_cut) disk_.settle(environment_.plan, environment_.random, environment_.counters);
  for (Change& change : late) {
    if (!disk_.used(change.index)) continue;
    disk_.hold(change.index);
    late_.push_back(std::move(change));
  }
}

Disk Kernel::disk_after(bool power_cut, SeededRandom& random) const {
  Disk disk = disk_;
  for (const Change& change : late_) apply_change(disk, change, power_cut, random);
  for (const Change& change : environment_.down ? captured_ : changes_in_flight()) {
    apply_change(disk, change, power_cut, random);
  }
  disk.end_process(power_cut || !environment_.plan.lying_cache_survives_kill);
  Counters counters;
  if (power_cut) disk.settle(environment_.plan, random, counters);
  return disk;
}

void Kernel::land_late_writes() {
  for (const Change& change : late_) {
    ++environment_.counters.late_writes;
    disk_.write(change.index, change.offset, change.bytes, {change.direct, false});
    disk_.drop(change.index);
  }
  late_.clear();
}

void Kernel::hold(const Descriptor& target) {
  if (target.kind == Descriptor::Kind::file) disk_.hold(target.index);
  network_.hold(target);
}

void Kernel::drop(const Descriptor& target) {
  if (target.kind == Descriptor::Kind::file) disk_.drop(target.index);
  network_.drop(target);
}

void Kernel::drain() {
  auto& to_start = operations_.to_start();
  auto& to_drop = operations_.to_drop();
  while (!environment_.down && (!to_start.empty() || !to_drop.empty())) {
    if (!to_drop.empty()) {
      const Descriptor target = to_drop.back();
      to_drop.pop_back();
      drop(target);
      continue;
    }
    const OperationId id = to_start.front();
    to_start.erase(to_start.begin());
    start(id);
  }
}

}  // namespace phoenix::sim
