// Canaries: each planted bug breaks one rule of docs/LOG_FORMAT.md, and the crash tests must catch
// it. If one of these fails, the crash tests have gone blind for that rule.
#include <string>

#include <doctest/doctest.h>

#include "tests/unit/log_crash/explorer.h"
#include "tests/unit/log_crash/level.h"

using namespace phoenix;
using namespace phoenix::log_test;

namespace {

using Bug = bool log::Mutations::*;

std::string first_failure(Setting setting, Bug bug, unsigned runs) {
  if (bug != nullptr) setting.options.mutations.*bug = true;
  for (unsigned run = 0; run < runs; ++run) {
    Explorer explorer(setting, 5000 + run);
    const std::string failure = explorer.run();
    if (!failure.empty()) return failure;
  }
  return "";
}

constexpr unsigned kRuns = 60;

TEST_CASE("canary: acknowledge before it is durable") {
  CHECK(
      !first_failure(setting("plain"), &log::Mutations::acknowledge_before_durable, kRuns).empty());
}

TEST_CASE("canary: acknowledge over holes") {
  CHECK(!first_failure(setting("plain"), &log::Mutations::no_contiguous_prefix, kRuns).empty());
}

TEST_CASE("canary: a batch states as stable what is in flight") {
  const auto failure =
      first_failure(setting("plain"), &log::Mutations::stable_from_in_flight, kRuns);
  CHECK_MESSAGE(failure.find("damaged") != std::string::npos, failure);
}

TEST_CASE("canary: recovery does not sync what it accepts") {
  CHECK(!first_failure(setting("plain"), &log::Mutations::skip_recovery_sync, kRuns).empty());
}

TEST_CASE("canary: recorded ends are forgotten") {
  CHECK(!first_failure(setting("plain"), &log::Mutations::forget_recorded_ends, kRuns).empty());
}

TEST_CASE("canary: numbers behind the end are used again") {
  CHECK(!first_failure(setting("plain"), &log::Mutations::lsn_goes_back, kRuns).empty());
}

TEST_CASE("canary: the directory is not synced") {
  CHECK(!first_failure(setting("plain"), &log::Mutations::skip_directory_sync, kRuns).empty());
}

TEST_CASE("canary: batches before the header of their segment") {
  CHECK(!first_failure(setting("plain"), &log::Mutations::header_not_awaited, kRuns).empty());
}

TEST_CASE("canary: the same copy of the superblock is written twice") {
  // Noticed by a torn write in a later start, when the other copy is epochs old.
  Setting lives = setting("four lives");
  lives.lives = 4;
  lives.changes = 4;
  lives.plan.cut_garbage = 2000;
  CHECK(!first_failure(lives, &log::Mutations::superblock_same_copy_twice, kRuns).empty());
  CHECK(first_failure(lives, nullptr, by_level(1, 3, 3)).empty());
}

TEST_CASE("canary: a failed sync is tried again") {
  if (by_level(1, 0, 0) != 0) return;  // Found late.
  Setting failing = setting("failing syncs");
  failing.options.scheme = log::CommitScheme::write_then_sync;
  failing.plan.sync_errors = 100;
  failing.errors = true;
  CHECK(!first_failure(failing, &log::Mutations::retry_failed_sync, kRuns).empty());
}

}  // namespace
