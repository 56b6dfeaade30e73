// Which request comes next: an endless stream, decided by a seed.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "bench/workload/key_choice.h"
#include "bench/workload/options.h"
#include "bench/workload/request.h"
#include "phoenix/base/random.h"

namespace phoenix::bench {

class Requests final {
 public:
  /// The stream of thread `part` of `parts`. `keys` is shared by all of them and must outlive this;
  /// inserts stop making it grow at `keys_max`. `replayed`: so many commands are sent in their
  /// order, over and over, instead of the mix; this thread takes each parts-th.
  Requests(const WorkloadOptions& options, std::uint64_t replayed, KeyCount& keys,
           std::uint64_t keys_max, std::uint32_t part, std::uint32_t parts, std::uint64_t seed);

  Request next() {
    if (second_) return take_second();
    if (replayed_ != 0) return next_replayed();
    const std::uint64_t dice = random_.next() & kDiceMask;
    if (dice < below_[0]) return {Verb::get, 1, choice_.next(random_)};
    return other(dice);
  }

  /// The most keys of a multi-get.
  static constexpr std::uint8_t kMultiGetKeys = 100;

 private:
  static constexpr std::uint64_t kDiceMask = (1U << 20U) - 1;

  Request take_second();
  Request next_replayed();
  Request other(std::uint64_t dice);
  Request insert();

  SeededRandom random_;
  KeyCount& keys_;
  const std::uint64_t keys_max_;
  KeyChoice choice_;
  std::array<std::uint64_t, 6> below_{};  // Of the dice: for each share of the mix, in its order.
  std::optional<Request> second_;         // Of a read-modify-set.
  std::uint64_t replayed_;
  std::uint64_t replay_next_;
  std::uint64_t replay_step_;
};

}  // namespace phoenix::bench
