// Which batches count: rule 5 as a function of what was found.
#include "phoenix/log/accept.h"

#include <deque>
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/log/support.h"

using namespace phoenix;
using namespace phoenix::log;
using namespace phoenix::log::test;

namespace {

// One core, serving in epoch 3 from seq 10 on; epoch 2 ended at 10.
Superblock one_core() {
  Superblock superblock = sample_superblock();
  superblock.core_count = 1;
  superblock.bases = {{10, 1, 100}};
  superblock.ends = {{2, 5, 10, 0, 0}};
  return superblock;
}

class Found final {
 public:
  /// A segment that begins with first_seq and holds the runs [first, end).
  ScannedSegment& add(std::uint64_t epoch, std::uint64_t first_seq,
                      std::vector<std::pair<std::uint64_t, std::uint64_t>> runs,
                      Stream stream = Stream::user) {
    FoundSegment& segment = segments_.emplace_back();
    segment.uid = segments_.size();
    segment.state = HeaderState::valid;
    segment.header = sample_segment_header();
    segment.header.epoch = epoch;
    segment.header.stream = static_cast<std::uint8_t>(stream);
    segment.header.first_seq = first_seq;
    ScannedSegment scanned;
    scanned.segment = &segment;
    scanned.scan.end_seq = first_seq;
    std::uint64_t offset = 4096;
    for (const auto& [first, end] : runs) {
      scanned.scan.runs.push_back({offset, offset + 512 * (end - first), first, end, 7, 8});
      offset += 512 * (end - first) + 512;
      scanned.scan.end_seq = end;
    }
    all.push_back(scanned);
    return all.back();
  }

  std::vector<ScannedSegment> all;

 private:
  std::deque<FoundSegment> segments_;
};

CoreLog judge(const Found& found, const Superblock& superblock = one_core()) {
  return accept(superblock, 0, found.all, {});
}

const StreamLog& user_log(const CoreLog& log, std::uint64_t epoch) {
  for (const EpochLog& candidate : log.epochs) {
    if (candidate.epoch == epoch) return candidate.streams[0];
  }
  REQUIRE_MESSAGE(false, "no such epoch");
  return log.epochs[0].streams[0];
}

TEST_CASE("without a hole everything counts") {
  Found found;
  found.add(2, 5, {{5, 10}});
  found.add(3, 10, {{10, 15}});
  found.add(3, 15, {{15, 20}});
  const CoreLog log = judge(found);
  CHECK(log.damage.empty());
  CHECK(user_log(log, 3).end_seq == 20);
  CHECK(user_log(log, 3).extents.size() == 2);
  CHECK(log.next_seq[0] == 20);
}

TEST_CASE("behind a hole above what is stable nothing counts, and its numbers are not used again") {
  Found found;
  found.add(2, 5, {{5, 10}});
  found.add(3, 10, {{10, 15}, {16, 19}}).scan.stable_user_seq = 13;
  const CoreLog log = judge(found);
  CHECK(log.damage.empty());
  CHECK(user_log(log, 3).end_seq == 15);
  CHECK(user_log(log, 3).extents.size() == 1);
  CHECK(log.next_seq[0] == 19);
}

TEST_CASE("a hole at or below what is stable is damage") {
  Found found;
  found.add(2, 5, {{5, 10}});
  found.add(3, 10, {{10, 15}, {16, 19}}).scan.stable_user_seq = 15;
  const CoreLog log = judge(found);
  REQUIRE(log.damage.size() == 1);
  CHECK(log.damage[0].first_seq == 15);
  CHECK(log.damage[0].end_seq == 16);
  CHECK(log.damage[0].offset == 4096 + 5 * 512);
  CHECK(log.damage[0].after_stamp == 8);
  // With the damage accepted the rest still counts.
  CHECK(user_log(log, 3).end_seq == 19);
  CHECK(user_log(log, 3).extents.size() == 2);
}

TEST_CASE("the header of the next segment proves the last batch of the one before") {
  Found found;
  found.add(2, 5, {{5, 10}});
  found.add(3, 10, {{10, 14}});
  found.add(3, 15, {}).scan.stable_user_seq = 14;
  const CoreLog log = judge(found);
  REQUIRE(log.damage.size() == 1);
  CHECK(log.damage[0].first_seq == 14);
}

TEST_CASE("a survivor batch may be what states that a user batch is stable") {
  Found found;
  found.add(2, 5, {{5, 10}});
  found.add(3, 10, {{10, 12}});
  ScannedSegment& survivor = found.add(3, 1, {{1, 2}}, Stream::survivor);
  survivor.scan.stable_user_seq = 12;
  const CoreLog log = judge(found);
  REQUIRE(log.damage.size() == 1);
  CHECK(log.damage[0].first_seq == 12);
  CHECK(log.epochs.back().streams[1].end_seq == 2);
}

TEST_CASE("before a recorded end everything must be there, behind it nothing counts") {
  Found found;
  found.add(3, 10, {{10, 11}});
  SUBCASE("more than counted") {
    found.add(2, 5, {{5, 14}}).scan.stable_user_seq = 12;
    const CoreLog log = judge(found);
    CHECK(log.damage.empty());
    CHECK(user_log(log, 2).end_seq == 10);
    CHECK(log.next_seq[0] == 14);
  }
  SUBCASE("a segment that begins behind the end") {
    found.add(2, 5, {{5, 10}});
    found.add(2, 11, {{11, 12}});
    const CoreLog log = judge(found);
    CHECK(log.damage.empty());
    CHECK(user_log(log, 2).extents.size() == 1);
  }
  SUBCASE("less than counted") {
    found.add(2, 5, {{5, 9}});
    REQUIRE(judge(found).damage.size() == 1);
  }
  SUBCASE("no segment left") {
    const CoreLog log = judge(found);
    REQUIRE(log.damage.size() == 1);
    CHECK(log.damage[0].segment == nullptr);
    CHECK(log.damage[0].first_seq == 5);
    CHECK(log.damage[0].end_seq == 10);
  }
}

TEST_CASE("a batch that is there twice is damage") {
  Found found;
  found.add(2, 5, {{5, 10}});
  found.add(3, 10, {{10, 13}});
  found.add(3, 12, {{12, 14}});
  CHECK(judge(found).damage.size() == 1);
}

TEST_CASE("nothing was written yet in the newest epoch") {
  Found found;
  found.add(2, 5, {{5, 10}});
  const CoreLog log = judge(found);
  CHECK(log.damage.empty());
  CHECK(user_log(log, 3).first_seq == 10);
  CHECK(user_log(log, 3).end_seq == 10);
}

TEST_CASE("epochs that are dead or void do not live") {
  Superblock superblock = one_core();
  CHECK(!is_live(superblock, 1));
  CHECK(is_live(superblock, 2));
  CHECK(is_live(superblock, 3));
  CHECK(!is_live(superblock, 4));
  superblock.rewriting = true;
  CHECK(!is_live(superblock, 3));
  Found found;
  found.add(2, 5, {{5, 10}});
  const CoreLog log = judge(found, superblock);
  CHECK(log.damage.empty());
  REQUIRE(log.epochs.size() == 1);
  CHECK(log.epochs[0].epoch == 2);
}

TEST_CASE("damage is told in words that name the place and the keys") {
  Found found;
  found.add(2, 5, {{5, 10}});
  found.add(3, 10, {{10, 15}, {16, 19}}).scan.stable_user_seq = 15;
  const CoreLog log = judge(found);
  REQUIRE(log.damage.size() == 1);
  Superblock superblock = one_core();
  const std::string text = describe(log.damage[0], superblock, 0);
  CHECK(text.find("batches 15 to 15 of core 0, epoch 3, are damaged in segment "
                  "0000000000000002.seg at offset 6656") != std::string::npos);
  CHECK(text.find("keys in slots 0-8191") != std::string::npos);
}

}  // namespace
