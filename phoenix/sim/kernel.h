// The simulated kernel: takes the operations of all rings, gives each its effect on the disk or the
// network when its time has come, and answers. Files are in kernel_files.cc.
// Invariant: an operation changes the disk in one step, at its event, and a crash before that step
// leaves it "in flight": the change may then be found done, not done, or done in part.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/io/operation.h"
#include "phoenix/sim/descriptors.h"
#include "phoenix/sim/disk.h"
#include "phoenix/sim/environment.h"
#include "phoenix/sim/network.h"
#include "phoenix/sim/operations.h"

namespace phoenix::sim {

/// The nth of the file operations that come from now on (1: the next) fails; of one kind, if given.
struct ChosenFault {
  std::uint64_t nth = 1;
  std::int32_t error = 0;  // Negated errno.
  bool sticky = false;     // And all after it.
  std::optional<io::Operation::Kind> kind;
};

class Kernel final {
 public:
  Kernel(Environment& environment, Disk disk)
      : environment_(environment),
        operations_(environment),
        network_(environment, operations_, descriptors_),
        disk_(std::move(disk)) {}
  Kernel(const Kernel&) = delete;
  Kernel& operator=(const Kernel&) = delete;

  Disk& disk() { return disk_; }
  Network& network() { return network_; }
  Descriptors& descriptors() { return descriptors_; }

  /// What a ring has queued, in order.
  void submit(Ring& ring, std::span<const io::Operation> queued);
  void handle(const Event& event);
  void close(int fd);
  void forget(Ring& ring);
  void add_wake_target(Ring& ring);
  void fail_nth(const ChosenFault& fault) { chosen_.push_back(fault); }

  /// The world has just gone down: what is in flight is kept as it stands, because the memory it
  /// refers to will be gone when the crash is settled.
  void capture();
  void settle(bool power_cut);
  /// The disk that would be left if the process ended now, decided by `random`.
  Disk disk_after(bool power_cut, SeededRandom& random) const;
  /// Writes of a killed process that are still under way land now.
  void land_late_writes();

 private:
  // A change of the disk that was in flight at a crash.
  struct Change {
    io::Operation::Kind kind = io::Operation::Kind::write;
    std::uint32_t index = 0;  // Inode, or directory of an open or unlink.
    std::string name;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
    bool direct = false;
    std::vector<std::byte> bytes;
  };

  void start(OperationId id);
  void start_on_target(OperationId id);
  void start_file(OperationId id);
  void start_write(OperationId id);
  void start_close(OperationId id);
  void start_wake(OperationId id);
  void on_operation(const Event& event);
  void on_wake(const Event& event);

  void apply(OperationId id);
  std::int32_t apply_open(InFlight& slot);
  std::int32_t apply_unlink(InFlight& slot);
  std::int32_t apply_allocate(InFlight& slot);
  std::int32_t apply_read(InFlight& slot);
  std::int32_t apply_write(InFlight& slot);
  std::int32_t apply_sync(InFlight& slot);
  std::int32_t apply_file_sync(InFlight& slot);
  std::int32_t apply_directory_sync(InFlight& slot);
  void fail_write(InFlight& slot, std::span<const std::byte> bytes);

  std::int32_t chosen_error(const InFlight& slot);
  std::int32_t chance_of_error(std::uint32_t of_10k, std::uint64_t& counter);
  void maybe_break(const InFlight& slot);
  bool write_back_first();
  std::uint64_t disk_latency();
  bool pass_point(const io::Operation& operation);
  std::vector<Change> changes_in_flight() const;
  void apply_change(Disk& disk, const Change& change, bool power_cut, SeededRandom& random) const;
  void hold(const Descriptor& target);
  void drop(const Descriptor& target);
  void drain();

  Environment& environment_;
  Operations operations_;
  Descriptors descriptors_;
  Network network_;
  Disk disk_;
  std::vector<Ring*> wake_targets_;  // By ring id; null: gone.
  std::vector<ChosenFault> chosen_;
  std::vector<Change> captured_;
  std::vector<Change> late_;
};

}  // namespace phoenix::sim
