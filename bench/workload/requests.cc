#include "bench/workload/requests.h"

#include <cmath>

namespace phoenix::bench {

Requests::Requests(const WorkloadOptions& options, std::uint64_t replayed, KeyCount& keys,
                   std::uint64_t keys_max, std::uint32_t part, std::uint32_t parts,
                   std::uint64_t seed)
    : random_(seed),
      keys_(keys),
      keys_max_(keys_max),
      choice_(options.distribution, keys, part, parts),
      replayed_(replayed),
      replay_next_(part),
      replay_step_(parts) {
  const Mix& mix = options.mix;
  const std::array shares{mix.get,      mix.set, mix.del, mix.insert, mix.read_modify_set,
                          mix.multi_get};
  double sum = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    sum += shares[i];
    below_[i] = static_cast<std::uint64_t>(std::llround(sum * (kDiceMask + 1)));
  }
}

Request Requests::take_second() {
  const Request request = *second_;
  second_.reset();
  return request;
}

Request Requests::next_replayed() {
  const std::uint64_t number = replay_next_ % replayed_;
  replay_next_ += replay_step_;
  return {Verb::replayed, 1, number};
}

Request Requests::insert() {
  std::uint64_t number = keys_.load(std::memory_order_relaxed);
  while (number < keys_max_ &&
         !keys_.compare_exchange_weak(number, number + 1, std::memory_order_relaxed)) {
  }
  return {Verb::set, 1, number < keys_max_ ? number : keys_max_ - 1};
}

Request Requests::other(std::uint64_t dice) {
  if (dice < below_[1]) return {Verb::set, 1, choice_.next(random_)};
  if (dice < below_[2]) return {Verb::del, 1, choice_.next(random_)};
  if (dice < below_[3]) return insert();
  const std::uint64_t key = choice_.next(random_);
  if (dice < below_[4]) {
    second_ = Request{Verb::set, 1, key};
    return {Verb::get, 1, key};
  }
  const auto keys = static_cast<std::uint8_t>(1 + random_.below(kMultiGetKeys));
  return {Verb::multi_get, keys, key};
}

}  // namespace phoenix::bench
