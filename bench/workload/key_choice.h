// Which key comes next: uniform, Zipf, a hot set, one after the other, or mostly the newest.
#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "bench/workload/zipf.h"
#include "phoenix/base/random.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// What --distribution takes.
struct Distribution {
  enum class Kind : std::uint8_t { uniform, zipf, hot, sequential, latest };

  Kind kind = Kind::uniform;
  double exponent = 0.99;   // zipf and latest, as YCSB has it.
  double hot_keys = 0.2;    // Share of the keys that is hot ...
  double hot_access = 0.8;  // ... and the share of the accesses that it gets.

  /// uniform, zipf[:EXPONENT], hot[:KEYS:ACCESSES] (shares, 0 to 1), sequential, latest[:EXPONENT].
  static Result<Distribution> parse(std::string_view text);
  std::string text() const;
};

/// How many keys there are: all threads share it, and inserts make it grow.
using KeyCount = std::atomic<std::uint64_t>;

class KeyChoice final {
 public:
  /// `part` of `parts` goes through its own share of a sequence. `keys` must outlive this.
  KeyChoice(const Distribution& distribution, const KeyCount& keys, std::uint32_t part,
            std::uint32_t parts);

  /// The number of a key, below the count of keys.
  std::uint64_t next(SeededRandom& random) {
    return distribution_.kind == Distribution::Kind::uniform
               ? scale(random.next(), keys_.load(std::memory_order_relaxed))
               : other(random);
  }

  /// Maps 64 uniform bits to 0 .. count-1 by a multiplication (Lemire 2016); the bias is below
  /// 2^-24 for a trillion keys.
  static std::uint64_t scale(std::uint64_t bits, std::uint64_t count) {
    return static_cast<std::uint64_t>((static_cast<Wide>(bits) * count) >> 64U);
  }

 private:
  __extension__ typedef unsigned __int128 Wide;  // Both compilers have it, the standard not.

  std::uint64_t other(SeededRandom& random);
  std::uint64_t spread(std::uint64_t rank, std::uint64_t count) const;
  const Zipf& zipf_over(std::uint64_t count);

  const Distribution distribution_;
  const KeyCount& keys_;
  std::uint64_t first_count_;  // Of the keys, when this began.
  std::uint64_t step_;         // Of spread(); shares no factor with first_count_.
  std::optional<Zipf> zipf_;
  std::uint64_t zipf_count_ = 0;
  std::uint64_t sequence_begin_;
  std::uint64_t sequence_end_;
  std::uint64_t sequence_next_;
};

/// The part [first, second) of 0 .. total-1 that falls to one of `parts`.
std::pair<std::uint64_t, std::uint64_t> share_of(std::uint64_t total, std::uint32_t part,
                                                 std::uint32_t parts);

}  // namespace phoenix::bench
