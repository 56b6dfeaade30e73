#include "phoenix/log/batch_cursor.h"

#include <algorithm>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/log/file.h"

namespace phoenix::log {

io::Task<Result<int>> open_segment(io::Context& io, SegmentAccess access, std::uint64_t uid) {
  const std::string name = segment_name(uid);
  const std::uint8_t direct = access.direct ? io::Operation::kOpenDirect : 0;
  const auto flags = static_cast<std::uint8_t>(io::Operation::kOpenRead | direct);
  const std::int32_t fd = co_await io.open(access.directory, name.c_str(), flags);
  if (fd < 0) co_return system_error("opening segment " + name, fd);
  co_return fd;
}

BatchCursor::BatchCursor(io::Context& io, const SegmentAccess& access, const StreamLog& log,
                         WindowListener& listener)
    : io_(io), access_(access), log_(log), listener_(listener), reader_(io, access.block_bytes) {}

io::Task<Result<bool>> BatchCursor::next() {
  if (loaded_) consume(align_up(header_.bytes, segment().header.write_alignment) - consumed_);
  loaded_ = false;
  while (extent_ < log_.extents.size()) {
    const BatchRun& run = log_.extents[extent_].run;
    if (!entered_) {
      const Result<void> entered = co_await enter_extent();
      if (!entered) co_return tl::unexpected<Error>(entered.error());
    }
    if (reader_.offset() >= run.end_offset) {
      ++extent_;
      entered_ = false;
      continue;
    }
    const Result<void> loaded = co_await load_batch();
    if (!loaded) co_return tl::unexpected<Error>(loaded.error());
    loaded_ = header_.seq < log_.end_seq;
    if (!loaded_) extent_ = log_.extents.size();
    co_return loaded_;
  }
  co_return false;
}

io::Task<Result<void>> BatchCursor::enter_extent() {
  const Extent& extent = log_.extents[extent_];
  if (fd_ < 0 || open_uid_ != extent.segment->uid) {
    if (fd_ >= 0) {
      // The reads in flight on it end before its number may name another file.
      co_await reader_.seek(fd_, 0, 0);
      const std::int32_t closed = co_await io_.close(fd_);
      fd_ = -1;
      if (closed < 0) co_return system_error("closing a segment", closed);
    }
    open_uid_ = extent.segment->uid;
    const Result<int> opened = co_await open_segment(io_, access_, open_uid_);
    if (!opened) co_return tl::unexpected<Error>(opened.error());
    fd_ = *opened;
  }
  listener_.before_window_moves();
  co_await reader_.seek(fd_, extent.run.offset, extent.run.end_offset);
  entered_ = true;
  co_return Result<void>();
}

io::Task<Result<void>> BatchCursor::load_batch() {
  const FoundSegment& found = segment();
  const Result<void> head = co_await need(kBatchHeaderBytes);
  if (!head) co_return tl::unexpected<Error>(head.error());
  BatchPlace place;
  place.offset = reader_.offset();
  place.segment_bytes = found.header.size_bytes;
  place.write_alignment = found.header.write_alignment;
  place.stream = found.header.stream;
  const auto header = decode_batch_header(reader_.view(), place);
  if (!header) co_return damaged("changed while it was read");
  header_ = *header;
  consumed_ = 0;
  if (is_large()) {
    consume(kBatchHeaderBytes);
    co_return Result<void>();
  }
  const Result<void> body = co_await need(header_.bytes);
  if (!body) co_return tl::unexpected<Error>(body.error());
  const bool valid =
      check_batch(header_, access_.seed_of(found.uid), reader_.view().first(header_.bytes));
  if (!valid) co_return damaged("changed while it was read");
  co_return Result<void>();
}

std::span<const std::byte> BatchCursor::records() const {
  PHX_CHECK(loaded_ && !is_large() && consumed_ == 0);
  return reader_.view().first(header_.bytes).subspan(kBatchHeaderBytes);
}

io::Task<Result<void>> BatchCursor::need(std::uint64_t bytes) {
  while (reader_.view().size() < bytes) {
    listener_.before_window_moves();
    const Result<bool> more = co_await reader_.more();
    if (!more) co_return tl::unexpected<Error>(more.error());
    if (!*more) co_return damaged("ended while it was read");
  }
  co_return Result<void>();
}

void BatchCursor::consume(std::uint64_t bytes) {
  reader_.skip(bytes);
  consumed_ += bytes;
}

tl::unexpected<Error> BatchCursor::damaged(const std::string& what) const {
  return fail(ErrorCode::damaged, "segment " + segment_name(segment().uid) + " " + what +
                                      " (offset " + std::to_string(reader_.offset()) + ")");
}

io::Task<void> BatchCursor::stop() {
  co_await reader_.stop();
  // Read only: nothing can be lost by a failing close.
  if (fd_ >= 0) {
    co_await io_.close(fd_);
  }
  fd_ = -1;
}

}  // namespace phoenix::log
