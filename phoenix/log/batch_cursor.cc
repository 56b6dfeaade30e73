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

Result<BatchCursor::Step> BatchCursor::step() {
  if (loaded_) consume(align_up(header_.bytes, segment().header.write_alignment) - consumed_);
  loaded_ = false;
  while (extent_ < log_.extents.size()) {
    if (!entered_) return Step::load;
    if (reader_.offset() < log_.extents[extent_].run.end_offset) return step_in_extent();
    ++extent_;
    entered_ = false;
  }
  return Step::end;
}

Result<BatchCursor::Step> BatchCursor::step_in_extent() {
  const FoundSegment& found = segment();
  const auto view = reader_.view();
  if (view.size() < kBatchHeaderBytes) return Step::load;
  BatchPlace place;
  place.offset = reader_.offset();
  place.segment_bytes = found.header.size_bytes;
  place.write_alignment = found.header.write_alignment;
  place.stream = found.header.stream;
  place.seed = access_.seed_of(found.uid);
  const auto header = decode_batch_header(view, place);
  if (!header) return damaged("changed while it was read");
  header_ = *header;
  consumed_ = 0;
  if (header_.seq >= log_.end_seq) {
    extent_ = log_.extents.size();
    return Step::end;
  }
  if (is_large()) {
    consume(kBatchHeaderBytes);
  } else if (view.size() < header_.bytes) {
    return Step::load;
  } else if (!check_batch(header_, place.seed, view.first(header_.bytes))) {
    return damaged("changed while it was read");
  }
  loaded_ = true;
  return Step::batch;
}

io::Task<Result<void>> BatchCursor::load() {
  if (!entered_) {
    co_return co_await enter_extent();
  }
  const std::uint64_t here = reader_.view().size();
  co_return co_await need(here + 1);
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
