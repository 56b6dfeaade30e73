// The format as it is written down: golden files against the code, in both directions, and
// docs/LOG_FORMAT.md against the golden files.
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "phoenix/base/bytes.h"
#include "tests/unit/log/support.h"

using namespace phoenix;
using namespace phoenix::log;
using namespace phoenix::log::test;

namespace {

struct Sample {
  std::string name;
  std::string bytes;
};

std::string used_superblock() {
  const auto bytes = encode_superblock(sample_superblock());
  REQUIRE(bytes.has_value());
  const auto used = load_le<std::uint32_t>(bytes->data() + 12);
  return {reinterpret_cast<const char*>(bytes->data()), used};
}

std::string used_segment_header() {
  std::string bytes(sizeof(SegmentHeader), '\0');
  encode_segment_header(sample_segment_header(), writable(bytes));
  return bytes;
}

std::vector<Sample> samples() {
  return {
      {"superblock", used_superblock()},
      {"segment_header", used_segment_header()},
      {"batch", sample_batch()},
      {"empty_batch", sample_empty_batch()},
  };
}

std::string golden_file(const std::string& name) {
  return read_source_file("tests/unit/log/golden/" + name + ".hex");
}

TEST_CASE("what is written is what the golden files hold") {
  for (const Sample& sample : samples()) {
    CHECK_MESSAGE(parse_hex(golden_file(sample.name)) == sample.bytes,
                  sample.name << " is now\n"
                              << to_hex(sample.bytes)
                              << "A change of the format needs a new version number.");
  }
}

TEST_CASE("what the golden files hold is read as it was meant") {
  const std::string superblock = parse_hex(golden_file("superblock"));
  const auto decoded = decode_superblock(bytes_of(superblock));
  REQUIRE(decoded.state == SuperblockState::valid);
  CHECK(decoded.superblock == sample_superblock());
  const std::string block = parse_hex(golden_file("segment_header"));
  SegmentHeader header;
  CHECK(decode_segment_header(bytes_of(block), kSampleUid, header) == HeaderState::valid);
  CHECK(header.core == 1);
  const std::string batch = parse_hex(golden_file("batch"));
  std::string_view records = std::string_view(batch).substr(kBatchHeaderBytes);
  for (const Record& expected : sample_records()) {
    Record record;
    const std::size_t size = decode_record(bytes_of(records), record);
    REQUIRE(size > 0);
    CHECK(record.kind == expected.kind);
    CHECK(record.key == expected.key);
    CHECK(record.value == expected.value);
    CHECK(record.expires_at_ms == expected.expires_at_ms);
    CHECK(record.patch_offset == expected.patch_offset);
    records.remove_prefix(size);
  }
  CHECK(records.empty());
}

TEST_CASE("docs/LOG_FORMAT.md shows the golden files") {
  const std::string document = read_source_file("docs/LOG_FORMAT.md");
  for (const Sample& sample : samples()) {
    CHECK_MESSAGE(document.find("```\n" + golden_file(sample.name) + "```") != std::string::npos,
                  "the page does not show " << sample.name << ".hex");
  }
}

}  // namespace
