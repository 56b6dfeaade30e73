#include "phoenix/uring/direct_io.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <fstream>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "phoenix/uring/os_error.h"
#include "phoenix/uring/unique_fd.h"

namespace phoenix::uring {
namespace {

constexpr std::uint32_t kSmallest = 512;
constexpr std::uint32_t kLargest = 65536;
constexpr std::uint32_t kUsualBlock = 4096;
constexpr mode_t kFileMode = 0600;

bool sensible(std::uint32_t size_bytes) {
  return std::has_single_bit(size_bytes) && size_bytes >= kSmallest && size_bytes <= kLargest;
}

// Newer than some headers (kernel 6.1): what statx tells about direct IO.
constexpr unsigned kStatxDirectIo = 0x2000;          // STATX_DIOALIGN
constexpr std::size_t kMemoryAlignmentOffset = 152;  // stx_dio_mem_align
constexpr std::size_t kOffsetAlignmentOffset = 156;  // stx_dio_offset_align
static_assert(sizeof(struct statx) == 256);

std::uint32_t field_at(const struct statx& status, std::size_t offset) {
  std::uint32_t value = 0;
  std::memcpy(&value, reinterpret_cast<const std::byte*>(&status) + offset, sizeof(value));
  return value;
}

// Nothing when the kernel does not say; 0 when the file takes no direct IO.
std::optional<std::uint32_t> told_by_kernel(int fd) {
  struct statx status {};
  if (statx(fd, "", AT_EMPTY_PATH, kStatxDirectIo, &status) != 0) return std::nullopt;
  if ((status.stx_mask & kStatxDirectIo) == 0) return std::nullopt;
  const std::uint32_t offset = field_at(status, kOffsetAlignmentOffset);
  if (offset == 0) return 0;
  return std::max({offset, field_at(status, kMemoryAlignmentOffset), kSmallest});
}

// The smallest unit that a write gets through with; 0 when none does. Only EINVAL speaks of
// alignment: a full disk, say, is not the question here.
Result<std::uint32_t> found_by_trying(int fd) {
  void* const memory = mmap(nullptr, std::size_t{2} * kLargest, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return os_failure("no memory to try direct writes", errno);
  std::uint32_t found = 0;
  for (std::uint32_t size = kSmallest; size <= kLargest && found == 0; size *= 2) {
    // At an odd multiple of `size` in memory and file, so that no larger alignment hides.
    const ssize_t written = pwrite(fd, static_cast<std::byte*>(memory) + size, size, size);
    if (written >= 0 || errno != EINVAL) found = size;
  }
  munmap(memory, std::size_t{2} * kLargest);
  return found;
}

// A file without a name where the file system can, so that a crash here leaves nothing behind.
int open_scratch_file(int directory) {
  const int nameless = openat(directory, ".", O_TMPFILE | O_RDWR | O_DIRECT | O_CLOEXEC, kFileMode);
  // EINVAL may also mean that direct IO is refused: the second try tells.
  if (nameless >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)) return nameless;
  // Of a run that was cut here: nobody else works in a directory that is locked.
  unlinkat(directory, kScratchName, 0);
  const int fd = openat(directory, kScratchName,
                        O_CREAT | O_EXCL | O_RDWR | O_DIRECT | O_NOFOLLOW | O_CLOEXEC, kFileMode);
  const int error = errno;
  // The kernel may have made the file before it refused the flag.
  unlinkat(directory, kScratchName, 0);
  errno = error;
  return fd;
}

std::optional<std::uint32_t> read_block_size(const std::string& path) {
  std::ifstream file(path);
  std::uint32_t value = 0;
  if (!(file >> value) || !sensible(value)) return std::nullopt;
  return value;
}

// File systems that span devices have a number of their own, which sysfs does not know.
std::uint32_t physical_block(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return kUsualBlock;
  const std::string device =
      fmt::format("/sys/dev/block/{}:{}", major(status.st_dev), minor(status.st_dev));
  // A partition has no queue of its own: its disk, one level up, has.
  for (const char* place : {"/queue/", "/../queue/"}) {
    if (const auto size = read_block_size(device + place + "physical_block_size")) return *size;
  }
  return kUsualBlock;
}

}  // namespace

Result<std::uint32_t> find_write_alignment(int directory) {
  const UniqueFd scratch(open_scratch_file(directory));
  if (!scratch.valid() && errno == EINVAL) return 0;
  if (!scratch.valid()) return os_failure("cannot make a file in the data directory", errno);
  std::uint32_t alignment = 0;
  if (const auto told = told_by_kernel(scratch.get())) {
    alignment = *told;
  } else {
    auto tried = found_by_trying(scratch.get());
    if (!tried) return tried;
    alignment = *tried;
  }
  if (alignment == 0 || !sensible(alignment)) return 0;
  return std::max(alignment, physical_block(scratch.get()));
}

}  // namespace phoenix::uring
