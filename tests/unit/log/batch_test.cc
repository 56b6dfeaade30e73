// The open batch: what it encodes is what the decoder reads, copied or streamed.
#include "phoenix/log/batch.h"

#include <memory>
#include <string>

#include <doctest/doctest.h>

#include "phoenix/base/random.h"
#include "tests/unit/log/support.h"

using namespace phoenix;
using namespace phoenix::log;
using namespace phoenix::log::test;

namespace {

constexpr std::uint32_t kAlignment = 512;

engine::Effect put_effect(std::string_view key, std::string_view value, bool shared) {
  engine::Effect effect;
  effect.key = key;
  if (shared) {
    auto block = std::make_shared<engine::LargeValue>();
    REQUIRE(block->append(value));
    effect.value = engine::NewValue::adopt(std::move(block));
  } else {
    effect.value = engine::NewValue::copy_of(value);
  }
  return effect;
}

BatchHeader header_of(std::uint64_t seq) {
  BatchHeader header;
  header.offset = 4096;
  header.seq = seq;
  header.first_lsn = seq * 10;
  return header;
}

std::string content_of(const Batch& batch) {
  return {reinterpret_cast<const char*>(batch.buffer.data()), batch.buffer_bytes_used};
}

// All records of a batch without its header.
std::vector<std::string> keys_of(std::string_view records) {
  std::vector<std::string> keys;
  while (!records.empty()) {
    Record record;
    const std::size_t size = decode_record(bytes_of(records), record);
    REQUIRE(size > 0);
    keys.emplace_back(record.key);
    records.remove_prefix(size);
  }
  return keys;
}

TEST_CASE("effects become the records of a valid batch, at the places that were told") {
  OpenBatch open(kAlignment);
  open.ensure(1000, false);
  CHECK(open.add(put_effect("a", "1", false)) == kBatchHeaderBytes);
  engine::Effect erase;
  erase.kind = engine::Effect::Kind::erase;
  erase.key = "b";
  const std::uint64_t second = open.add(erase);
  CHECK(open.count() == 2);
  const std::uint64_t bytes = open.bytes();
  const auto batch = open.seal(header_of(7), batch_seed(kSampleUid));
  CHECK(open.count() == 0);
  CHECK(open.bytes() == kBatchHeaderBytes);
  const std::string content = content_of(*batch);
  REQUIRE(content.size() == bytes);
  const auto header = decode_batch_header(bytes_of(content),
                                          {4096, 1U << 20U, kAlignment, 0, batch_seed(kSampleUid)});
  REQUIRE(header.has_value());
  CHECK(header->count == 2);
  CHECK(check_batch(*header, batch_seed(kSampleUid), bytes_of(content)));
  Record record;
  REQUIRE(decode_record(bytes_of(content).subspan(second), record) > 0);
  CHECK(record.key == "b");
  // What the write takes along behind the batch is zero, not what the buffer held before.
  for (std::size_t i = content.size(); i < kAlignment; ++i) {
    CHECK(batch->buffer.data()[i] == std::byte{0});
  }
}

TEST_CASE("a patch is its part and where that goes") {
  for (const bool large : {false, true}) {
    OpenBatch open(kAlignment);
    open.ensure(1000, large);
    engine::Effect patch;
    patch.kind = engine::Effect::Kind::patch;
    patch.key = "key";
    patch.value = engine::NewValue::copy_of("part");
    patch.patch_offset = 100'000'000;
    const std::uint64_t place = open.add(patch);
    const auto batch = open.seal(header_of(1), batch_seed(kSampleUid));
    Record record;
    const std::string content = content_of(*batch);
    REQUIRE(decode_record(bytes_of(content).subspan(place), record) > 0);
    CHECK(record.kind == static_cast<std::uint8_t>(RecordKind::patch));
    CHECK(record.key == "key");
    CHECK(record.value == "part");
    CHECK(record.patch_offset == 100'000'000);
  }
}

TEST_CASE("an empty batch is a header") {
  OpenBatch open(kAlignment);
  const auto batch = open.seal(header_of(1), batch_seed(kSampleUid));
  CHECK(content_of(*batch).size() == kBatchHeaderBytes);
}

TEST_CASE("a streamed batch has the bytes that a copied one has") {
  SeededRandom random(3);
  for (int round = 0; round < 20; ++round) {
    OpenBatch streamed(kAlignment);
    OpenBatch copied(kAlignment);
    streamed.ensure(0, true);
    copied.ensure(std::uint64_t{4} << 20U, false);
    const std::uint64_t records = 1 + random.below(5);
    for (std::uint64_t i = 0; i < records; ++i) {
      const std::string key(random.below(300), 'k');
      const std::string value(random.below(200'000), static_cast<char>('a' + i));
      const bool shared = random.below(3) != 0;
      engine::Effect effect = put_effect(key, value, shared);
      engine::Effect copy = put_effect(key, value, false);
      if (i % 3 == 1) {
        effect.kind = copy.kind = engine::Effect::Kind::patch;
        effect.patch_offset = copy.patch_offset = random.below(100'000'000);
      }
      CHECK(streamed.add(effect) == copied.add(copy));
    }
    const std::uint64_t bytes = streamed.bytes();
    CHECK(bytes == copied.bytes());
    const auto plain = copied.seal(header_of(1), batch_seed(kSampleUid));
    const auto batch = streamed.seal(header_of(1), batch_seed(kSampleUid));
    BatchStream stream(*batch);
    std::string all;
    while (true) {
      std::string slice(1 + random.below(70'000), '\xEE');
      const std::size_t count = stream.fill(writable(slice));
      all += slice.substr(0, count);
      CHECK(slice.substr(count) == std::string(slice.size() - count, '\0'));
      if (count < slice.size()) break;
    }
    CHECK(all.size() == bytes);
    // The header is the committer's to finish.
    CHECK(all.substr(kBatchHeaderBytes) == content_of(*plain).substr(kBatchHeaderBytes));
    CHECK(keys_of(std::string_view(all).substr(kBatchHeaderBytes)).size() == records);
  }
}

TEST_CASE("buffers are used again, grow, and are given up when they are far too large") {
  BufferPool pool(kAlignment);
  AlignedBuffer first = pool.take(100);
  std::byte* const place = first.data();
  pool.give(std::move(first), 100);
  CHECK(pool.take(100).data() == place);
  AlignedBuffer large = pool.take(std::size_t{8} << 20U);
  CHECK(large.size_bytes() >= std::size_t{8} << 20U);
  pool.give(std::move(large), std::size_t{8} << 20U);
  CHECK(pool.memory_bytes() >= std::uint64_t{8} << 20U);
  for (int i = 0; i < 1000; ++i) pool.give(pool.take(100), 100);
  CHECK(pool.memory_bytes() < std::uint64_t{1} << 20U);
  const std::uint64_t idle = pool.memory_bytes();
  std::vector<AlignedBuffer> taken;
  for (int i = 0; i < 10; ++i) taken.push_back(pool.take(100'000));
  CHECK(pool.memory_bytes() >= 10 * 100'000);
  for (auto& buffer : taken) pool.give(std::move(buffer), 100);
  CHECK(pool.memory_bytes() <= idle + 4 * 131'072);
}

}  // namespace
