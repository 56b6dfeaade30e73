#include "phoenix/log/batch.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/base/crc32c.h"

namespace phoenix::log {
namespace {

constexpr std::size_t kBufferBytesMin = std::size_t{64} << 10U;

Record record_of(const engine::Effect& effect) {
  Record record;
  record.kind = static_cast<std::uint8_t>(effect.kind);
  record.key = effect.key;
  switch (effect.kind) {
    case RecordKind::put:
      record.value = effect.value.bytes;
      record.expires_at_ms = effect.expires_at_ms;
      break;
    case RecordKind::expiry:
      record.expires_at_ms = effect.expires_at_ms;
      break;
    case RecordKind::patch:
      record.value = effect.value.bytes;
      record.patch_offset = effect.patch_offset;
      break;
    case RecordKind::erase:
    case RecordKind::expired:
    case RecordKind::clear:
      break;
  }
  if (record.expires_at_ms != engine::kNoExpiry) record.flags = kRecordExpiry;
  return record;
}

}  // namespace

AlignedBuffer BufferPool::take(std::size_t size_bytes) {
  const std::size_t wanted = std::bit_ceil(std::max(size_bytes, kBufferBytesMin));
  for (auto& buffer : idle_) {
    if (buffer.size_bytes() < wanted) continue;
    AlignedBuffer taken = std::move(buffer);
    buffer = std::move(idle_.back());
    idle_.pop_back();
    return taken;
  }
  memory_bytes_ += wanted;
  return {wanted, std::max<std::size_t>(alignment_, kBlockBytes)};
}

void BufferPool::give(AlignedBuffer buffer, std::size_t used_bytes) {
  recent_max_bytes_ = std::max(recent_max_bytes_, used_bytes);
  if (++given_ == kWindow) {
    given_ = 0;
    former_max_bytes_ = recent_max_bytes_;
    recent_max_bytes_ = 0;
    const std::size_t useful = 4 * std::max(former_max_bytes_, kBufferBytesMin);
    std::erase_if(idle_, [&](const AlignedBuffer& idle) {
      if (idle.size_bytes() <= useful) return false;
      memory_bytes_ -= idle.size_bytes();
      return true;
    });
  }
  const std::size_t need = std::max({recent_max_bytes_, former_max_bytes_, kBufferBytesMin});
  if (idle_.size() < kIdleMax && buffer.size_bytes() <= 4 * need) {
    idle_.push_back(std::move(buffer));
  } else {
    memory_bytes_ -= buffer.size_bytes();
  }
}

AlignedBuffer BufferPool::grow(AlignedBuffer buffer, std::size_t used_bytes,
                               std::size_t size_bytes) {
  AlignedBuffer larger = take(size_bytes);
  if (buffer.size_bytes() == 0) return larger;
  std::memcpy(larger.data(), buffer.data(), used_bytes);
  give(std::move(buffer), 0);
  return larger;
}

// With the padding to the write alignment, which the write includes.
void OpenBatch::grow(std::size_t used_bytes) {
  const auto wanted = static_cast<std::size_t>(align_up(used_bytes, alignment_));
  if (buffer_.size_bytes() >= wanted) return;
  buffer_ = pool_.grow(std::move(buffer_), used_, wanted);
}

void OpenBatch::ensure(std::uint64_t bytes, bool large) {
  PHX_CHECK(!large || count_ == 0);
  large_ = large;
  // A large batch grows as records are added: most of it is never copied.
  if (!large) grow(used_ + static_cast<std::size_t>(bytes));
}

std::uint64_t OpenBatch::add(const engine::Effect& effect) {
  const Record record = record_of(effect);
  const std::uint64_t place = bytes_;
  ++count_;
  if (large_ && effect.value.large != nullptr) {
    return add_streamed(record, effect.value.large);
  }
  const std::size_t size_max = record.key.size() + record.value.size() + kPlainOverheadMax;
  if (large_) grow(used_ + size_max);
  PHX_CHECK(used_ + size_max <= buffer_.size_bytes());  // It was reserved.
  const std::size_t size = encode_record(record, buffer_.data() + used_);
  PHX_DCHECK(size <= size_max);
  used_ += size;
  bytes_ += size;
  return place;
}

std::uint64_t OpenBatch::add_streamed(const Record& record, const engine::LargeValueRef& value) {
  PHX_CHECK(record.value.data() == value->view().data());
  PHX_CHECK(record.value.size() == value->size_bytes());
  const std::uint64_t place = bytes_;
  grow(used_ + kKeyBytesMax + kRecordOverheadMax);
  const std::size_t head = encode_record_head(record, buffer_.data() + used_);
  streamed_.push_back({used_, head, value});
  used_ += head;
  bytes_ += record_bytes(record);
  return place;
}

std::unique_ptr<Batch> OpenBatch::seal(BatchHeader header, std::uint32_t seed) {
  grow(used_);  // An empty batch may have no buffer yet.
  auto batch = std::make_unique<Batch>();
  header.bytes = static_cast<std::uint32_t>(bytes_);
  header.count = count_;
  batch->header = header;
  batch->large = is_large();
  if (!batch->large) {
    const auto padded = static_cast<std::size_t>(align_up(used_, alignment_));
    encode_batch(header, seed, buffer_.bytes().first(used_));
    std::memset(buffer_.data() + used_, 0, padded - used_);
  }
  batch->buffer = std::move(buffer_);
  batch->buffer_bytes_used = used_;
  batch->streamed = std::move(streamed_);
  buffer_ = AlignedBuffer();
  streamed_.clear();
  used_ = kBatchHeaderBytes;
  bytes_ = kBatchHeaderBytes;
  count_ = 0;
  large_ = false;
  return batch;
}

std::size_t BatchStream::fill(std::span<std::byte> target) {
  std::size_t filled = 0;
  while (filled < target.size()) {
    const std::size_t count = next(target.subspan(filled));
    if (count == 0) break;
    filled += count;
  }
  std::fill(target.begin() + static_cast<std::ptrdiff_t>(filled), target.end(), std::byte{0});
  return filled;
}

std::size_t BatchStream::next(std::span<std::byte> target) {
  if (in_value_) return next_of_value(target);
  const bool more_records = record_ < batch_.streamed.size();
  const std::size_t end = more_records
                              ? batch_.streamed[record_].place + batch_.streamed[record_].head_bytes
                              : batch_.buffer_bytes_used;
  const std::size_t count = std::min(target.size(), end - place_);
  std::memcpy(target.data(), batch_.buffer.data() + place_, count);
  place_ += count;
  if (more_records && place_ == end) {
    const StreamedRecord& record = batch_.streamed[record_];
    crc_ = crc32c(0, batch_.buffer.bytes().subspan(record.place, record.head_bytes));
    value_place_ = 0;
    in_value_ = true;
    if (count == 0) return next_of_value(target);
  }
  return count;
}

// The value, and behind it the tail, which is known only then.
std::size_t BatchStream::next_of_value(std::span<std::byte> target) {
  const StreamedRecord& record = batch_.streamed[record_];
  const std::string_view value = record.value->view();
  if (value_place_ < value.size()) {
    const auto place = static_cast<std::size_t>(value_place_);
    const std::size_t count = std::min(target.size(), value.size() - place);
    const auto slice = std::as_bytes(std::span(value.substr(place, count)));
    std::memcpy(target.data(), slice.data(), count);
    crc_ = crc32c(crc_, slice);
    value_place_ += count;
    return count;
  }
  std::byte tail[kRecordTailBytesMax];  // NOLINT(modernize-avoid-c-arrays)
  const std::size_t size = encode_record_tail(record.head_bytes + value.size(), crc_, tail);
  const auto place = static_cast<std::size_t>(value_place_ - value.size());
  const std::size_t count = std::min(target.size(), size - place);
  std::memcpy(target.data(), tail + place, count);
  value_place_ += count;
  if (place + count == size) {
    in_value_ = false;
    ++record_;
  }
  return count;
}

}  // namespace phoenix::log
