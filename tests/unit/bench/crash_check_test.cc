// The check after each crash: what it must find, how much it counts as lost, and what is all right.
#include "bench/history/crash_check.h"

#include <string>
#include <vector>

#include <doctest/doctest.h>

using namespace phoenix::bench::history;

namespace {

/// One key of writer 1, whose writes are numbered from 1.
class Story final {
 public:
  Story& write(std::uint64_t counter, Outcome outcome = Outcome::ok) {
    return add(Kind::write, make_value(1, counter), outcome);
  }
  Story& erase(Outcome outcome = Outcome::ok) { return add(Kind::erase, kAbsent, outcome); }
  Story& read(Value value, std::uint32_t client = 1) {
    add(Kind::read, value, Outcome::ok);
    operations_.back().client = client;
    return *this;
  }

  /// The server died, and this is what the key holds afterwards.
  CrashVerdict crash(Value found) {
    check_.record(operations_);
    operations_.clear();
    add(Kind::read, found, Outcome::ok);
    CrashVerdict verdict = check_.judge(operations_);
    operations_.clear();
    return verdict;
  }

 private:
  Story& add(Kind kind, Value value, Outcome outcome) {
    now_ns_ += 10;
    operations_.push_back({now_ns_, now_ns_ + 5, value, 0, 1, kind, outcome});
    return *this;
  }

  std::vector<Operation> operations_;
  CrashCheck check_{1};
  std::uint64_t now_ns_ = 0;
};

bool is_right(const CrashVerdict& verdict) {
  return verdict.lost == 0 && verdict.violating_keys == 0 && verdict.violations.empty();
}

std::string told(const CrashVerdict& verdict) {
  REQUIRE(verdict.violating_keys == 1);
  REQUIRE(verdict.violations.size() == 1);
  CHECK(!verdict.violations[0].evidence.empty());
  return verdict.violations[0].sentence;
}

Value value(std::uint64_t counter) {
  return make_value(1, counter);
}

constexpr auto kUnknown = Outcome::unknown;

}  // namespace

TEST_CASE("what a crash may leave") {
  CHECK(is_right(Story().crash(kAbsent)));
  CHECK(is_right(Story().write(1).crash(value(1))));
  CHECK(is_right(Story().write(1).erase().crash(kAbsent)));
  // The last acknowledged one, or any that was sent after it.
  for (const std::uint64_t found : {1U, 2U, 3U}) {
    Story story;
    story.write(1).write(2, kUnknown).write(3, kUnknown);
    CHECK(is_right(story.crash(value(found))));
  }
  CHECK(is_right(Story().write(1).erase(kUnknown).write(2, kUnknown).crash(kAbsent)));
  CHECK(is_right(Story().write(1, kUnknown).crash(kAbsent)));
  CHECK(is_right(Story().write(1).write(2, Outcome::fail).crash(value(1))));
}

TEST_CASE("what a crash must not do is found and counted") {
  Story older;
  CHECK(told(older.write(1).write(2).write(3).crash(value(1))) ==
        "the crash took 2 acknowledged writes");
  CHECK(Story().write(1).write(2).write(3).crash(value(1)).lost == 2);
  CHECK(Story().write(1).crash(kAbsent).lost == 1);
  CHECK(Story().write(1).write(2, kUnknown).crash(kAbsent).lost == 1);
  CHECK(Story().write(1).erase().crash(value(1)).lost == 1);          // A deleted value is back.
  CHECK(Story().erase().write(1).write(2).crash(kAbsent).lost == 2);  // An old delete is back.
  CHECK(told(Story().write(1).crash(kForeign)) ==
        "after the crash it holds bytes that nobody sent");
  CHECK(told(Story().write(1, kUnknown).crash(make_value(2, 1))) ==
        "after the crash it holds a value that was never written to it");
  CHECK(told(Story().write(1).write(2, Outcome::fail).crash(value(2))) ==
        "after the crash it holds a value that was refused");
}

TEST_CASE("what was found after a crash is the truth from then on") {
  Story story;
  CHECK(is_right(story.write(1).write(2, kUnknown).crash(value(2))));
  CHECK(is_right(story.crash(value(2))));
  CHECK(story.crash(value(1)).lost == 1);  // It went back, although no answer came for 2.
  CHECK(is_right(story.crash(value(1))));  // Told once.
  CHECK(is_right(story.write(3).crash(value(3))));
  CHECK(story.write(4).crash(value(1)).lost == 2);
}

TEST_CASE("a writer must read what it wrote last, others need not") {
  CHECK(is_right(Story().write(1).read(value(1)).write(2).read(value(2)).crash(value(2))));
  CHECK(is_right(Story().write(1).write(2).read(value(1), 2).crash(value(2))));
  CHECK(is_right(Story().write(1).write(2, Outcome::fail).read(value(1)).crash(value(1))));
  Story story;  // What a crash took is not what its writer must read afterwards.
  CHECK(is_right(story.write(1).write(2, kUnknown).crash(value(1))));
  CHECK(is_right(story.write(3, Outcome::fail).read(value(1)).crash(value(1))));
  CHECK(told(Story().write(1).write(2).read(value(1)).crash(value(2))) ==
        "its writer did not read what it had written last");
  CHECK(told(Story().write(1).erase().read(value(1)).crash(kAbsent)) ==
        "its writer did not read what it had written last");
}
