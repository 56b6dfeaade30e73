// One core's log while it serves: when batches go out, what is in flight, what is durable.
#include <string>

#include <doctest/doctest.h>

#include "phoenix/base/bytes.h"
#include "phoenix/log/format.h"
#include "tests/unit/log_crash/process.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

std::string key(unsigned number) {
  return std::string("key").append(std::to_string(number));
}

// A process whose first segment is in use, with nothing in flight.
void warm_up(Process& process) {
  REQUIRE(process.start().has_value());
  REQUIRE(process.put("first", "1").has_value());
  REQUIRE(process.settle());
}

TEST_CASE("few pending records wait for the commit in flight, many go out beside it") {
  sim::World world(1);
  log::Options options = small_options();
  options.segment_bytes_min = options.segment_bytes_max = std::uint64_t{1} << 20U;
  Process process(world, options, 1);
  warm_up(process);
  log::Log& log = process.log(0);
  REQUIRE(process.put("a", "1").has_value());
  process.seal();
  CHECK(log.statistics().batches == 2);
  for (unsigned i = 0; i < 15; ++i) REQUIRE(process.put(key(i), "v").has_value());
  process.seal();
  CHECK(log.statistics().batches == 2);  // Still open.
  REQUIRE(process.put(key(15), "v").has_value());
  process.seal();
  CHECK(log.statistics().batches == 3);
  REQUIRE(process.put("b", std::string(9000, 'v')).has_value());
  process.seal();
  CHECK(log.statistics().batches == 4);
  for (unsigned i = 0; i < 100; ++i) REQUIRE(process.put(key(i), "v").has_value());
  process.seal();
  CHECK(log.statistics().batches == 5);  // Four in flight.
  REQUIRE(process.put("c", std::string(9000, 'v')).has_value());
  process.seal();
  CHECK(log.statistics().batches == 5);
  REQUIRE(process.settle());
  CHECK(log.statistics().batches == 6);
}

TEST_CASE("positions: emitted, open, committed") {
  sim::World world(1);
  Process process(world, small_options(), 1);
  REQUIRE(process.start().has_value());
  log::Log& log = process.log(0);
  CHECK(log.emitted_position() == 0);
  CHECK(log.commit_position() == 0);
  CHECK(log.idle());
  const auto a = process.put("a", "1");
  const auto b = process.put("b", "2");
  REQUIRE(a.has_value());
  CHECK(a->position == b->position);
  CHECK(a->position == log.open_position());
  CHECK(log.emitted_position() == a->position);
  CHECK(!log.idle());
  process.seal();
  CHECK(log.open_position() == a->position + 1);
  CHECK(log.emitted_position() == a->position);
  CHECK(log.commit_position() < a->position);
  CHECK(!log.idle());
  REQUIRE(process.settle());
  CHECK(log.commit_position() == a->position);
  CHECK(log.idle());
  log.seal(1);
  CHECK(log.idle());  // Nothing to seal.
  log.require_seal(1);
  CHECK(!log.idle());
  REQUIRE(process.settle());
  CHECK(log.commit_position() == a->position + 1);
}

TEST_CASE("positions in the log grow with each record and differ") {
  sim::World world(1);
  Process process(world, small_options(), 1);
  REQUIRE(process.start().has_value());
  engine::LogPosition last;
  for (unsigned i = 0; i < 300; ++i) {
    while (process.log(0).reserve(600, 1, false) != log::Reservation::granted) {
      process.seal();
      REQUIRE(process.turn());
    }
    engine::Effect effect;
    effect.key = "k";
    const std::string value(500, 'v');
    effect.value = engine::NewValue::copy_of(value);
    const engine::LogPosition position = process.log(0).emit(effect);
    CHECK(position.bits > last.bits);
    last = position;
  }
}

TEST_CASE("an expiry can be believed once a batch with its stamp is durable") {
  for (const bool canary : {false, true}) {
    sim::World world(1);
    log::Options options = small_options();
    options.mutations.stamp_not_durable = canary;
    Process process(world, options, 1);
    warm_up(process);
    log::Log& log = process.log(0);
    const std::int64_t later_ms = world.clock().wall_ms() + 5000;
    log.require_seal(1);
    log.seal(later_ms);
    CHECK((log.durable_stamp_ms() >= later_ms) == canary);
    const bool believed = log.durable_stamp_ms() >= later_ms;
    const sim::Disk disk = world.disk_after(true, 1);
    while (!log.idle()) REQUIRE(process.turn());
    CHECK(log.durable_stamp_ms() == later_ms);
    // What the canary believes does not survive: its batch had not even been written.
    sim::World after(2, {}, disk);
    Process again(after, small_options(), 1);
    REQUIRE(again.start().has_value());
    CHECK((again.store().stamp_high_water_ms() >= later_ms || !believed) != canary);
  }
}

// The large write closes the segment in the middle of a turn, before seal() tells the time.
TEST_CASE("a batch that was required carries the stamp, also when a large write seals it") {
  sim::World world(1);
  Process process(world, small_options(), 1);
  warm_up(process);
  log::Log& log = process.log(0);
  const std::string large(std::size_t{64} << 10U, 'L');
  // Its segment is ready then.
  while (log.reserve(large.size() + 5, 1, false) != log::Reservation::granted) {
    process.seal();
    REQUIRE(process.turn());
  }
  const std::int64_t later_ms = world.clock().wall_ms() + 5000;
  const auto small = process.put("small", "s");
  REQUIRE(small.has_value());
  const log::Position position = log.open_position();
  log.require_seal(later_ms);
  const auto written = process.put("large", large);
  REQUIRE(written.has_value());
  CHECK(small->position == position);
  CHECK(written->position == position + 1);  // In the same turn.
  while (log.commit_position() < position) REQUIRE(process.turn());
  CHECK(log.durable_stamp_ms() >= later_ms);
  REQUIRE(process.settle());
}

TEST_CASE("stamps never go back, whatever the clock does") {
  sim::World world(1);
  Process process(world, small_options(), 1);
  warm_up(process);
  log::Log& log = process.log(0);
  const std::int64_t high_ms = log.durable_stamp_ms();
  log.require_seal(high_ms - 1000);
  log.seal(high_ms - 1000);
  while (!log.idle()) REQUIRE(process.turn());
  CHECK(log.durable_stamp_ms() == high_ms);
}

TEST_CASE("interval: durable at the next sync, or soon when asked") {
  sim::World world(1);
  log::Options options = small_options();
  options.durability = log::Durability::interval;
  options.interval_ms = 50;
  Process process(world, options, 1);
  warm_up(process);
  log::Log& log = process.log(0);
  const auto written = process.put("a", "1");
  REQUIRE(written.has_value());
  process.seal();
  process.pass(10 * kNanosPerMs);
  CHECK(!process.is_durable(*written));
  SUBCASE("by itself") {
    process.pass(60 * kNanosPerMs);
  }
  SUBCASE("asked for") {
    log.sync_soon();
    process.pass(5 * kNanosPerMs);
  }
  CHECK(process.is_durable(*written));
  CHECK(log.idle());
}

TEST_CASE("interval: sync_soon covers what is still open") {
  sim::World world(1);
  log::Options options = small_options();
  options.durability = log::Durability::interval;
  options.interval_ms = 1000;
  Process process(world, options, 1);
  warm_up(process);
  REQUIRE(process.put("a", "1").has_value());
  process.seal();
  const auto open = process.put("b", "1");
  REQUIRE(open.has_value());
  process.log(0).sync_soon();
  process.pass(20 * kNanosPerMs);
  CHECK(process.is_durable(*open));
}

TEST_CASE("off: nothing is written, everything is granted") {
  sim::World world(1);
  log::Options options = small_options();
  options.durability = log::Durability::off;
  Process process(world, options, 2);
  REQUIRE(process.start().has_value());
  REQUIRE(process.put("a", std::string(1 << 20U, 'v')).has_value());
  process.seal();
  CHECK(process.log(0).idle());
  CHECK(process.log(0).commit_position() == 0);
  CHECK(process.log(0).open_position() == 0);
  process.close();
  CHECK(world.disk().names(kDirectory) == std::vector<std::string>{"LOCK"});
}

TEST_CASE("segments grow from the least to the largest size") {
  sim::World world(1);
  log::Options options = small_options();
  Process process(world, options, 1);
  REQUIRE(process.start().has_value());
  for (unsigned i = 0; i < 200; ++i) REQUIRE(process.put(key(i), std::string(4000, 'v')));
  REQUIRE(process.settle());
  process.close();
  std::map<std::size_t, unsigned> sizes;
  for (const auto& name : world.disk().names(kDirectory)) {
    if (name.ends_with(".seg")) ++sizes[world.disk().content(kDirectory, name).size()];
  }
  CHECK(sizes.begin()->first == options.segment_bytes_min);
  CHECK(sizes.rbegin()->first == options.segment_bytes_max);
  CHECK(sizes[options.segment_bytes_max] > 3);
  CHECK(process.log(0).statistics().segments >= 6);
}

TEST_CASE("canary: without the uid in the checksum another core's batch is taken for the own") {
  for (const bool canary : {false, true}) {
    sim::World world(1);
    log::Options options = small_options();
    options.mutations.no_uid_seed = canary;
    {
      Process process(world, options, 2);
      REQUIRE(process.start().has_value());
      for (unsigned i = 0; i < 20; ++i) REQUIRE(process.put(key(i), "v").has_value());
      REQUIRE(process.settle());
      process.close();
    }
    std::vector<std::string> used;
    for (const auto& name : world.disk().names(kDirectory)) {
      const std::string content = world.disk().content(kDirectory, name);
      if (name.ends_with(".seg") && content[4096] != 0) used.push_back(name);
    }
    REQUIRE(used.size() == 2);
    // Both are batch 1, at the same offset: only the uid tells them apart.
    world.disk().swap_ranges(kDirectory, {used[0], 4096}, {used[1], 4096}, 4096);
    Process again(world, options, 2);
    const auto started = again.start();
    CHECK(started.has_value() == canary);
    CHECK((again.misplaced_records() > 0) == canary);
  }
}

// Puts one more batch, with a record that this version would not write, behind the ones that are
// there.
sim::Disk with_record(const log::Record& record) {
  sim::World world(1);
  Process process(world, small_options(), 1);
  warm_up(process);
  sim::Disk disk = world.disk();
  for (const auto& name : disk.names(kDirectory)) {
    std::string content = disk.content(kDirectory, name);
    if (!name.ends_with(".seg") || content[4096] == 0) continue;
    log::SegmentHeader segment;
    const std::uint64_t uid = std::stoull(name, nullptr, 16);
    const auto all = std::as_bytes(std::span(content));
    REQUIRE(log::decode_segment_header(all, uid, segment) == log::HeaderState::valid);
    auto header = load_le<log::BatchHeader>(content.data() + 4096);
    header.offset = 8192;
    header.count = 1;
    header.seq += 1;
    header.first_lsn += 1;
    header.bytes = static_cast<std::uint32_t>(64 + log::record_bytes(record));
    const auto out = std::as_writable_bytes(std::span(content)).subspan(8192, header.bytes);
    CHECK(log::encode_record(record, out.data() + 64) + 64 == header.bytes);
    log::encode_batch(header, log::batch_seed(uid), out);
    disk.plant_file(kDirectory, name, content);
  }
  return disk;
}

TEST_CASE("records of a newer version are refused, unless they may be skipped") {
  using log::RecordKind;
  struct Case {
    std::uint8_t kind;
    std::uint8_t flags;
    bool starts;
  };
  const Case cases[] = {
      {static_cast<std::uint8_t>(RecordKind::put), 0, true},
      {static_cast<std::uint8_t>(RecordKind::put), log::kRecordMoved, true},
      {static_cast<std::uint8_t>(RecordKind::expired), log::kRecordBorn, true},
      {static_cast<std::uint8_t>(RecordKind::clear), 0, true},
      {static_cast<std::uint8_t>(RecordKind::clear), log::kRecordBorn, false},
      {static_cast<std::uint8_t>(RecordKind::patch), 0, true},
      {static_cast<std::uint8_t>(RecordKind::put), log::kRecordPart, false},
      {static_cast<std::uint8_t>(RecordKind::put), 1U << log::kNamespaceShift, false},
      {77, 0, false},
      {77, log::kRecordSkip, true},
  };
  for (const Case& c : cases) {
    log::Record record;
    record.kind = c.kind;
    record.flags = c.flags;
    record.key = "of a newer version";
    if (c.kind == static_cast<std::uint8_t>(RecordKind::patch)) record.value = "part";
    sim::World world(2, {}, with_record(record));
    Process process(world, small_options(), 1);
    const auto started = process.start();
    CHECK_MESSAGE(started.has_value() == c.starts, "kind " << int{c.kind});
    if (started) {
      CHECK(process.map().contains("of a newer version") ==
            (c.kind == static_cast<std::uint8_t>(RecordKind::put)));
      continue;
    }
    CHECK(started.error().code == ErrorCode::unsupported);
    CHECK(started.error().message.find("written by a newer version of Phoenix") !=
          std::string::npos);
  }
}

}  // namespace
