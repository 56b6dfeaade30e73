// Records and batches: what is encoded decodes to the same, and nothing else decodes.
#include <string>

#include <doctest/doctest.h>

#include "phoenix/base/bytes.h"
#include "phoenix/base/crc32c.h"
#include "phoenix/base/random.h"
#include "tests/unit/log/support.h"

using namespace phoenix;
using namespace phoenix::log;
using namespace phoenix::log::test;

namespace {

bool same(const Record& a, const Record& b) {
  return a.kind == b.kind && a.flags == b.flags && a.key == b.key && a.value == b.value &&
         a.expires_at_ms == b.expires_at_ms && a.born_lsn == b.born_lsn &&
         a.transaction == b.transaction && a.parts == b.parts && a.patch_offset == b.patch_offset;
}

// Sizes around the steps of a varint, all flags, all kinds.
Record random_record(SeededRandom& random, std::string& memory) {
  constexpr std::size_t kSizes[] = {0, 1, 7, 16, 64, 127, 128, 129, 300, 16'383, 16'384, 65'536};
  const std::size_t key_bytes = kSizes[random.below(std::size(kSizes))];
  const std::size_t value_bytes = kSizes[random.below(std::size(kSizes))] * random.below(3);
  memory.resize(key_bytes + value_bytes);
  for (char& c : memory) c = static_cast<char>(random.next());
  Record record;
  record.kind = static_cast<std::uint8_t>(1 + random.below(8));
  record.flags = static_cast<std::uint8_t>(random.next());
  record.key = std::string_view(memory).substr(0, key_bytes);
  record.value = std::string_view(memory).substr(key_bytes);
  if ((record.flags & kRecordExpiry) != 0) {
    record.expires_at_ms = static_cast<std::int64_t>(random.next() >> 16U);
  }
  if ((record.flags & kRecordBorn) != 0) record.born_lsn = random.next();
  if ((record.flags & kRecordPart) != 0) record.transaction = random.next();
  if ((record.flags & kRecordPart) != 0) record.parts = static_cast<std::uint16_t>(random.next());
  if (record.kind == static_cast<std::uint8_t>(RecordKind::patch)) {
    if (value_bytes == 0) record.kind = static_cast<std::uint8_t>(RecordKind::put);
    if (value_bytes != 0) record.patch_offset = random.below(kValueBytesMax - value_bytes + 1);
  }
  return record;
}

TEST_CASE("records come back as they were") {
  SeededRandom random(1);
  for (int i = 0; i < 2000; ++i) {
    std::string memory;
    const Record record = random_record(random, memory);
    const std::string bytes = encode(record);
    CHECK(bytes.size() % 8 == 0);
    CHECK(bytes.size() <= record.key.size() + record.value.size() + kRecordOverheadMax);
    const std::string with_more = bytes + "behind it";
    Record decoded;
    REQUIRE(decode_record(bytes_of(with_more), decoded) == bytes.size());
    CHECK(same(decoded, record));
    std::uint64_t value_bytes = 0;
    const std::size_t head = decode_record_head(bytes_of(bytes), decoded, value_bytes);
    CHECK(head + value_bytes + 4 <= bytes.size());
    CHECK(decoded.key == record.key);
  }
}

TEST_CASE("a small record costs what the design says") {
  Record put;
  put.kind = static_cast<std::uint8_t>(RecordKind::put);
  const std::string key(16, 'k');
  const std::string value(64, 'v');
  put.key = key;
  put.value = value;
  CHECK(record_bytes(put) == 88);
}

TEST_CASE("no part of a record is a record, and no flipped bit goes unnoticed") {
  for (const Record& record : sample_records()) {
    const std::string bytes = encode(record);
    Record decoded;
    for (std::size_t size = 0; size < bytes.size(); ++size) {
      // An exact copy, so that a sanitizer sees a read behind the end.
      const std::vector<char> part(bytes.begin(), bytes.begin() + static_cast<long>(size));
      CHECK(decode_record(bytes_of({part.data(), part.size()}), decoded) == 0);
    }
    for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
      std::string flipped = bytes;
      flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
      CHECK(decode_record(bytes_of(flipped), decoded) == 0);
    }
  }
}

TEST_CASE("sizes have one encoding, and none above the limits") {
  Record decoded;
  const auto with_crc = [](std::string body) {
    const std::uint32_t crc = crc32c(0, bytes_of(body));
    body.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    body.resize(align_up(body.size(), 8));
    return body;
  };
  using namespace std::string_literals;
  CHECK(decode_record(bytes_of(with_crc("\x02\x00\x01\x00k"s)), decoded) == 16);
  CHECK(decode_record(bytes_of(with_crc("\x02\x00\x81\x00\x00k"s)), decoded) == 0);  // Longer: 1.
  CHECK(decode_record(bytes_of(with_crc("\x00\x00\x01\x00k"s)), decoded) == 0);      // No kind.
  // A key of 64 KiB and one byte.
  const std::string long_key = "\x02\x00\x81\x80\x04\x00"s + std::string(65'537, 'k');
  CHECK(decode_record(bytes_of(with_crc(long_key)), decoded) == 0);
}

TEST_CASE("a patch has a part, which ends within the longest value") {
  using namespace std::string_literals;
  const auto with_crc = [](std::string body) {
    const std::uint32_t crc = crc32c(0, bytes_of(body));
    body.append(reinterpret_cast<const char*>(&crc), sizeof crc);
    body.resize(align_up(body.size(), 8));
    return body;
  };
  Record decoded;
  const std::string last = "\x06\x00\x01\x01\xff\xff\xff\xff\x01kv"s;  // At 512 MiB less one.
  const std::string bytes = with_crc(last);
  REQUIRE(decode_record(bytes_of(bytes), decoded) == 16);
  CHECK(decoded.patch_offset == kValueBytesMax - 1);
  CHECK(decoded.value == "v");
  const std::string behind = "\x06\x00\x01\x02\xff\xff\xff\xff\x01kvv"s;
  CHECK(decode_record(bytes_of(with_crc(behind)), decoded) == 0);
  const std::string far = "\x06\x00\x01\x01\xff\xff\xff\xff\x0fkv"s;
  CHECK(decode_record(bytes_of(with_crc(far)), decoded) == 0);
  const std::string no_part = "\x06\x00\x01\x00\x05k"s;
  CHECK(decode_record(bytes_of(with_crc(no_part)), decoded) == 0);
}

TEST_CASE("a record in three steps is the same as in one") {
  const Record record = sample_records()[0];
  std::string bytes(64, '\0');
  std::byte* const out = writable(bytes).data();
  const std::size_t head = encode_record_head(record, out);
  bytes.replace(head, record.value.size(), record.value);
  const std::size_t body = head + record.value.size();
  const std::uint32_t crc = crc32c(0, bytes_of(bytes).first(body));
  bytes.resize(body + encode_record_tail(body, crc, out + body));
  CHECK(bytes == encode(record));
}

BatchPlace sample_place() {
  return {4096, 1U << 20U, 512, 0, batch_seed(kSampleUid)};
}

TEST_CASE("a batch validates only as a whole, at its place, in its segment") {
  const std::string batch = sample_batch();
  const auto header = decode_batch_header(bytes_of(batch), sample_place());
  REQUIRE(header.has_value());
  CHECK(header->bytes == batch.size());
  CHECK(header->count == 5);
  CHECK(header->seq == 31);
  CHECK(stamp_ms(header->stamp) == 1'700'000'000'500);
  CHECK(check_batch(*header, batch_seed(kSampleUid), bytes_of(batch)));
  CHECK(!check_batch(*header, batch_seed(kSampleUid + 1), bytes_of(batch)));
  BatchPlace elsewhere = sample_place();
  elsewhere.offset += 512;
  CHECK(!decode_batch_header(bytes_of(batch), elsewhere).has_value());
  BatchPlace other_stream = sample_place();
  other_stream.stream = 1;
  CHECK(!decode_batch_header(bytes_of(batch), other_stream).has_value());
  BatchPlace other_segment = sample_place();
  other_segment.seed = batch_seed(kSampleUid + 1);
  CHECK(!decode_batch_header(bytes_of(batch), other_segment).has_value());
  BatchPlace at_end = sample_place();
  at_end.segment_bytes = 4096 + batch.size() - 8;
  CHECK(!decode_batch_header(bytes_of(batch), at_end).has_value());
  for (std::size_t bit = 0; bit < 8 * batch.size(); ++bit) {
    std::string flipped = batch;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    const auto found = decode_batch_header(bytes_of(flipped), sample_place());
    const bool valid = found && found->bytes == flipped.size() &&
                       check_batch(*found, batch_seed(kSampleUid), bytes_of(flipped));
    CHECK(!valid);
  }
}

TEST_CASE("only the first batch of a segment may be too large to share it") {
  std::string batch(kBatchHeaderBytes, '\0');
  BatchPlace place = sample_place();
  place.segment_bytes = kSegmentBytesMax;
  for (const std::uint32_t offset : {4096U, 4608U}) {
    BatchHeader header;
    header.bytes = static_cast<std::uint32_t>(kSharedBatchBytesMax + 8);
    header.offset = offset;
    header.seq = 1;
    header.crc = begin_batch_crc(header, place.seed);
    store_batch_header(header, writable(batch));
    place.offset = offset;
    CHECK(decode_batch_header(bytes_of(batch), place).has_value() == (offset == 4096));
  }
}

// Else each block of a large value could ask a start to look at the next 8 MiB in vain.
TEST_CASE("a header that was made without knowing the uid is told from the header alone") {
  std::string batch(kBatchHeaderBytes, '\0');
  BatchHeader header;
  header.bytes = static_cast<std::uint32_t>(kSharedBatchBytesMax);
  header.offset = 4096;
  header.seq = 31;
  BatchPlace place = sample_place();
  place.segment_bytes = kSegmentBytesMax;
  header.crc = begin_batch_crc(header, 0);
  store_batch_header(header, writable(batch));
  CHECK(!decode_batch_header(bytes_of(batch), place).has_value());
  store_le(batch.data() + 22, std::uint16_t{0});
  CHECK(!decode_batch_header(bytes_of(batch), place).has_value());
  header.crc = begin_batch_crc(header, place.seed);
  store_batch_header(header, writable(batch));
  CHECK(decode_batch_header(bytes_of(batch), place).has_value());
}

TEST_CASE("segment headers: valid, blank, newer, damaged") {
  std::string block(kBlockBytes, '\0');
  SegmentHeader header;
  CHECK(decode_segment_header(bytes_of(block), kSampleUid, header) == HeaderState::blank);
  encode_segment_header(sample_segment_header(), writable(block));
  REQUIRE(decode_segment_header(bytes_of(block), kSampleUid, header) == HeaderState::valid);
  CHECK(header.first_seq == 31);
  CHECK(header.stable_user_seq == 30);
  CHECK(decode_segment_header(bytes_of(block), kSampleUid + 1, header) == HeaderState::damaged);
  for (std::size_t bit = 0; bit < 8 * sizeof(SegmentHeader); ++bit) {
    std::string flipped = block;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    CHECK(decode_segment_header(bytes_of(flipped), kSampleUid, header) == HeaderState::damaged);
  }
}

TEST_CASE("positions keep segment and offset apart") {
  CHECK(make_position(0, 0).bits == 0);
  CHECK(make_position(1, 0).bits == std::uint64_t{1} << 27U);
  CHECK(make_position(1, 4160).bits == ((std::uint64_t{1} << 27U) | 520));
  const auto last = make_position(kSegmentOrdinalMax, kSegmentBytesMax - 8);
  CHECK(last.bits == (std::uint64_t{1} << 48U) - 1);
}

}  // namespace
