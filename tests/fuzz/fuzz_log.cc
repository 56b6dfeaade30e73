// The log's decoders: superblock, segment header, batch and record. Whatever the bytes are, nothing
// is read outside of them, and what decodes encodes to the same bytes again. In half of the cases
// the checksum is made right first, or it would stop everything behind it from being tried.
//
// Input: a byte that chooses (low bits: what is decoded; bit 7: make the checksum right), then the
// bytes to decode.
#include <cstring>
#include <string>
#include <vector>

#include "phoenix/base/bytes.h"
#include "phoenix/base/crc32c.h"
#include "phoenix/log/format.h"
#include "phoenix/log/superblock.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix;

namespace {

constexpr std::uint64_t kUid = 0x0123456789ABCDEF;
constexpr std::size_t kCrcPlace = 8;  // In superblocks and segment headers.

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

void put_crc(std::string& bytes, std::size_t place, std::size_t covered, std::uint32_t seed) {
  store_le(bytes.data() + place, std::uint32_t{0});
  store_le(bytes.data() + place, crc32c(seed, bytes_of(bytes).first(covered)));
}

void fuzz_superblock(std::string bytes, bool mend) {
  if (mend && bytes.size() >= 16) {
    const auto used = load_le<std::uint32_t>(bytes.data() + 12);
    if (used >= 16 && used <= bytes.size()) put_crc(bytes, kCrcPlace, used, 0);
  }
  const auto decoded = log::decode_superblock(bytes_of(bytes));
  if (decoded.state != log::SuperblockState::valid) return;
  // Runs of slots that could be joined are, so only the values must come back the same.
  const auto encoded = log::encode_superblock(decoded.superblock);
  FUZZ_CHECK(encoded.has_value());
  const auto again = log::decode_superblock(*encoded);
  FUZZ_CHECK(again.state == log::SuperblockState::valid);
  FUZZ_CHECK(again.superblock == decoded.superblock);
}

void fuzz_segment_header(std::string bytes, bool mend) {
  if (bytes.size() < sizeof(log::SegmentHeader)) return;
  if (mend) put_crc(bytes, kCrcPlace, sizeof(log::SegmentHeader), 0);
  log::SegmentHeader header;
  const auto state = log::decode_segment_header(bytes_of(bytes), kUid, header);
  if (state != log::HeaderState::valid) return;
  std::string encoded(sizeof header, '\0');
  log::encode_segment_header(header, std::as_writable_bytes(std::span(encoded)));
  FUZZ_CHECK(encoded == bytes.substr(0, sizeof header));
}

// All records, each of which must encode to the bytes that it came from.
void fuzz_records(std::string_view bytes) {
  while (!bytes.empty()) {
    log::Record record;
    const std::size_t size = log::decode_record(bytes_of(bytes), record);
    if (size == 0) return;
    FUZZ_CHECK(size <= bytes.size());
    FUZZ_CHECK(size == log::record_bytes(record));
    std::string encoded(size, '\0');
    FUZZ_CHECK(log::encode_record(record, std::as_writable_bytes(std::span(encoded)).data()) ==
               size);
    FUZZ_CHECK(encoded == bytes.substr(0, size));
    bytes.remove_prefix(size);
  }
}

void fuzz_record(std::string bytes, bool mend) {
  log::Record record;
  std::uint64_t value_bytes = 0;
  const std::size_t head = log::decode_record_head(bytes_of(bytes), record, value_bytes);
  FUZZ_CHECK(head <= bytes.size());
  if (mend && head > 0 && head + value_bytes + sizeof(std::uint32_t) <= bytes.size()) {
    const auto body = static_cast<std::size_t>(head + value_bytes);
    store_le(bytes.data() + body, crc32c(0, bytes_of(bytes).first(body)));
    const std::size_t end = body + sizeof(std::uint32_t);
    const std::size_t padded = static_cast<std::size_t>(align_up(end, 8));
    if (padded <= bytes.size()) std::memset(bytes.data() + end, 0, padded - end);
  }
  fuzz_records(bytes);
}

// The checksum that the header has of itself.
void put_header_crc(std::string& bytes) {
  std::string header = bytes.substr(0, log::kBatchHeaderBytes);
  store_le(header.data() + 4, std::uint32_t{0});
  store_le(header.data() + 22, std::uint16_t{0});
  const std::uint32_t crc = crc32c(log::batch_seed(kUid), bytes_of(header));
  store_le(bytes.data() + 22, static_cast<std::uint16_t>(crc));
}

void fuzz_batch(std::string bytes, bool mend) {
  if (bytes.size() < log::kBatchHeaderBytes) return;
  if (mend) put_header_crc(bytes);
  log::BatchPlace place;
  place.offset = load_le<std::uint32_t>(bytes.data() + 16) & ~std::uint32_t{511};
  place.segment_bytes = place.offset + bytes.size();
  place.write_alignment = 512;
  place.stream = static_cast<std::uint8_t>(bytes[20]) & 1U;
  place.seed = log::batch_seed(kUid);
  auto header = log::decode_batch_header(bytes_of(bytes), place);
  if (!header) return;
  FUZZ_CHECK(header->bytes <= bytes.size());
  FUZZ_CHECK(header->bytes >= log::kBatchHeaderBytes);
  if (mend) put_crc(bytes, 4, header->bytes, log::batch_seed(kUid));
  header = log::decode_batch_header(bytes_of(bytes), place);
  FUZZ_CHECK(header.has_value());
  const auto batch = bytes_of(bytes).first(header->bytes);
  const bool valid = log::check_batch(*header, log::batch_seed(kUid), batch);
  FUZZ_CHECK(valid || !mend);
  if (!valid) return;
  std::string encoded = bytes.substr(0, header->bytes);
  log::encode_batch(*header, log::batch_seed(kUid), std::as_writable_bytes(std::span(encoded)));
  FUZZ_CHECK(encoded == bytes.substr(0, header->bytes));
  fuzz_records(std::string_view(encoded).substr(log::kBatchHeaderBytes));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  std::string_view input = fuzz::text_of(data, size);
  const std::uint8_t choice = fuzz::take_byte(input);
  const bool mend = (choice & 0x80U) != 0;
  switch (choice & 3U) {
    case 0:
      fuzz_superblock(std::string(input), mend);
      break;
    case 1:
      fuzz_segment_header(std::string(input), mend);
      break;
    case 2:
      fuzz_batch(std::string(input), mend);
      break;
    default:
      fuzz_record(std::string(input), mend);
      break;
  }
  return 0;
}
