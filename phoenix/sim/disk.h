// The simulated disk: directories, whose entries become durable apart from the data they name, and
// a bounded space. A value: a copy is a second disk with the same content (pages are shared until
// written), which is how every crash point of one run can be tried.
// The methods up to `settle` are for the simulated kernel; those below it are for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/random.h"
#include "phoenix/base/result.h"
#include "phoenix/io/host.h"
#include "phoenix/sim/faults.h"
#include "phoenix/sim/inode.h"

namespace phoenix::sim {

using InodeId = std::uint32_t;
using DirectoryId = std::uint32_t;

class Disk final {
 public:
  explicit Disk(std::uint64_t size_bytes) : size_bytes_(size_bytes) {}

  /// Makes the directory, durably, if it is not there.
  Result<DirectoryId> open_directory(const std::string& path);
  std::vector<io::FileInfo> list(DirectoryId directory) const;
  io::SpaceInfo space() const;

  std::optional<InodeId> find(DirectoryId directory, const std::string& name) const;
  /// The entry is not durable until the directory is synced. The name must be free.
  InodeId create(DirectoryId directory, const std::string& name);
  void unlink(DirectoryId directory, const std::string& name);

  /// As Inode::begin_sync and so on, for the entries of a directory.
  std::uint64_t begin_directory_sync() { return ++entry_stamp_; }
  void finish_directory_sync(DirectoryId directory, std::uint64_t mark);
  void fail_directory_sync(DirectoryId directory, std::uint64_t mark, SeededRandom& random);

  Inode& inode(InodeId id) { return files_[id].inode; }
  const Inode& inode(InodeId id) const { return files_[id].inode; }
  /// A descriptor or an operation uses the file: it stays although it is unlinked.
  void hold(InodeId id) { ++files_[id].holders; }
  void drop(InodeId id);
  bool used(InodeId id) const { return files_[id].used; }

  struct WriteOptions {
    bool direct = false;
    bool write_back_first = false;
  };
  /// Returns the bytes written: fewer than given, or -ENOSPC, when the disk is full.
  std::int64_t write(InodeId id, std::uint64_t offset, std::span<const std::byte> bytes,
                     WriteOptions options);
  /// 0 or -ENOSPC. `stale`: new pages hold bytes of files that are gone.
  std::int32_t allocate(InodeId id, std::uint64_t offset, std::uint64_t length, bool stale);

  /// From now on writes and syncs of the file fail, until the process ends.
  void break_file(InodeId id) { files_[id].broken = true; }
  bool broken(InodeId id) const { return files_[id].broken; }

  /// The process ended: nothing is held, nothing is broken any more.
  void end_process(bool drop_lies);
  /// The power was cut after end_process: what was not durable is lost, kept or torn by chance.
  void settle(const FaultPlan& plan, SeededRandom& random, Counters& counters);

  // -- For tests ------------------------------------------------------------------------------

  std::vector<std::string> names(const std::string& path) const;
  bool exists(const std::string& path, const std::string& name) const;
  /// What a reader sees now.
  std::string content(const std::string& path, const std::string& name) const;
  /// Puts a durable file there, in place of any of that name.
  void plant_file(const std::string& path, const std::string& name, std::string_view content);
  /// Changes durable bytes of an existing file, as rot or a misdirected write does.
  void plant(const std::string& path, const std::string& name, std::uint64_t offset,
             std::string_view bytes);
  void flip_bit(const std::string& path, const std::string& name, std::uint64_t bit);
  struct Place {
    std::string name;
    std::uint64_t offset = 0;
  };
  void swap_ranges(const std::string& path, const Place& one, const Place& other,
                   std::size_t length);
  /// Removes the file, durably.
  void remove_file(const std::string& path, const std::string& name);

  /// Reads that touch the range fail with EIO until heal_reads().
  void fail_reads(const std::string& path, const std::string& name, std::uint64_t offset,
                  std::uint64_t length);
  void heal_reads() { bad_reads_.clear(); }
  bool read_fails(InodeId id, std::uint64_t offset, std::uint64_t length) const;

  /// Bytes that somebody else has taken on this disk.
  void set_foreign_bytes(std::uint64_t bytes) { foreign_bytes_ = bytes; }
  /// open_directory(path) fails with this error; nullopt heals.
  void refuse_directory(const std::string& path, std::optional<Error> error);

 private:
  using Entries = std::map<std::string, InodeId>;

  struct File {
    Inode inode;
    std::uint32_t holders = 0;
    std::uint32_t names = 0;  // Entries, durable entries and entry changes that name it.
    bool broken = false;
    bool used = false;
  };
  struct EntryChange {
    std::string name;
    InodeId inode = 0;
    bool created = false;
    std::uint64_t stamp = 0;
  };
  struct Directory {
    std::string path;
    Entries entries;
    Entries durable;
    std::vector<EntryChange> unsynced;  // Oldest first.
  };
  struct BadRead {
    InodeId inode = 0;
    std::uint64_t offset = 0;
    std::uint64_t length = 0;
  };

  std::uint64_t free_pages() const;
  InodeId new_file();
  void apply(Entries& entries, const EntryChange& change);
  void unname(InodeId id);
  void free_if_unused(InodeId id);
  void settle_entries(Directory& directory, SeededRandom& random, Counters& counters);
  void rebuild_entries(Directory& directory);
  void replace_entries(Directory& directory, Entries entries);
  DirectoryId directory_at(const std::string& path) const;
  InodeId file_at(const std::string& path, const std::string& name) const;

  std::uint64_t size_bytes_;
  std::uint64_t foreign_bytes_ = 0;
  std::uint64_t used_pages_ = 0;
  std::uint64_t entry_stamp_ = 0;
  std::vector<File> files_;
  std::vector<Directory> directories_;
  std::map<std::string, Error> refused_;
  std::vector<BadRead> bad_reads_;
  std::vector<PageRef> graveyard_;  // Pages of files that are gone, for stale allocations.
};

}  // namespace phoenix::sim
