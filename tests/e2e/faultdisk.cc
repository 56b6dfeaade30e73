// A disk whose power can be cut, for tests. FUSE shows three files; a loop device on top of `disk`
// makes a real file system believe that it owns hardware.
//
//   disk     the device. Every write and every flush is noted in the order in which it came.
//   cut      what the device could hold after a power cut, once one was asked for. Writable, so
//   that
//            a file system can be mounted and recovered on it.
//   control  reading gives `position=N writes=N flushes=N`; writing gives orders, one at a time:
//              mark               forget the notes: what the disk holds now is safe
//              cut POSITION SEED PERCENT
//                                 build `cut`: every write up to the last flush at or before
//                                 POSITION, and of the later ones up to POSITION a random choice:
//                                 each 4 KiB block with this probability
//              adopt              the disk becomes what `cut` is, as if power came back
//              fail-writes N      after N more writes, each write and flush fails with EIO (-1:
//              none)
//
// Images share their unchanged blocks, so a cut costs little. One thread serves all requests: a
// write that was answered before a flush came is noted before it.
#define FUSE_USE_VERSION 31
#include <fuse3/fuse.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t kBlockBytes = 4096;
using Block = std::array<char, kBlockBytes>;

/// The contents of a device. Blocks are never changed once shared; null is all zeros.
using Image = std::vector<std::shared_ptr<const Block>>;

/// One write within one block, or a flush (data is null).
struct Note {
  std::size_t block = 0;
  std::size_t begin = 0;
  std::size_t end = 0;
  std::shared_ptr<const Block> data;  // Only [begin, end) of it was written.
};

void put(Image& image, const Note& note) {
  auto& place = image[note.block];
  if (note.end - note.begin == kBlockBytes) {
    place = note.data;
    return;
  }
  auto changed = place ? std::make_shared<Block>(*place) : std::make_shared<Block>();
  std::copy(note.data->begin() + static_cast<std::ptrdiff_t>(note.begin),
            note.data->begin() + static_cast<std::ptrdiff_t>(note.end),
            changed->begin() + static_cast<std::ptrdiff_t>(note.begin));
  place = std::move(changed);
}

void read_from(const Image& image, char* out, std::size_t size, std::size_t offset) {
  while (size > 0) {
    const std::size_t begin = offset % kBlockBytes;
    const std::size_t part = std::min(size, kBlockBytes - begin);
    const auto& block = image[offset / kBlockBytes];
    if (block) {
      std::memcpy(out, block->data() + begin, part);
    } else {
      std::memset(out, 0, part);
    }
    out += part;
    offset += part;
    size -= part;
  }
}

/// Splits a write into its blocks.
template <typename Each>
void for_each_block(const char* data, std::size_t size, std::size_t offset, Each each) {
  while (size > 0) {
    const std::size_t begin = offset % kBlockBytes;
    const std::size_t part = std::min(size, kBlockBytes - begin);
    auto block = std::make_shared<Block>();
    std::memcpy(block->data() + begin, data, part);
    each(Note{offset / kBlockBytes, begin, begin + part, std::move(block)});
    data += part;
    offset += part;
    size -= part;
  }
}

class Disk final {
 public:
  explicit Disk(std::size_t blocks) : now_(blocks), safe_(blocks), cut_(blocks) {}
  Disk(const Disk&) = delete;
  Disk& operator=(const Disk&) = delete;

  std::size_t size_bytes() const { return now_.size() * kBlockBytes; }
  const Image& now() const { return now_; }
  const Image& cut() const { return cut_; }

  /// 0 or a negative errno.
  int write(const char* data, std::size_t size, std::size_t offset) {
    if (must_fail()) return -EIO;
    for_each_block(data, size, offset, [this](Note note) {
      put(now_, note);
      notes_.push_back(std::move(note));
      ++writes_;
    });
    return 0;
  }

  void write_cut(const char* data, std::size_t size, std::size_t offset) {
    for_each_block(data, size, offset, [this](const Note& note) { put(cut_, note); });
  }

  int flush() {
    if (writes_until_failure_ == 0) return -EIO;
    notes_.emplace_back();
    ++flushes_;
    return 0;
  }

  std::string status() const {
    return "position=" + std::to_string(notes_.size()) + " writes=" + std::to_string(writes_) +
           " flushes=" + std::to_string(flushes_) + "\n";
  }

  /// False if it is no order.
  bool obey(const std::string& order) {
    std::size_t position = 0;
    std::uint32_t seed = 0;
    unsigned percent_kept = 0;
    if (order == "mark") {
      safe_ = now_;
      notes_.clear();
    } else if (order == "adopt") {
      now_ = cut_;
      safe_ = cut_;
      notes_.clear();
    } else if (std::sscanf(order.c_str(), "cut %zu %u %u", &position, &seed, &percent_kept) == 3) {
      build_cut(std::min(position, notes_.size()), seed, percent_kept);
    } else if (std::sscanf(order.c_str(), "fail-writes %ld", &writes_until_failure_) != 1) {
      return false;
    }
    return true;
  }

 private:
  bool must_fail() {
    if (writes_until_failure_ < 0) return false;
    if (writes_until_failure_ == 0) return true;
    --writes_until_failure_;
    return false;
  }

  void build_cut(std::size_t position, std::uint32_t seed, unsigned percent_kept) {
    std::size_t stable = 0;  // Everything before it was flushed.
    for (std::size_t i = 0; i < position; ++i) {
      if (!notes_[i].data) stable = i + 1;
    }
    std::mt19937 random(seed);
    cut_ = safe_;
    for (std::size_t i = 0; i < position; ++i) {
      if (!notes_[i].data) continue;
      if (i < stable || random() % 100 < percent_kept) put(cut_, notes_[i]);
    }
  }

  Image now_;
  Image safe_;  // As of the last mark; the notes lead from there to now_.
  Image cut_;
  std::vector<Note> notes_;
  std::uint64_t writes_ = 0;
  std::uint64_t flushes_ = 0;
  long writes_until_failure_ = -1;  // Negative: never.
};

Disk& disk() {
  return *static_cast<Disk*>(fuse_get_context()->private_data);
}

constexpr std::string_view kDisk = "/disk";
constexpr std::string_view kCut = "/cut";
constexpr std::string_view kControl = "/control";

int get_attributes(const char* path, struct stat* out, fuse_file_info*) {
  std::memset(out, 0, sizeof *out);
  if (path == std::string_view("/")) {
    out->st_mode = S_IFDIR | 0700;
    out->st_nlink = 2;
    return 0;
  }
  const std::string_view name(path);
  if (name != kDisk && name != kCut && name != kControl) return -ENOENT;
  out->st_mode = S_IFREG | 0600;
  out->st_nlink = 1;
  out->st_size = static_cast<off_t>(name == kControl ? kBlockBytes : disk().size_bytes());
  return 0;
}

int open_file(const char*, fuse_file_info* info) {
  info->direct_io = 1;  // The kernel must not hold anything back.
  return 0;
}

int read_file(const char* path, char* out, std::size_t size, off_t at, fuse_file_info*) {
  const auto offset = static_cast<std::size_t>(at);
  const std::string_view name(path);
  if (name == kControl) {
    const std::string text = disk().status();
    if (offset >= text.size()) return 0;
    const std::size_t count = std::min(size, text.size() - offset);
    std::memcpy(out, text.data() + offset, count);
    return static_cast<int>(count);
  }
  if (offset >= disk().size_bytes()) return 0;
  const std::size_t count = std::min(size, disk().size_bytes() - offset);
  read_from(name == kDisk ? disk().now() : disk().cut(), out, count, offset);
  return static_cast<int>(count);
}

int write_file(const char* path, const char* data, std::size_t size, off_t at, fuse_file_info*) {
  const auto offset = static_cast<std::size_t>(at);
  const std::string_view name(path);
  if (name == kControl) {
    std::string order(data, size);
    while (!order.empty() && order.back() == '\n') order.pop_back();
    return disk().obey(order) ? static_cast<int>(size) : -EINVAL;
  }
  if (offset >= disk().size_bytes()) return -ENOSPC;
  const std::size_t count = std::min(size, disk().size_bytes() - offset);
  if (name == kDisk) {
    const int error = disk().write(data, count, offset);
    if (error != 0) return error;
  } else {
    disk().write_cut(data, count, offset);
  }
  return static_cast<int>(count);
}

int sync_file(const char* path, int, fuse_file_info*) {
  return path == kDisk ? disk().flush() : 0;
}

int set_size(const char*, off_t, fuse_file_info*) {
  return 0;
}

int read_directory(const char*, void* buffer, fuse_fill_dir_t fill, off_t, fuse_file_info*,
                   fuse_readdir_flags) {
  for (const auto name : {kDisk, kCut, kControl}) {
    fill(buffer, name.data() + 1, nullptr, 0, fuse_fill_dir_flags{});
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  const std::size_t mebibytes = argc == 3 ? std::strtoul(argv[2], nullptr, 10) : 0;
  if (mebibytes == 0) {
    std::fputs("usage: faultdisk MOUNTPOINT MEBIBYTES\n", stderr);
    return 2;
  }
  fuse_operations operations{};
  operations.getattr = get_attributes;
  operations.open = open_file;
  operations.read = read_file;
  operations.write = write_file;
  operations.fsync = sync_file;
  operations.truncate = set_size;
  operations.readdir = read_directory;
  const auto device = std::make_unique<Disk>((mebibytes << 20U) / kBlockBytes);
  std::array<char, 3> foreground{"-f"};
  std::array<char, 3> one_thread{"-s"};
  std::array<char*, 4> arguments{argv[0], argv[1], foreground.data(), one_thread.data()};
  return fuse_main(static_cast<int>(arguments.size()), arguments.data(), &operations, device.get());
}
