// Check 1, after each crash and cheap: does every key show the effect of each acknowledged write?
// Keys have one writer each, which may have many writes on their way, so a key's writes are in
// order and may be numbered: what is found must be the last acknowledged one or a later one, must
// have been sent, and must not have been refused. Deletes are writes of "absent".
//
// What is found is the truth from then on, so it may not go back at the next crash, and one loss is
// told once. Between crashes the writer of a key must also read what it wrote last, since a
// connection's requests take effect in order.
//
// O(operations + keys). Holds the writes since the last crash, 40 bytes each, and the latest state
// of each key.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "bench/history/operation.h"

namespace phoenix::bench::history {

struct CrashVerdict {
  std::uint64_t lost = 0;             // Acknowledged writes that a key no longer shows.
  std::uint64_t violating_keys = 0;   // Lost ones and others; `violations` has the first of them.
  std::vector<Violation> violations;  // At most kViolationsShown.
};

class CrashCheck final {
 public:
  static constexpr std::size_t kViolationsShown = 10;

  explicit CrashCheck(std::size_t keys) : keys_(keys) {}

  /// Operations since the last crash, those of one client on one key in the order it sent them.
  void record(std::span<const Operation> operations);

  /// One answered read of each key that was made after the crash and before any other write. Also
  /// tells what record() found.
  CrashVerdict judge(std::span<const Operation> reads);

 private:
  struct Key {
    std::vector<Operation> writes;  // Since the last crash; refused ones too.
    Operation settled{.kind = Kind::erase, .outcome = Outcome::ok};  // What the last crash left.
    Value newest = kAbsent;                                          // As its writer must see it.
  };

  void judge_key(const Operation& read);
  void lose(const Key& key, const Operation& read, std::size_t shown, bool was_refused);
  void report(Violation violation);

  std::vector<Key> keys_;
  CrashVerdict verdict_;
};

}  // namespace phoenix::bench::history
