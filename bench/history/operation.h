// What clients asked of a server, when, and what came of it: the evidence that the checks of this
// room judge. A history is recorded while the server runs and crashes, and outlives it.
//
// Each value is written once: it is the number of its writer and of the write, so that a read tells
// which write it saw. "Absent" is the one exception; every delete writes it.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace phoenix::bench::history {

/// Which write made a value. Unique over all keys of a history.
using Value = std::uint64_t;

inline constexpr Value kAbsent = 0;
/// What a read returned is the value of no write at all: bytes that nobody sent.
inline constexpr Value kForeign = std::numeric_limits<Value>::max();
inline constexpr unsigned kCounterBits = 44;
inline constexpr std::uint64_t kCounterMax = (std::uint64_t{1} << kCounterBits) - 1;
inline constexpr std::uint32_t kWriterMax = (1U << 20U) - 2;  // One more would meet kForeign.

/// `counter` is 1 to kCounterMax, `writer` up to kWriterMax.
constexpr Value make_value(std::uint32_t writer, std::uint64_t counter) {
  return (std::uint64_t{writer} << kCounterBits) | counter;
}
constexpr std::uint32_t writer_of(Value value) {
  return static_cast<std::uint32_t>(value >> kCounterBits);
}
constexpr std::uint64_t counter_of(Value value) {
  return value & kCounterMax;
}

inline constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

enum class Kind : std::uint8_t { write, erase, read };

enum class Outcome : std::uint8_t {
  ok,
  fail,     // The reply proves that nothing was changed.
  unknown,  // No reply: it may have taken effect, or not.
};

/// One operation on one key. Times are of one monotonic clock, in nanoseconds.
struct Operation {
  std::uint64_t invoked_ns = 0;  // Before the first byte was sent.
  /// When its reply was there. Of an unknown one: when it can no longer take effect because the
  /// process that had it is dead, or kNever.
  std::uint64_t responded_ns = kNever;
  Value value = kAbsent;     // Written or read; kAbsent of a delete.
  std::uint32_t key = 0;     // Into History::keys.
  std::uint32_t client = 0;  // Who asked.
  Kind kind = Kind::read;
  Outcome outcome = Outcome::unknown;
};
static_assert(sizeof(Operation) == 40);

/// How many operations a history may hold: 320 MiB of them.
inline constexpr std::size_t kOperationsMax = std::size_t{8} << 20U;
inline constexpr std::size_t kKeysMax = std::size_t{1} << 20U;

/// All keys are absent before the first operation.
struct History {
  std::vector<std::string> keys;
  /// In any order, except that the operations of one client on one key stand in the order in which
  /// it sent them.
  std::vector<Operation> operations;
};

/// "3.1204", "absent", or "foreign bytes".
std::string value_text(Value value);

/// "client 3 wrote 3.1204: 12.345 to 13.001 ms, acknowledged". Times count from the history's zero.
std::string operation_text(const Operation& operation);

/// What a history shows that must not be, and the operations that together prove it.
struct Violation {
  std::uint32_t key = 0;
  std::string sentence;
  std::vector<Operation> evidence;
};

/// Several lines, each ended: the key and the sentence, then one for each operation.
std::string violation_text(const Violation& violation, const History& history);

}  // namespace phoenix::bench::history
