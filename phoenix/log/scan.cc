#include "phoenix/log/scan.h"

#include <algorithm>
#include <optional>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/base/crc32c.h"

namespace phoenix::log {
namespace {

class Scanner final {
 public:
  Scanner(WindowReader& reader, int fd, const SegmentHeader& header, std::uint32_t seed)
      : reader_(reader), fd_(fd), header_(header), seed_(seed) {
    place_.segment_bytes = header.size_bytes;
    place_.write_alignment = header.write_alignment;
    place_.stream = header.stream;
    place_.seed = seed;
    scan_.end_seq = header.first_seq;
    scan_.end_lsn = header.first_lsn;
    scan_.stable_user_seq = header.stable_user_seq;
    scan_.stable_survivor_seq = header.stable_survivor_seq;
  }

  io::Task<Result<SegmentScan>> run() {
    const std::uint64_t begin = data_offset(header_.write_alignment);
    co_await reader_.seek(fd_, begin, header_.size_bytes);
    while (true) {
      const Result<bool> more = co_await reader_.more();
      if (!more) co_return tl::unexpected<Error>(more.error());
      step(!*more);
      if (large_failed_) {
        large_failed_ = false;
        co_await reader_.seek(fd_, begin + header_.write_alignment, header_.size_bytes);
        continue;
      }
      if (!*more) break;
    }
    co_return scan_;
  }

 private:
  // Takes all that can be decided with the bytes in view.
  void step(bool at_end) {
    while (true) {
      const auto view = reader_.view();
      if (large_) {
        stream_large(view, at_end);
        if (large_ || large_failed_) return;
        continue;
      }
      if (view.size() < kBatchHeaderBytes) return;
      place_.offset = reader_.offset();
      const auto header = decode_batch_header(view, place_);
      if (header && header->bytes > view.size() && !at_end) {
        if (header->bytes <= kSharedBatchBytesMax) return;
        if (!large_tried_) {
          begin_large(*header);
          continue;
        }
      }
      const bool valid = header && header->bytes <= view.size() &&
                         check_batch(*header, seed_, view.first(header->bytes));
      if (valid) add(*header);
      reader_.skip(valid ? align_up(header->bytes, header_.write_alignment)
                         : header_.write_alignment);
    }
  }

  void begin_large(const BatchHeader& header) {
    large_tried_ = true;
    large_ = header;
    BatchHeader copy = header;
    large_crc_ = begin_batch_crc(copy, seed_);
    large_left_ = header.bytes - sizeof header;
    reader_.skip(sizeof header);
  }

  void stream_large(std::span<const std::byte> view, bool at_end) {
    const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(view.size(), large_left_));
    large_crc_ = crc32c(large_crc_, view.first(count));
    large_left_ -= count;
    reader_.skip(count);
    if (large_left_ > 0 && !at_end) return;
    if (large_left_ == 0 && large_crc_ == large_->crc) {
      add(*large_);
      reader_.skip(align_up(large_->bytes, header_.write_alignment) - large_->bytes);
    } else {
      large_failed_ = true;
    }
    large_.reset();
  }

  void add(const BatchHeader& batch) {
    const std::uint64_t end = batch.offset + align_up(batch.bytes, header_.write_alignment);
    const bool follows = !scan_.runs.empty() && scan_.runs.back().end_offset == batch.offset &&
                         scan_.runs.back().end_seq == batch.seq;
    if (follows) {
      scan_.runs.back().end_offset = end;
      scan_.runs.back().end_seq = batch.seq + 1;
      scan_.runs.back().last_stamp = batch.stamp;
    } else {
      scan_.runs.push_back({batch.offset, end, batch.seq, batch.seq + 1, batch.stamp, batch.stamp});
    }
    ++scan_.batches;
    scan_.end_seq = std::max(scan_.end_seq, batch.seq + 1);
    const std::uint64_t lsns = std::max<std::uint64_t>(batch.count, 1);
    scan_.end_lsn = std::max(scan_.end_lsn, batch.first_lsn + lsns);
    scan_.stable_user_seq = std::max(scan_.stable_user_seq, batch.stable_user_seq);
    scan_.stable_survivor_seq = std::max(scan_.stable_survivor_seq, batch.stable_survivor_seq);
    scan_.stamp = std::max(scan_.stamp, batch.stamp);
  }

  WindowReader& reader_;
  int fd_;
  const SegmentHeader& header_;
  std::uint32_t seed_;
  BatchPlace place_;
  SegmentScan scan_;
  // A batch too large to be held in view: its checksum runs along as it streams by.
  std::optional<BatchHeader> large_;
  std::uint32_t large_crc_ = 0;
  std::uint64_t large_left_ = 0;
  bool large_tried_ = false;
  bool large_failed_ = false;
};

}  // namespace

io::Task<Result<SegmentScan>> scan_segment(WindowReader& reader, int fd,
                                           const SegmentHeader& header, std::uint32_t seed) {
  Scanner scanner(reader, fd, header, seed);
  co_return co_await scanner.run();
}

}  // namespace phoenix::log
