#include "phoenix/log/superblock_file.h"

#include <algorithm>
#include <string>

#include "phoenix/log/buffer.h"
#include "phoenix/log/file.h"

namespace phoenix::log {
namespace {

std::uint8_t flags_for(const SegmentAccess& access, std::uint8_t flags) {
  const std::uint8_t direct = access.direct ? io::Operation::kOpenDirect : 0;
  return static_cast<std::uint8_t>(flags | direct);
}

io::Task<Result<DecodedSuperblock>> read_copy(io::Context& io, SegmentAccess access,
                                              std::size_t copy, std::string& why_unreadable) {
  const std::string name = kSuperblockNames[copy];
  const std::uint8_t flags = flags_for(access, io::Operation::kOpenRead);
  const std::int32_t fd = co_await io.open(access.directory, name.c_str(), flags);
  if (fd < 0) co_return system_error("opening " + name, fd);
  const AlignedBuffer buffer(kSuperblockBytes, access.block_bytes);
  const auto read = co_await read_up_to(io, fd, buffer.bytes(), 0, access.block_bytes);
  const std::int32_t closed = co_await io.close(fd);
  if (closed < 0) co_return system_error("closing " + name, closed);
  if (read) co_return decode_superblock(buffer.bytes().first(*read));
  why_unreadable = name + ": " + read.error().message;
  DecodedSuperblock damaged;
  damaged.state = SuperblockState::damaged;
  co_return damaged;
}

io::Task<Result<void>> write_and_sync(io::Context& io, SegmentAccess access, int fd,
                                      std::span<const std::byte> bytes) {
  const auto written = co_await write_all(io, fd, bytes, 0, access.block_bytes);
  if (!written) co_return written;
  const std::int32_t synced = co_await io.sync(fd);
  if (synced < 0) co_return system_error("syncing", synced);
  co_return Result<void>();
}

io::Task<Result<void>> write_copy(io::Context& io, SegmentAccess access, std::size_t copy,
                                  bool create, std::span<const std::byte> bytes) {
  const std::string name = kSuperblockNames[copy];
  const std::uint8_t flags = flags_for(access, create ? io::Operation::kOpenCreate : 0);
  const std::int32_t fd = co_await io.open(access.directory, name.c_str(), flags);
  if (fd < 0) co_return system_error("opening " + name, fd);
  const Result<void> written = co_await write_and_sync(io, access, fd, bytes);
  const std::int32_t closed = co_await io.close(fd);
  if (!written) co_return fail(written.error().code, name + ": " + written.error().message);
  if (closed < 0) co_return system_error("closing " + name, closed);
  if (create) {
    const std::int32_t synced = co_await io.sync(access.directory);
    if (synced < 0) co_return system_error("syncing the directory", synced);
  }
  co_return Result<void>();
}

}  // namespace

int SuperblockCopies::newest() const {
  int best = -1;
  for (int i = 0; i < 2; ++i) {
    const auto& copy = decoded[static_cast<std::size_t>(i)];
    if (copy.state != SuperblockState::valid) continue;
    if (best < 0 || copy.superblock.number > decoded[0].superblock.number) best = i;
  }
  return best;
}

int SuperblockCopies::first_to_write() const {
  for (int i = 0; i < 2; ++i) {
    if (decoded[static_cast<std::size_t>(i)].state != SuperblockState::valid) return i;
  }
  return 1 - newest();
}

io::Task<Result<SuperblockCopies>> read_superblocks(io::Context& io, SegmentAccess access,
                                                    std::array<bool, 2> present) {
  SuperblockCopies copies;
  copies.present = present;
  for (std::size_t i = 0; i < 2; ++i) {
    if (!present[i]) continue;
    const auto copy = co_await read_copy(io, access, i, copies.unreadable[i]);
    if (!copy) co_return tl::unexpected<Error>(copy.error());
    copies.decoded[i] = *copy;
  }
  for (const std::string& why : copies.unreadable) {
    if (!why.empty() && copies.newest() < 0) co_return fail(ErrorCode::io, why);
  }
  co_return copies;
}

io::Task<Result<void>> write_superblocks(io::Context& io, SegmentAccess access,
                                         const Superblock& superblock, SuperblockCopies& copies,
                                         bool same_copy_twice) {
  const Result<std::vector<std::byte>> encoded = encode_superblock(superblock);
  if (!encoded) co_return tl::unexpected<Error>(encoded.error());
  const AlignedBuffer buffer(kSuperblockBytes, access.block_bytes);
  std::copy(encoded->begin(), encoded->end(), buffer.data());
  const auto first = static_cast<std::size_t>(copies.first_to_write());
  std::array<std::size_t, 2> order = {first, 1 - first};
  if (same_copy_twice && copies.newest() >= 0) order.fill(1 - first);
  for (const std::size_t copy : order) {
    const bool create = !copies.present[copy];
    const Result<void> written = co_await write_copy(io, access, copy, create, buffer.bytes());
    if (!written) co_return written;
    copies.present[copy] = true;
    copies.decoded[copy] = {SuperblockState::valid, kFormatVersion, superblock};
  }
  co_return Result<void>();
}

}  // namespace phoenix::log
