// The part of the disk that only tests use: looking at files by name and damaging them.
#include <algorithm>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/sim/disk.h"

namespace phoenix::sim {
namespace {

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

}  // namespace

std::vector<std::string> Disk::names(const std::string& path) const {
  std::vector<std::string> names;
  for (const auto& [name, id] : directories_[directory_at(path)].entries) names.push_back(name);
  return names;
}

bool Disk::exists(const std::string& path, const std::string& name) const {
  return directories_[directory_at(path)].entries.count(name) != 0;
}

std::string Disk::content(const std::string& path, const std::string& name) const {
  const Inode& file = files_[file_at(path, name)].inode;
  std::string content(file.size_bytes(), '\0');
  file.read(0, std::as_writable_bytes(std::span(content.data(), content.size())), false);
  return content;
}

void Disk::plant_file(const std::string& path, const std::string& name, std::string_view content) {
  const auto directory = open_directory(path);
  PHX_CHECK(directory.has_value());
  if (exists(path, name)) remove_file(path, name);
  const InodeId id = create(*directory, name);
  finish_directory_sync(*directory, begin_directory_sync());
  const std::uint64_t before = files_[id].inode.allocated_pages();
  if (!content.empty()) files_[id].inode.plant(0, bytes_of(content));
  used_pages_ += files_[id].inode.allocated_pages() - before;
}

void Disk::plant(const std::string& path, const std::string& name, std::uint64_t offset,
                 std::string_view bytes) {
  Inode& file = files_[file_at(path, name)].inode;
  const std::uint64_t before = file.allocated_pages();
  file.plant(offset, bytes_of(bytes));
  used_pages_ += file.allocated_pages() - before;
}

void Disk::flip_bit(const std::string& path, const std::string& name, std::uint64_t bit) {
  Inode& file = files_[file_at(path, name)].inode;
  std::byte byte{};
  PHX_CHECK(file.read(bit / 8, std::span(&byte, 1), true) == 1);
  byte ^= static_cast<std::byte>(1U << bit % 8);
  file.plant(bit / 8, std::span(&byte, 1));
}

void Disk::swap_ranges(const std::string& path, const Place& one, const Place& other,
                       std::size_t length) {
  const std::string first = content(path, one.name).substr(one.offset, length);
  const std::string second = content(path, other.name).substr(other.offset, length);
  PHX_CHECK(first.size() == length);
  PHX_CHECK(second.size() == length);
  plant(path, one.name, one.offset, second);
  plant(path, other.name, other.offset, first);
}

void Disk::remove_file(const std::string& path, const std::string& name) {
  const DirectoryId directory = directory_at(path);
  unlink(directory, name);
  finish_directory_sync(directory, begin_directory_sync());
}

void Disk::fail_reads(const std::string& path, const std::string& name, std::uint64_t offset,
                      std::uint64_t length) {
  bad_reads_.push_back(BadRead{file_at(path, name), offset, length});
}

bool Disk::read_fails(InodeId id, std::uint64_t offset, std::uint64_t length) const {
  return std::any_of(bad_reads_.begin(), bad_reads_.end(), [&](const BadRead& bad) {
    return bad.inode == id && offset < bad.offset + bad.length && bad.offset < offset + length;
  });
}

void Disk::refuse_directory(const std::string& path, std::optional<Error> error) {
  if (error.has_value()) {
    refused_.insert_or_assign(path, std::move(*error));
  } else {
    refused_.erase(path);
  }
}

DirectoryId Disk::directory_at(const std::string& path) const {
  const auto at = std::find_if(directories_.begin(), directories_.end(),
                               [&](const Directory& directory) { return directory.path == path; });
  PHX_CHECK(at != directories_.end());
  return static_cast<DirectoryId>(at - directories_.begin());
}

InodeId Disk::file_at(const std::string& path, const std::string& name) const {
  const auto id = find(directory_at(path), name);
  PHX_CHECK(id.has_value());
  return *id;
}

}  // namespace phoenix::sim
