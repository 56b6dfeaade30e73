#include "phoenix/log/segment.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include "phoenix/base/check.h"
#include "phoenix/log/file.h"

namespace phoenix::log {
namespace {

constexpr std::size_t kSliceBytes = std::size_t{1} << 20U;

// Never written to, and there for the life of the process: the kernel may still read it when a log
// is gone.
std::span<const std::byte> zeros() {
  alignas(kWriteAlignmentMax) static constexpr std::array<std::byte, kSliceBytes> kZeros{};
  return kZeros;
}

io::Task<Result<void>> fill_with_zeros(LogContext& context, int fd, std::uint64_t size_bytes,
                                       const bool& stop) {
  const std::int32_t allocated = co_await context.io.allocate(fd, size_bytes);
  // Where the file system cannot reserve, writing zeros does it all the same.
  const bool unsupported = allocated == -EOPNOTSUPP || allocated == -ENOSYS;
  if (allocated < 0 && !unsupported) co_return system_error("allocating a segment", allocated);
  for (std::uint64_t done = 0; done < size_bytes && !stop && !context.dead;) {
    const std::uint64_t left = size_bytes - done;
    const auto slice = zeros().first(static_cast<std::size_t>(std::min(left, kSliceBytes)));
    const Result<void> written =
        co_await write_all(context.io, fd, slice, done, context.store.access.block_bytes);
    if (!written) co_return written;
    done += slice.size();
    context.statistics.written_bytes += slice.size();
  }
  const std::int32_t synced = co_await context.io.sync(fd);
  if (synced < 0) co_return system_error("syncing a new segment", synced);
  // Rule 6: without this the file may vanish with all its batches.
  if (context.options.mutations.skip_directory_sync) co_return Result<void>();
  const std::int32_t directory = co_await context.io.sync(context.store.access.directory);
  if (directory < 0) co_return system_error("syncing the directory", directory);
  co_return Result<void>();
}

io::Task<Result<void>> remove_unfinished(LogContext& context, int fd, std::string name) {
  const std::int32_t closed = co_await context.io.close(fd);
  const int directory = context.store.access.directory;
  const std::int32_t unlinked = co_await context.io.unlink(directory, name.c_str());
  if (unlinked < 0) co_return system_error("removing segment " + name, unlinked);
  // A full disk may be reported by close only; the file is gone either way.
  if (closed < 0 && !means_disk_full(closed)) co_return system_error("closing " + name, closed);
  co_return Result<void>();
}

}  // namespace

io::Task<Result<std::unique_ptr<Segment>>> prepare_segment(LogContext& context,
                                                           std::uint64_t size_bytes,
                                                           const bool& stop) {
  auto segment = std::make_unique<Segment>();
  segment->uid = context.store.draw_uid(context.core);
  segment->size_bytes = size_bytes;
  segment->alignment = context.alignment();
  segment->write_offset = data_offset(segment->alignment);
  const std::string name = segment_name(segment->uid);
  const std::uint8_t direct = context.store.direct() ? io::Operation::kOpenDirect : 0;
  const auto flags = static_cast<std::uint8_t>(io::Operation::kOpenCreate | direct);
  const int directory = context.store.access.directory;
  const std::int32_t fd = co_await context.io.open(directory, name.c_str(), flags);
  if (fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM) {
    co_return fail(ErrorCode::exhausted, "creating segment " + name + ": " + errno_text(fd));
  }
  if (fd < 0) co_return system_error("creating segment " + name, fd);
  segment->fd = fd;
  const Result<void> filled = co_await fill_with_zeros(context, fd, size_bytes, stop);
  const bool full = !filled && filled.error().code == ErrorCode::disk_full;
  if (!filled && !full)
    co_return fail(ErrorCode::io, "segment " + name + ": " + filled.error().message);
  if (full || stop) {
    const Result<void> removed = co_await remove_unfinished(context, fd, name);
    if (!removed) co_return fail(ErrorCode::io, removed.error().message);
    if (full) co_return tl::unexpected<Error>(filled.error());
    segment.reset();
  }
  co_return segment;
}

io::Task<bool> write_durable_block(LogContext& context, int fd, std::span<const std::byte> source,
                                   std::uint64_t offset, std::string what) {
  const bool one_write =
      context.store.direct() && context.options.scheme == CommitScheme::durable_write;
  io::Operation operation;
  operation.kind = io::Operation::Kind::write;
  operation.fd = fd;
  operation.source = source;
  operation.offset = offset;
  operation.durable = one_write;
  io::PendingOperation pending(context.io, operation);
  const std::int32_t written = co_await pending;
  if (written < 0 || static_cast<std::size_t>(written) != source.size()) {
    context.fail("writing " + what + ": " + (written < 0 ? errno_text(written) : "short write"));
    co_return false;
  }
  if (one_write) co_return true;
  const std::int32_t synced = co_await context.io.sync(fd);
  if (synced < 0) context.fail("syncing " + what + ": " + errno_text(synced));
  co_return synced >= 0;
}

io::Task<void> activate_segment(LogContext& context, Segment& segment, SegmentHeader header) {
  const auto block_bytes = static_cast<std::size_t>(data_offset(segment.alignment));
  segment.header = AlignedBuffer(block_bytes, block_bytes);
  std::fill_n(segment.header.data(), block_bytes, std::byte{0});
  encode_segment_header(header, segment.header.bytes());
  const std::string what = "the header of segment " + segment_name(segment.uid);
  const bool written =
      co_await write_durable_block(context, segment.fd, segment.header.bytes(), 0, what);
  if (!written || context.dead) co_return;
  context.statistics.written_bytes += block_bytes;
  segment.header_durable = true;
  context.changed.notify();
}

}  // namespace phoenix::log
