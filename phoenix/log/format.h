// The bytes of a log, as pure functions: segment headers, batch headers and records.
// docs/LOG_FORMAT.md has the tables and a worked example; superblock.h has the superblock.
//
// Invariants:
// - What is encoded here decodes to the same values, and both sides check the same bounds.
// - A decoder reads nothing outside of the bytes it is given, whatever they contain.
// - A batch validates only at its own offset in its own segment: its offset is in its header, and
//   its checksum is seeded with the segment's uid.
// - What clients send is never taken for a batch's header, however it is made up: the header has a
//   checksum of its own, seeded alike, so that such bytes cost nothing more than a look.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "phoenix/engine/effect.h"

namespace phoenix::log {

inline constexpr std::uint32_t kFormatVersion = 2;

/// Blocks that are written at once and must not tear into each other; also the least alignment of
/// buffers and of writes where direct IO is refused.
inline constexpr std::uint32_t kBlockBytes = 4096;
inline constexpr std::uint32_t kWriteAlignmentMax = 65'536;

/// One request's frame (513 MiB) with the overhead of 65,536 records fits; so do the 27 bits that a
/// LogPosition has for offsets in units of 8.
inline constexpr std::uint64_t kSegmentBytesMax = std::uint64_t{1} << 30U;

/// The largest batch that shares a segment with others. A larger one has a segment of its own.
inline constexpr std::uint64_t kSharedBatchBytesMax = std::uint64_t{8} << 20U;

/// The largest single value (512 MiB) and key (64 KiB) of the protocol.
inline constexpr std::uint64_t kKeyBytesMax = std::uint64_t{64} << 10U;
inline constexpr std::uint64_t kValueBytesMax = std::uint64_t{512} << 20U;

enum class Stream : std::uint8_t {
  user = 0,      // What clients write.
  survivor = 1,  // What the cleaner keeps.
};

struct DatabaseId {
  std::uint64_t high = 0;
  std::uint64_t low = 0;
  bool operator==(const DatabaseId&) const = default;
};

/// The first bytes of a segment; the rest of the first block is zero.
struct SegmentHeader {
  std::uint64_t magic = 0;
  std::uint32_t crc = 0;  // Of these bytes with this field 0.
  std::uint32_t version = 0;
  DatabaseId database{};
  std::uint64_t uid = 0;         // Random, new with each use of the file; the file's name.
  std::uint64_t size_bytes = 0;  // Of the file.
  std::uint32_t write_alignment = 0;
  std::uint16_t core = 0;
  std::uint8_t stream = 0;
  std::uint8_t reserved = 0;
  std::uint64_t epoch = 0;
  std::uint64_t first_seq = 0;            // Of its first batch.
  std::uint64_t first_lsn = 0;            // No record in it has a lower one.
  std::uint64_t stable_user_seq = 0;      // As in a batch, when this header was written: a rotten
  std::uint64_t stable_survivor_seq = 0;  // last batch of the segment before is found by it.
};
static_assert(sizeof(SegmentHeader) == 96);

/// What segments are made of: a header, then records. Padded to the write alignment.
struct BatchHeader {
  std::uint32_t magic = 0;
  std::uint32_t crc = 0;     // Of header (this field 0) and records, seeded with the segment's uid.
  std::uint32_t bytes = 0;   // Header and records, without padding; a multiple of 8.
  std::uint32_t count = 0;   // Records.
  std::uint32_t offset = 0;  // In the segment.
  std::uint8_t stream = 0;
  std::uint8_t flags = 0;        // kBatchLast.
  std::uint16_t header_crc = 0;  // Low half of the header's alone (this and crc 0), seeded alike.
  std::uint64_t seq = 0;         // Number in its stream: one more than the batch before.
  std::uint64_t first_lsn = 0;   // Of its first record; an empty batch takes one as well.
  std::uint64_t stable_user_seq = 0;
  std::uint64_t stable_survivor_seq = 0;
  std::uint64_t stamp = 0;  // Unix milliseconds << 16, and 16 bits of a logical clock (0 so far).
};
static_assert(sizeof(BatchHeader) == 64);

inline constexpr std::uint8_t kBatchLast = 1U << 0;  // No batch follows in this segment.

[[nodiscard]] constexpr std::uint64_t make_stamp(std::int64_t wall_ms) {
  return static_cast<std::uint64_t>(wall_ms) << 16U;
}
[[nodiscard]] constexpr std::int64_t stamp_ms(std::uint64_t stamp) {
  return static_cast<std::int64_t>(stamp >> 16U);
}

/// Where the first batch of a segment stands.
[[nodiscard]] std::uint64_t data_offset(std::uint32_t write_alignment);

/// Fills in magic, version and crc and writes the header.
void encode_segment_header(SegmentHeader header, std::span<std::byte> out);

enum class HeaderState : std::uint8_t {
  valid,
  blank,    // Zeros: the segment was prepared and never used.
  newer,    // Whole, but of a format version that this build does not know.
  damaged,  // Anything else.
};
/// `bytes` holds at least sizeof(SegmentHeader) bytes of a file whose name says `uid`.
[[nodiscard]] HeaderState decode_segment_header(std::span<const std::byte> bytes, std::uint64_t uid,
                                                SegmentHeader& header);

/// The checksum of a batch starts from this.
[[nodiscard]] std::uint32_t batch_seed(std::uint64_t uid);

/// Fills in magic and both checksums, over the header and the records that stand behind it: `batch`
/// is all of header.bytes, its first 64 bytes are overwritten.
void encode_batch(BatchHeader header, std::uint32_t seed, std::span<std::byte> batch);

/// The two halves of encode_batch for batches that are streamed: all of the header but crc, and the
/// checksum over it (continue it over the records); and the header's final bytes.
[[nodiscard]] std::uint32_t begin_batch_crc(BatchHeader& header, std::uint32_t seed);
void store_batch_header(const BatchHeader& header, std::span<std::byte> out);

/// Where a batch is looked for.
struct BatchPlace {
  std::uint64_t offset = 0;         // In the segment.
  std::uint64_t segment_bytes = 0;  // No batch reaches behind this.
  std::uint32_t write_alignment = 0;
  std::uint8_t stream = 0;
  std::uint32_t seed = 0;  // batch_seed() of the segment.
};
/// A header that was written at `place`: everything is right but the checksum of the records, which
/// is not looked at. `bytes` holds at least kBatchHeaderBytes.
inline constexpr std::size_t kBatchHeaderBytes = sizeof(BatchHeader);
[[nodiscard]] std::optional<BatchHeader> decode_batch_header(std::span<const std::byte> bytes,
                                                             const BatchPlace& place);
/// Whether the checksum is right; `batch` is all of header.bytes.
[[nodiscard]] bool check_batch(const BatchHeader& header, std::uint32_t seed,
                               std::span<const std::byte> batch);

using RecordKind = engine::Effect::Kind;

enum RecordFlags : std::uint8_t {
  kRecordExpiry = 1U << 0,  // Has an expiry; a record of kind expiry without it means: persists.
  kRecordMoved = 1U << 1,   // Written by the cleaner.
  kRecordPart = 1U << 2,    // Part of a transaction over cores: transaction and part count follow.
  kRecordSkip = 1U << 3,    // Who does not know the kind may skip the record.
  kRecordBorn = 1U << 4,    // Has a born_lsn; without it a tombstone was born with its own LSN.
};
inline constexpr unsigned kNamespaceShift = 5;  // Three bits; 0 is the keys that users name.

struct Record {
  std::uint8_t kind = 0;  // RecordKind, or one that only newer versions know.
  std::uint8_t flags = 0;
  std::string_view key;
  std::string_view value;
  engine::ExpiryMs expires_at_ms = engine::kNoExpiry;
  std::uint64_t born_lsn = 0;
  std::uint64_t transaction = 0;
  std::uint16_t parts = 0;
  std::uint64_t patch_offset = 0;  // Kind patch only: where `value` goes, which is not empty.
};

/// All that a record is longer than its key and value, at most: kind, flags, two sizes, expiry,
/// born_lsn, transaction, parts, patch offset, crc, padding.
inline constexpr std::uint64_t kRecordOverheadMax = 2 + 3 + 5 + 6 + 8 + 10 + 5 + 4 + 7;

/// The same for the records that clients cause: kind, flags, two sizes, expiry or patch offset,
/// crc, padding.
inline constexpr std::uint64_t kPlainOverheadMax = 2 + 3 + 5 + 6 + 4 + 7;

/// Bytes of the whole record, a multiple of 8.
[[nodiscard]] std::uint64_t record_bytes(const Record& record);

/// Writes all of a record and returns its size. `out` has room for record_bytes().
std::size_t encode_record(const Record& record, std::byte* out);

/// The same in three steps, so that a large value never has to be copied or held up: the head with
/// the key, then the value's bytes as they are, then the tail (crc over head and value, padding).
inline constexpr std::size_t kRecordTailBytesMax = 4 + 7;
std::size_t encode_record_head(const Record& record, std::byte* out);
std::size_t encode_record_tail(std::uint64_t head_and_value_bytes, std::uint32_t crc,
                               std::byte* out);

/// Decodes the record at the start of `bytes`; its views point into them. Returns the record's size
/// or 0 when these are not the bytes of a record.
[[nodiscard]] std::size_t decode_record(std::span<const std::byte> bytes, Record& record);

/// As decode_record, for a head whose value may not have arrived yet: returns the size of the head
/// with the key, fills in everything but the value and says how long that is. Checks no crc.
[[nodiscard]] std::size_t decode_record_head(std::span<const std::byte> bytes, Record& record,
                                             std::uint64_t& value_bytes);

/// 48 bits: which segment of this process's life (from 1), and where in it in units of 8 bytes.
inline constexpr unsigned kPositionOffsetBits = 27;
inline constexpr std::uint32_t kSegmentOrdinalMax = (1U << 21U) - 1;
[[nodiscard]] constexpr engine::LogPosition make_position(std::uint32_t ordinal,
                                                          std::uint64_t offset) {
  return {std::uint64_t{ordinal} << kPositionOffsetBits | offset / 8};
}

}  // namespace phoenix::log
