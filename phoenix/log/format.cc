#include "phoenix/log/format.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "phoenix/base/bytes.h"
#include "phoenix/base/check.h"
#include "phoenix/base/crc32c.h"

namespace phoenix::log {
namespace {

constexpr std::uint64_t kSegmentMagic = 0x31'47'45'53'58'48'50'89;  // "\x89PHXSEG1"
constexpr std::uint32_t kBatchMagic = 0x42'58'48'50;                // "PHXB"

constexpr std::uint8_t kKnownRecordFlags =
    kRecordExpiry | kRecordMoved | kRecordPart | kRecordSkip | kRecordBorn;
static_assert(kKnownRecordFlags < (1U << kNamespaceShift));

template <typename T>
std::span<const std::byte> bytes_of(const T& value) {
  return std::as_bytes(std::span<const T, 1>(&value, 1));
}

std::uint16_t header_crc(BatchHeader header, std::uint32_t seed) {
  header.crc = 0;
  header.header_crc = 0;
  return static_cast<std::uint16_t>(crc32c(seed, bytes_of(header)));
}

bool valid_alignment(std::uint32_t alignment) {
  return std::has_single_bit(alignment) && alignment >= 512 && alignment <= kWriteAlignmentMax;
}

}  // namespace

std::uint64_t data_offset(std::uint32_t write_alignment) {
  return std::max(kBlockBytes, write_alignment);
}

void encode_segment_header(SegmentHeader header, std::span<std::byte> out) {
  PHX_CHECK(out.size() >= sizeof header);
  PHX_CHECK(valid_alignment(header.write_alignment));
  PHX_CHECK(header.size_bytes <= kSegmentBytesMax);
  header.magic = kSegmentMagic;
  header.version = kFormatVersion;
  header.crc = 0;
  header.crc = crc32c(0, bytes_of(header));
  std::memcpy(out.data(), &header, sizeof header);
}

HeaderState decode_segment_header(std::span<const std::byte> bytes, std::uint64_t uid,
                                  SegmentHeader& header) {
  PHX_CHECK(bytes.size() >= sizeof header);
  std::memcpy(&header, bytes.data(), sizeof header);
  const bool blank = std::all_of(bytes.begin(), bytes.begin() + sizeof header,
                                 [](std::byte b) { return b == std::byte{0}; });
  if (blank) return HeaderState::blank;
  SegmentHeader copy = header;
  copy.crc = 0;
  if (header.magic != kSegmentMagic) return HeaderState::damaged;
  if (crc32c(0, bytes_of(copy)) != header.crc) return HeaderState::damaged;
  if (header.version != kFormatVersion) return HeaderState::newer;
  if (header.uid != uid) return HeaderState::damaged;
  if (header.size_bytes > kSegmentBytesMax) return HeaderState::damaged;
  if (!valid_alignment(header.write_alignment)) return HeaderState::damaged;
  if (header.stream > static_cast<std::uint8_t>(Stream::survivor)) return HeaderState::damaged;
  return HeaderState::valid;
}

std::uint32_t batch_seed(std::uint64_t uid) {
  return crc32c(0, bytes_of(uid));
}

std::uint32_t begin_batch_crc(BatchHeader& header, std::uint32_t seed) {
  PHX_CHECK(header.bytes >= sizeof header);
  PHX_CHECK(is_aligned(header.bytes, 8));
  PHX_CHECK(header.seq > 0);
  header.magic = kBatchMagic;
  header.crc = 0;
  header.header_crc = header_crc(header, seed);
  return crc32c(seed, bytes_of(header));
}

void store_batch_header(const BatchHeader& header, std::span<std::byte> out) {
  PHX_CHECK(out.size() >= sizeof header);
  std::memcpy(out.data(), &header, sizeof header);
}

void encode_batch(BatchHeader header, std::uint32_t seed, std::span<std::byte> batch) {
  PHX_CHECK(batch.size() == header.bytes);
  const std::uint32_t head = begin_batch_crc(header, seed);
  header.crc = crc32c(head, batch.subspan(sizeof header));
  store_batch_header(header, batch);
}

std::optional<BatchHeader> decode_batch_header(std::span<const std::byte> bytes,
                                               const BatchPlace& place) {
  PHX_CHECK(bytes.size() >= sizeof(BatchHeader));
  if (load_le<std::uint32_t>(bytes.data()) != kBatchMagic) return std::nullopt;
  BatchHeader header;
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.offset != place.offset || header.stream != place.stream) return std::nullopt;
  if ((header.flags & ~kBatchLast) != 0) return std::nullopt;
  if (header.bytes < sizeof header || !is_aligned(header.bytes, 8)) return std::nullopt;
  if (header.bytes > place.segment_bytes - place.offset) return std::nullopt;
  // Only the first batch of a segment may be one that is too large to share it.
  if (header.bytes > kSharedBatchBytesMax && place.offset != data_offset(place.write_alignment)) {
    return std::nullopt;
  }
  // The smallest record takes 8 bytes, so a count cannot promise more than the bytes can hold.
  if (header.count > (header.bytes - sizeof header) / 8) return std::nullopt;
  if (header.seq == 0) return std::nullopt;
  if (header.header_crc != header_crc(header, place.seed)) return std::nullopt;
  return header;
}

bool check_batch(const BatchHeader& header, std::uint32_t seed, std::span<const std::byte> batch) {
  PHX_CHECK(batch.size() == header.bytes);
  BatchHeader copy = header;
  copy.crc = 0;
  const std::uint32_t head = crc32c(seed, bytes_of(copy));
  return crc32c(head, batch.subspan(sizeof header)) == header.crc;
}

}  // namespace phoenix::log
