#include "phoenix/log/file.h"

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "phoenix/base/check.h"

namespace phoenix::log {
namespace {

constexpr std::string_view kSegmentSuffix = ".seg";
constexpr std::size_t kUidDigits = 16;
constexpr std::string_view kDigits = "0123456789abcdef";

// Short counts in a row that bring nothing new: a file that ends inside of a block, or a device
// that takes nothing.
constexpr unsigned kStuckMax = 16;

bool again(std::int32_t result) {
  return result == -EINTR || result == -EAGAIN;
}

}  // namespace

std::string segment_name(std::uint64_t uid) {
  std::string name(kUidDigits, '0');
  for (std::size_t i = 0; i < kUidDigits; ++i) {
    name[kUidDigits - 1 - i] = kDigits[(uid >> (4 * i)) & 0xFU];
  }
  return name.append(kSegmentSuffix);
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != kUidDigits + kSegmentSuffix.size()) return std::nullopt;
  if (!name.ends_with(kSegmentSuffix)) return std::nullopt;
  std::uint64_t uid = 0;
  for (const char c : name.substr(0, kUidDigits)) {
    const auto digit = kDigits.find(c);
    if (digit == std::string_view::npos) return std::nullopt;
    uid = uid << 4U | digit;
  }
  return uid;
}

std::string errno_text(std::int32_t result) {
  return std::generic_category().message(-result);
}

bool means_disk_full(std::int32_t result) {
  return result == -ENOSPC || result == -EDQUOT || result == -EFBIG;
}

tl::unexpected<Error> system_error(const std::string& what, std::int32_t result) {
  const std::string text = result == 0 ? "no bytes were taken" : errno_text(result);
  return fail(means_disk_full(result) ? ErrorCode::disk_full : ErrorCode::io, what + ": " + text);
}

io::Task<Result<std::size_t>> read_up_to(io::Context& io, int fd, std::span<std::byte> target,
                                         std::uint64_t offset, std::uint32_t block_bytes) {
  std::size_t start = 0;  // Of the next read: a multiple of the block.
  std::size_t end = 0;    // What has arrived.
  unsigned stuck = 0;
  while (end < target.size() && stuck < kStuckMax) {
    const std::int32_t count = co_await io.read(fd, target.subspan(start), offset + start);
    if (count < 0 && !again(count)) {
      co_return system_error("reading at offset " + std::to_string(offset + start), count);
    }
    if (count == 0) break;
    const std::size_t reached = start + (count > 0 ? static_cast<std::size_t>(count) : 0);
    PHX_CHECK(reached <= target.size());
    stuck = reached > end ? 0 : stuck + 1;
    end = std::max(end, reached);
    start = end / block_bytes * block_bytes;
  }
  co_return end;
}

io::Task<Result<void>> write_all(io::Context& io, int fd, std::span<const std::byte> source,
                                 std::uint64_t offset, std::uint32_t block_bytes) {
  std::size_t start = 0;
  std::size_t end = 0;
  unsigned stuck = 0;
  while (end < source.size()) {
    const std::int32_t count = co_await io.write(fd, source.subspan(start), offset + start);
    if ((count <= 0 && !again(count)) || stuck == kStuckMax) {
      co_return system_error("writing at offset " + std::to_string(offset + start), count);
    }
    const std::size_t reached = start + (count > 0 ? static_cast<std::size_t>(count) : 0);
    PHX_CHECK(reached <= source.size());
    stuck = reached > end ? 0 : stuck + 1;
    end = std::max(end, reached);
    start = end / block_bytes * block_bytes;
  }
  co_return Result<void>();
}

}  // namespace phoenix::log
