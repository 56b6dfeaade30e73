#include "bench/history/crash_check.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace phoenix::bench::history {
namespace {

/// No write of a key at all, not even the settled one.
constexpr std::size_t kBeforeAll = 0;

std::string wrong_text(const Operation& read, bool was_refused, std::uint64_t lost) {
  if (was_refused) return "after the crash it holds a value that was refused";
  if (read.value == kForeign) return "after the crash it holds bytes that nobody sent";
  if (lost == 0) return "after the crash it holds a value that was never written to it";
  return fmt::format("the crash took {} acknowledged write{}", lost, lost == 1 ? "" : "s");
}

}  // namespace

void CrashCheck::record(std::span<const Operation> operations) {
  for (const Operation& operation : operations) {
    Key& key = keys_[operation.key];
    if (operation.kind != Kind::read) {
      key.writes.push_back(operation);
      if (operation.outcome != Outcome::fail) key.newest = operation.value;
      continue;
    }
    const bool is_writer = !key.writes.empty() && key.writes.back().client == operation.client;
    if (!is_writer || operation.outcome != Outcome::ok || operation.value == key.newest) continue;
    report({operation.key,
            "its writer did not read what it had written last",
            {key.writes.back(), operation}});
  }
}

CrashVerdict CrashCheck::judge(std::span<const Operation> reads) {
  for (const Operation& read : reads) judge_key(read);
  return std::exchange(verdict_, {});
}

/// Positions: 1 is the settled state, 2 the first write after it; kBeforeAll is what was before.
void CrashCheck::judge_key(const Operation& read) {
  Key& key = keys_[read.key];
  std::size_t shown = key.settled.value == read.value ? 1 : kBeforeAll;
  std::size_t acknowledged = 1;
  bool was_refused = false;
  for (std::size_t i = 0; i < key.writes.size(); ++i) {
    const Operation& write = key.writes[i];
    if (write.outcome == Outcome::ok) acknowledged = i + 2;
    if (write.value != read.value) continue;
    if (write.outcome == Outcome::fail) {
      was_refused = true;
    } else {
      shown = i + 2;
    }
  }
  if (shown < acknowledged) lose(key, read, shown, was_refused && shown == kBeforeAll);
  key.settled = read;
  key.newest = read.value;
  key.writes.clear();
}

void CrashCheck::lose(const Key& key, const Operation& read, std::size_t shown, bool was_refused) {
  std::uint64_t lost = shown == kBeforeAll && key.settled.value != kAbsent ? 1 : 0;
  const Operation* last = &key.settled;
  for (std::size_t i = std::max<std::size_t>(shown, 1) - 1; i < key.writes.size(); ++i) {
    if (key.writes[i].outcome != Outcome::ok) continue;
    last = &key.writes[i];
    ++lost;
  }
  verdict_.lost += lost;
  Violation violation{read.key, wrong_text(read, was_refused, lost), {}};
  const bool is_beginning = last->responded_ns == kNever;
  if (!is_beginning) violation.evidence.push_back(*last);
  violation.evidence.push_back(read);
  report(std::move(violation));
}

void CrashCheck::report(Violation violation) {
  ++verdict_.violating_keys;
  if (verdict_.violations.size() < kViolationsShown) {
    verdict_.violations.push_back(std::move(violation));
  }
}

}  // namespace phoenix::bench::history
