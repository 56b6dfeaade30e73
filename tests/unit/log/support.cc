#include "tests/unit/log/support.h"

#include <cstdio>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>

#include "phoenix/base/bytes.h"
#include "protocol/slot.h"

namespace phoenix::log::test {

std::string read_source_file(const std::string& path) {
  std::ifstream file(std::string(PHX_SOURCE_ROOT) + "/" + path, std::ios::binary);
  REQUIRE_MESSAGE(file.good(), "cannot open ", path);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string parse_hex(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string bytes;
  bool in_comment = false;
  int high = -1;
  for (const char c : text) {
    if (c == '\n') in_comment = false;
    if (c == '#') in_comment = true;
    if (in_comment || c == ' ' || c == '\n') {
      REQUIRE_MESSAGE(high < 0, "half a byte of hex");
      continue;
    }
    const auto digit = kDigits.find(c);
    REQUIRE_MESSAGE(digit != std::string_view::npos, "not hex: ", c);
    if (high >= 0) bytes.push_back(static_cast<char>(high * 16 + static_cast<int>(digit)));
    high = high >= 0 ? -1 : static_cast<int>(digit);
  }
  return bytes;
}

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    char digits[4];
    (void)std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned char>(bytes[i]));
    text += digits;
    text += (i + 1) % 16 == 0 || i + 1 == bytes.size() ? '\n' : ' ';
  }
  return text;
}

Superblock sample_superblock() {
  Superblock superblock;
  superblock.database = {0x1111111111111111, 0x2222222222222222};
  superblock.number = 5;
  superblock.epoch = 3;
  superblock.dead_below_epoch = 2;
  superblock.stamp_high_water_ms = 1'700'000'000'000;
  superblock.hash_key.constants = {0xA1, 0xA3, 0xA5, 0xA7, 0xA9};
  superblock.core_count = 2;
  superblock.slots.assign(protocol::kSlots, 0);
  for (std::size_t slot = protocol::kSlots / 2; slot < protocol::kSlots; ++slot)
    superblock.slots[slot] = 1;
  superblock.bases = {{41, 1, 101}, {31, 1, 91}};
  superblock.ends = {{2, 21, 41, 0, 0}, {2, 11, 31, 1, 0}};
  return superblock;
}

SegmentHeader sample_segment_header() {
  SegmentHeader header;
  header.database = sample_superblock().database;
  header.uid = kSampleUid;
  header.size_bytes = 1U << 20U;
  header.write_alignment = 512;
  header.core = 1;
  header.epoch = 3;
  header.first_seq = 31;
  header.first_lsn = 91;
  header.stable_user_seq = 30;
  return header;
}

std::vector<Record> sample_records() {
  Record put;
  put.kind = static_cast<std::uint8_t>(RecordKind::put);
  put.flags = kRecordExpiry;
  put.key = "user:1";
  put.value = "Ada";
  put.expires_at_ms = 1'700'000'060'000;
  Record erase;
  erase.kind = static_cast<std::uint8_t>(RecordKind::erase);
  erase.key = "user:2";
  Record expiry;
  expiry.kind = static_cast<std::uint8_t>(RecordKind::expiry);
  expiry.key = "user:3";  // Without an expiry: it persists.
  Record patch;
  patch.kind = static_cast<std::uint8_t>(RecordKind::patch);
  patch.key = "user:4";
  patch.value = "ok";
  patch.patch_offset = 1000;
  Record clear;
  clear.kind = static_cast<std::uint8_t>(RecordKind::clear);
  return {put, erase, expiry, patch, clear};
}

std::string encode(const Record& record) {
  std::string bytes(static_cast<std::size_t>(record_bytes(record)), '\xEE');
  const std::size_t size = encode_record(record, writable(bytes).data());
  REQUIRE(size == bytes.size());
  return bytes;
}

std::string encode_batch_of(BatchHeader header, const std::vector<Record>& records,
                            std::uint64_t uid) {
  std::string batch(kBatchHeaderBytes, '\0');
  for (const Record& record : records) batch += encode(record);
  header.bytes = static_cast<std::uint32_t>(batch.size());
  header.count = static_cast<std::uint32_t>(records.size());
  encode_batch(header, batch_seed(uid), writable(batch));
  return batch;
}

std::string sample_batch() {
  BatchHeader header;
  header.offset = 4096;
  header.seq = 31;
  header.first_lsn = 91;
  header.stable_user_seq = 30;
  header.stamp = make_stamp(1'700'000'000'500);
  return encode_batch_of(header, sample_records(), kSampleUid);
}

std::string sample_empty_batch() {
  BatchHeader header;
  header.offset = 4608;
  header.flags = kBatchLast;
  header.seq = 32;
  header.first_lsn = 96;
  header.stable_user_seq = 31;
  header.stamp = make_stamp(1'700'000'001'500);
  return encode_batch_of(header, {}, kSampleUid);
}

}  // namespace phoenix::log::test
