// What operations on files and directories do, and how they fail.
#include <algorithm>
#include <cerrno>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/base/crc32c.h"
#include "phoenix/sim/kernel.h"

namespace phoenix::sim {
namespace {

using Kind = io::Operation::Kind;

// What read shows of its target until it has completed.
constexpr std::byte kUnread{0xEE};

void check_direct(std::span<const std::byte> memory, std::uint64_t offset,
                  std::uint32_t alignment) {
  PHX_CHECK(is_aligned(offset, alignment));
  PHX_CHECK(is_aligned(memory.size(), alignment));
  PHX_CHECK(is_aligned(reinterpret_cast<std::uintptr_t>(memory.data()), alignment));
}

}  // namespace

void Kernel::start_file(OperationId id) {
  InFlight& slot = operations_[id];
  const io::Operation& operation = slot.operation;
  const bool on_file = slot.target.kind == Descriptor::Kind::file;
  if (operation.kind == Kind::read) {
    std::fill(operation.target.begin(), operation.target.end(), kUnread);
    if (slot.target.direct) {
      check_direct(operation.target, operation.offset, environment_.plan.write_alignment);
    }
  }
  if (operation.kind == Kind::write) {
    start_write(id);
  } else if (operation.kind == Kind::sync) {
    if (on_file) slot.sync = disk_.inode(slot.target.index).begin_sync();
    if (!on_file) slot.entry_mark = disk_.begin_directory_sync();
  }
  if (on_file && operation.kind != Kind::read && operation.kind != Kind::sync &&
      !slot.target.writable) {
    operations_.finish_soon(id, -EBADF);
    return;
  }
  if (pass_point(operation)) operations_.schedule(id, disk_latency());
}

void Kernel::start_write(OperationId id) {
  InFlight& slot = operations_[id];
  if (slot.target.direct) {
    check_direct(slot.operation.source, slot.operation.offset, environment_.plan.write_alignment);
  }
  slot.checksum = crc32c(0, slot.operation.source);
  environment_.trace("bytes", slot.checksum);
}

std::uint64_t Kernel::disk_latency() {
  std::uint64_t latency_ns = environment_.draw(environment_.plan.disk);
  if (environment_.chance(environment_.plan.slow_operations)) {
    ++environment_.counters.slow_operations;
    latency_ns += environment_.random.below(environment_.plan.slow_most_ns + 1);
  }
  return latency_ns;
}

void Kernel::apply(OperationId id) {
  InFlight& slot = operations_[id];
  std::int32_t result = 0;
  switch (slot.operation.kind) {
    case Kind::open:
      result = apply_open(slot);
      break;
    case Kind::unlink:
      result = apply_unlink(slot);
      break;
    case Kind::allocate:
      result = apply_allocate(slot);
      break;
    case Kind::read:
      result = apply_read(slot);
      break;
    case Kind::write:
      result = apply_write(slot);
      break;
    default:
      result = apply_sync(slot);
      break;
  }
  operations_.finish(id, result);
}

std::int32_t Kernel::apply_open(InFlight& slot) {
  const io::Operation& operation = slot.operation;
  std::int32_t error = chosen_error(slot);
  if (error == 0) {
    error = chance_of_error(environment_.plan.entry_errors, environment_.counters.entry_errors);
  }
  if (error != 0) return error;
  const std::string name = operation.path;
  const bool create = (operation.open_flags & io::Operation::kOpenCreate) != 0;
  Descriptor opened{Descriptor::Kind::file, (operation.open_flags & io::Operation::kOpenRead) == 0,
                    (operation.open_flags & io::Operation::kOpenDirect) != 0, 0};
  if (opened.direct && environment_.plan.write_alignment == 0) return -EINVAL;
  const auto found = disk_.find(slot.target.index, name);
  if (create == found.has_value()) return create ? -EEXIST : -ENOENT;
  opened.index = create ? disk_.create(slot.target.index, name) : *found;
  hold(opened);
  return descriptors_.add(opened);
}

std::int32_t Kernel::apply_unlink(InFlight& slot) {
  std::int32_t error = chosen_error(slot);
  if (error == 0) {
    error = chance_of_error(environment_.plan.entry_errors, environment_.counters.entry_errors);
  }
  if (error != 0) return error;
  const std::string name = slot.operation.path;
  if (!disk_.find(slot.target.index, name).has_value()) return -ENOENT;
  disk_.unlink(slot.target.index, name);
  return 0;
}

std::int32_t Kernel::apply_allocate(InFlight& slot) {
  std::int32_t error = chosen_error(slot);
  if (error == 0) {
    error = chance_of_error(environment_.plan.entry_errors, environment_.counters.entry_errors);
  }
  if (error == 0 && environment_.error_chance(environment_.plan.no_space)) error = -ENOSPC;
  if (error == 0) {
    error = disk_.allocate(slot.target.index, slot.operation.offset, slot.operation.length,
                           environment_.plan.stale_blocks);
  }
  if (error == -ENOSPC) ++environment_.counters.no_space;
  return error;
}

std::int32_t Kernel::apply_read(InFlight& slot) {
  const io::Operation& operation = slot.operation;
  std::int32_t error = chosen_error(slot);
  if (error == 0) {
    error = chance_of_error(environment_.plan.read_errors, environment_.counters.read_errors);
  }
  if (error != 0) return error;
  std::span<std::byte> target = operation.target;
  if (disk_.read_fails(slot.target.index, operation.offset, target.size())) {
    ++environment_.counters.read_errors;
    return -EIO;
  }
  const std::size_t unit = slot.target.direct ? environment_.plan.write_alignment : 1;
  if (target.size() > unit && environment_.chance(environment_.plan.short_reads)) {
    ++environment_.counters.short_reads;
    target = target.first(unit * (1 + environment_.random.below(target.size() / unit - 1)));
  }
  const Inode& inode = disk_.inode(slot.target.index);
  return static_cast<std::int32_t>(inode.read(operation.offset, target, slot.target.direct));
}

std::int32_t Kernel::apply_write(InFlight& slot) {
  const io::Operation& operation = slot.operation;
  std::span<const std::byte> bytes = operation.source;
  // The memory was lent until now: whoever changed it meanwhile writes something torn.
  PHX_CHECK(crc32c(0, bytes) == slot.checksum);
  std::int32_t error = chosen_error(slot);
  if (error == 0 && disk_.broken(slot.target.index)) error = -EIO;
  if (error == 0) {
    error = chance_of_error(environment_.plan.write_errors, environment_.counters.write_errors);
    if (error != 0) maybe_break(slot);
  }
  if (error != 0) {
    fail_write(slot, bytes);
    return error;
  }
  const std::size_t unit = slot.target.direct ? environment_.plan.write_alignment : 1;
  if (bytes.size() > unit && environment_.error_chance(environment_.plan.short_writes)) {
    ++environment_.counters.short_writes;
    bytes = bytes.first(unit * (1 + environment_.random.below(bytes.size() / unit - 1)));
  }
  const std::int64_t written = disk_.write(slot.target.index, operation.offset, bytes,
                                           {slot.target.direct, write_back_first()});
  if (written < static_cast<std::int64_t>(bytes.size())) ++environment_.counters.no_space;
  if (operation.durable && written > 0) {
    disk_.inode(slot.target.index)
        .make_durable(operation.offset, static_cast<std::uint64_t>(written));
  }
  return static_cast<std::int32_t>(written);
}

// Some of the bytes went through.
void Kernel::fail_write(InFlight& slot, std::span<const std::byte> bytes) {
  const std::size_t sectors = environment_.random.below(bytes.size() / kSectorBytes + 1);
  bytes = bytes.first(sectors * kSectorBytes);
  if (bytes.empty()) return;
  disk_.write(slot.target.index, slot.operation.offset, bytes, {slot.target.direct, false});
  if (!slot.operation.durable) return;
  disk_.inode(slot.target.index)
      .fail_durable(slot.operation.offset, bytes.size(), environment_.random);
}

std::int32_t Kernel::apply_sync(InFlight& slot) {
  return slot.target.kind == Descriptor::Kind::file ? apply_file_sync(slot)
                                                    : apply_directory_sync(slot);
}

std::int32_t Kernel::apply_file_sync(InFlight& slot) {
  std::int32_t error = chosen_error(slot);
  if (error == 0 && disk_.broken(slot.target.index)) error = -EIO;
  if (error == 0) {
    error = chance_of_error(environment_.plan.sync_errors, environment_.counters.sync_errors);
    if (error != 0) maybe_break(slot);
  }
  Inode& inode = disk_.inode(slot.target.index);
  if (error != 0) {
    inode.fail_sync(slot.sync, environment_.random);
  } else {
    inode.finish_sync(slot.sync);
  }
  return error;
}

std::int32_t Kernel::apply_directory_sync(InFlight& slot) {
  std::int32_t error = chosen_error(slot);
  if (error == 0) {
    error = chance_of_error(environment_.plan.sync_errors, environment_.counters.sync_errors);
  }
  if (error != 0) {
    disk_.fail_directory_sync(slot.target.index, slot.entry_mark, environment_.random);
  } else {
    disk_.finish_directory_sync(slot.target.index, slot.entry_mark);
  }
  return error;
}

std::int32_t Kernel::chosen_error(const InFlight& slot) {
  for (std::size_t i = 0; i < chosen_.size(); ++i) {
    ChosenFault& fault = chosen_[i];
    if (fault.kind.has_value() && *fault.kind != slot.operation.kind) continue;
    if (fault.nth > 1) {
      --fault.nth;
      continue;
    }
    const std::int32_t error = fault.error;
    ++environment_.counters.chosen_errors;
    if (!fault.sticky) chosen_.erase(chosen_.begin() + static_cast<std::ptrdiff_t>(i));
    return error;
  }
  return 0;
}

std::int32_t Kernel::chance_of_error(std::uint32_t of_10k, std::uint64_t& counter) {
  if (!environment_.error_chance(of_10k)) return 0;
  ++counter;
  return -EIO;
}

void Kernel::maybe_break(const InFlight& slot) {
  if (environment_.chance(environment_.plan.sticky_errors)) disk_.break_file(slot.target.index);
}

bool Kernel::write_back_first() {
  return environment_.chance(environment_.plan.write_back);
}

}  // namespace phoenix::sim
