// What the tests of the format share: the samples that the golden files and docs/LOG_FORMAT.md
// show.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/log/format.h"
#include "phoenix/log/superblock.h"

namespace phoenix::log::test {

/// A file below the root of the source tree. Fails the test when it cannot be read.
std::string read_source_file(const std::string& path);

/// The bytes that hex text stands for; '#' starts a comment. Fails the test on anything else.
std::string parse_hex(std::string_view text);

/// Sixteen bytes a line.
std::string to_hex(std::string_view bytes);

inline std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
inline std::span<std::byte> writable(std::string& text) {
  return std::as_writable_bytes(std::span(text.data(), text.size()));
}

inline constexpr std::uint64_t kSampleUid = 0x0123456789ABCDEF;

Superblock sample_superblock();
SegmentHeader sample_segment_header();
std::vector<Record> sample_records();
/// A batch of them, unpadded.
std::string sample_batch();
/// The empty batch behind it.
std::string sample_empty_batch();

std::string encode(const Record& record);
std::string encode_batch_of(BatchHeader header, const std::vector<Record>& records,
                            std::uint64_t uid);

}  // namespace phoenix::log::test
