#include "phoenix/sim/disk.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include "phoenix/base/check.h"

namespace phoenix::sim {
namespace {

constexpr std::size_t kGraveyardPagesMost = 64;

}  // namespace

Result<DirectoryId> Disk::open_directory(const std::string& path) {
  const auto refused = refused_.find(path);
  if (refused != refused_.end()) return tl::unexpected<Error>(refused->second);
  for (DirectoryId id = 0; id < directories_.size(); ++id) {
    if (directories_[id].path == path) return id;
  }
  directories_.emplace_back();
  directories_.back().path = path;
  return static_cast<DirectoryId>(directories_.size() - 1);
}

std::vector<io::FileInfo> Disk::list(DirectoryId directory) const {
  std::vector<io::FileInfo> infos;
  for (const auto& [name, id] : directories_[directory].entries) {
    infos.push_back(io::FileInfo{name, files_[id].inode.size_bytes()});
  }
  return infos;
}

io::SpaceInfo Disk::space() const {
  return io::SpaceInfo{size_bytes_, free_pages() * kPageBytes};
}

std::optional<InodeId> Disk::find(DirectoryId directory, const std::string& name) const {
  const Entries& entries = directories_[directory].entries;
  const auto entry = entries.find(name);
  if (entry == entries.end()) return std::nullopt;
  return entry->second;
}

InodeId Disk::create(DirectoryId directory, const std::string& name) {
  Directory& d = directories_[directory];
  PHX_CHECK(d.entries.count(name) == 0);
  const InodeId id = new_file();
  d.unsynced.push_back(EntryChange{name, id, true, entry_stamp_});
  ++files_[id].names;
  apply(d.entries, d.unsynced.back());
  return id;
}

void Disk::unlink(DirectoryId directory, const std::string& name) {
  Directory& d = directories_[directory];
  const auto id = find(directory, name);
  PHX_CHECK(id.has_value());
  d.unsynced.push_back(EntryChange{name, *id, false, entry_stamp_});
  ++files_[*id].names;
  apply(d.entries, d.unsynced.back());
}

void Disk::finish_directory_sync(DirectoryId directory, std::uint64_t mark) {
  Directory& d = directories_[directory];
  std::vector<EntryChange> rest;
  for (auto& change : std::exchange(d.unsynced, {})) {
    if (change.stamp >= mark) {
      rest.push_back(std::move(change));
      continue;
    }
    apply(d.durable, change);
    unname(change.inode);
  }
  d.unsynced = std::move(rest);
}

// As with data: what the failed sync covered landed or did not, and counts as clean now.
void Disk::fail_directory_sync(DirectoryId directory, std::uint64_t mark, SeededRandom& random) {
  Directory& d = directories_[directory];
  std::vector<EntryChange> rest;
  bool landing = true;
  for (auto& change : std::exchange(d.unsynced, {})) {
    if (change.stamp >= mark) {
      rest.push_back(std::move(change));
      continue;
    }
    landing = landing && random.below(2) == 0;
    if (landing) apply(d.durable, change);
    unname(change.inode);
  }
  d.unsynced = std::move(rest);
}

void Disk::drop(InodeId id) {
  PHX_CHECK(files_[id].holders > 0);
  --files_[id].holders;
  free_if_unused(id);
}

std::int64_t Disk::write(InodeId id, std::uint64_t offset, std::span<const std::byte> bytes,
                         WriteOptions options) {
  Inode& file = files_[id].inode;
  const std::uint64_t free = free_pages();
  const std::size_t wanted = bytes.size();
  while (!bytes.empty() && file.pages_wanted(offset, bytes.size()) > free) {
    const std::uint64_t end = offset + bytes.size();
    const std::uint64_t last_page = (end - 1) / kPageBytes * kPageBytes;
    bytes = bytes.first(static_cast<std::size_t>(std::max(last_page, offset) - offset));
  }
  if (bytes.empty() && wanted != 0) return -ENOSPC;
  const std::uint64_t before = file.allocated_pages();
  file.write(offset, bytes, options.direct, options.write_back_first);
  used_pages_ += file.allocated_pages() - before;
  return static_cast<std::int64_t>(bytes.size());
}

std::int32_t Disk::allocate(InodeId id, std::uint64_t offset, std::uint64_t length, bool stale) {
  Inode& file = files_[id].inode;
  if (file.pages_wanted(offset, length) > free_pages()) return -ENOSPC;
  const std::uint64_t before = file.allocated_pages();
  file.allocate(offset, length,
                stale ? std::span<const PageRef>(graveyard_) : std::span<const PageRef>());
  used_pages_ += file.allocated_pages() - before;
  return 0;
}

void Disk::end_process(bool drop_lies) {
  if (drop_lies) {
    for (Directory& directory : directories_) rebuild_entries(directory);
  }
  for (InodeId id = 0; id < files_.size(); ++id) {
    files_[id].holders = 0;
    files_[id].broken = false;
    files_[id].inode.abandon_syncs();
    if (drop_lies) files_[id].inode.drop_lies();
    free_if_unused(id);
  }
}

void Disk::settle(const FaultPlan& plan, SeededRandom& random, Counters& counters) {
  for (Directory& directory : directories_) settle_entries(directory, random, counters);
  used_pages_ = 0;
  for (InodeId id = 0; id < files_.size(); ++id) {
    free_if_unused(id);
    if (!files_[id].used) continue;
    files_[id].inode.settle(plan, random, counters);
  }
  for (const File& file : files_) used_pages_ += file.used ? file.inode.allocated_pages() : 0;
}

// The last change of a name that lands decides it, so any choice is some prefix of its changes.
void Disk::settle_entries(Directory& directory, SeededRandom& random, Counters& counters) {
  const std::uint64_t mood = random.below(3);
  const auto changes = std::exchange(directory.unsynced, {});
  for (const EntryChange& change : changes) {
    const bool lands = mood == 1 || (mood == 2 && random.below(2) == 0);
    if (lands) {
      apply(directory.durable, change);
      ++counters.entries_landed;
    } else {
      ++counters.entries_lost;
    }
  }
  replace_entries(directory, directory.durable);
  for (const EntryChange& change : changes) unname(change.inode);
}

// What a reader sees once entries that are neither durable nor waiting for a sync are forgotten.
void Disk::rebuild_entries(Directory& directory) {
  Entries entries = directory.durable;
  for (const EntryChange& change : directory.unsynced) {
    if (change.created) {
      entries[change.name] = change.inode;
    } else {
      entries.erase(change.name);
    }
  }
  replace_entries(directory, std::move(entries));
}

void Disk::replace_entries(Directory& directory, Entries entries) {
  for (const auto& [name, id] : entries) ++files_[id].names;
  for (const auto& [name, id] : std::exchange(directory.entries, std::move(entries))) unname(id);
}

std::uint64_t Disk::free_pages() const {
  const std::uint64_t used = used_pages_ * kPageBytes + foreign_bytes_;
  return used >= size_bytes_ ? 0 : (size_bytes_ - used) / kPageBytes;
}

InodeId Disk::new_file() {
  for (InodeId id = 0; id < files_.size(); ++id) {
    if (files_[id].used) continue;
    files_[id] = File();
    files_[id].used = true;
    return id;
  }
  files_.emplace_back();
  files_.back().used = true;
  return static_cast<InodeId>(files_.size() - 1);
}

void Disk::apply(Entries& entries, const EntryChange& change) {
  const auto old = entries.find(change.name);
  if (old != entries.end()) {
    const InodeId id = old->second;
    entries.erase(old);
    unname(id);
  }
  if (!change.created) return;
  entries[change.name] = change.inode;
  ++files_[change.inode].names;
}

void Disk::unname(InodeId id) {
  PHX_CHECK(files_[id].names > 0);
  --files_[id].names;
  free_if_unused(id);
}

void Disk::free_if_unused(InodeId id) {
  File& file = files_[id];
  if (!file.used || file.holders != 0 || file.names != 0) return;
  for (PageRef& page : file.inode.durable_pages()) {
    if (graveyard_.size() < kGraveyardPagesMost) graveyard_.push_back(std::move(page));
  }
  used_pages_ -= std::min(used_pages_, file.inode.allocated_pages());
  file = File();
}

}  // namespace phoenix::sim
