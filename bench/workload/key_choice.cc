#include "bench/workload/key_choice.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <numeric>
#include <utility>
#include <vector>

#include <fmt/format.h>

namespace phoenix::bench {
namespace {

constexpr double kExponentMax = 10;
// A Zipf over a count that has grown by less than this share is as good.
constexpr std::uint64_t kZipfRenewal = 64;

tl::unexpected<Error> unreadable(std::string_view text) {
  return fail(ErrorCode::invalid,
              fmt::format("--distribution {}: it takes uniform, zipf[:EXPONENT], "
                          "hot[:KEYS:ACCESSES] (shares, 0 to 1), sequential or latest[:EXPONENT]",
                          text));
}

// The numbers behind the name; none when one is not between 0 and `most`.
std::optional<std::vector<double>> parameters(std::string_view text, double most) {
  std::vector<double> numbers;
  while (!text.empty()) {
    text.remove_prefix(1);  // The colon.
    const std::string word(text.substr(0, text.find(':')));
    text.remove_prefix(word.size());
    char* end = nullptr;
    const double number = std::strtod(word.c_str(), &end);
    if (word.empty() || *end != '\0' || !(number > 0 && number <= most)) return std::nullopt;
    numbers.push_back(number);
  }
  return numbers;
}

}  // namespace

Result<Distribution> Distribution::parse(std::string_view text) {
  const std::string_view name = text.substr(0, text.find(':'));
  Distribution result;
  if (name == "zipf") {
    result.kind = Kind::zipf;
  } else if (name == "hot") {
    result.kind = Kind::hot;
  } else if (name == "sequential") {
    result.kind = Kind::sequential;
  } else if (name == "latest") {
    result.kind = Kind::latest;
  } else if (name != "uniform") {
    return unreadable(text);
  }
  const bool is_hot = result.kind == Kind::hot;
  const auto numbers = parameters(text.substr(name.size()), is_hot ? 1 : kExponentMax);
  if (!numbers) return unreadable(text);
  const bool takes_exponent = result.kind == Kind::zipf || result.kind == Kind::latest;
  if (is_hot && numbers->size() == 2) {
    result.hot_keys = (*numbers)[0];
    result.hot_access = (*numbers)[1];
  } else if (takes_exponent && numbers->size() == 1) {
    result.exponent = (*numbers)[0];
  } else if (!numbers->empty()) {
    return unreadable(text);
  }
  return result;
}

std::string Distribution::text() const {
  switch (kind) {
    case Kind::uniform:
      return "uniform";
    case Kind::zipf:
      return fmt::format("zipf:{:g}", exponent);
    case Kind::hot:
      return fmt::format("hot:{:g}:{:g}", hot_keys, hot_access);
    case Kind::sequential:
      return "sequential";
    case Kind::latest:
      return fmt::format("latest:{:g}", exponent);
  }
  return {};
}

std::pair<std::uint64_t, std::uint64_t> share_of(std::uint64_t total, std::uint32_t part,
                                                 std::uint32_t parts) {
  const std::uint64_t each = total / parts;
  const std::uint64_t rest = total % parts;
  const std::uint64_t first = each * part + std::min<std::uint64_t>(part, rest);
  return {first, first + each + (part < rest ? 1 : 0)};
}

KeyChoice::KeyChoice(const Distribution& distribution, const KeyCount& keys, std::uint32_t part,
                     std::uint32_t parts)
    : distribution_(distribution), keys_(keys), first_count_(keys.load()) {
  // Near the golden section: neighbours in rank end up far apart.
  step_ = static_cast<std::uint64_t>(static_cast<double>(first_count_) * 0.6180339887498949) | 1U;
  while (std::gcd(step_, first_count_) != 1) step_ += 2;
  std::tie(sequence_begin_, sequence_end_) = share_of(first_count_, part, parts);
  if (sequence_begin_ == sequence_end_) {  // Fewer keys than threads.
    sequence_begin_ = 0;
    sequence_end_ = first_count_;
  }
  sequence_next_ = sequence_begin_;
}

const Zipf& KeyChoice::zipf_over(std::uint64_t count) {
  if (!zipf_ || count - zipf_count_ > zipf_count_ / kZipfRenewal) {
    zipf_.emplace(count, distribution_.exponent);
    zipf_count_ = count;
  }
  return *zipf_;
}

// A bijection of the keys that were there at the beginning: the hot ones are anywhere.
std::uint64_t KeyChoice::spread(std::uint64_t rank, std::uint64_t count) const {
  return static_cast<std::uint64_t>(static_cast<Wide>(rank) * step_ % count);
}

std::uint64_t KeyChoice::other(SeededRandom& random) {
  const std::uint64_t count = keys_.load(std::memory_order_relaxed);
  switch (distribution_.kind) {
    case Distribution::Kind::zipf:
      return spread(zipf_over(first_count_).draw(random) - 1, first_count_);
    case Distribution::Kind::latest:
      // Its Zipf may be over a few keys less than there are by now: the oldest ones.
      return count - zipf_over(count).draw(random);
    case Distribution::Kind::sequential:
      if (sequence_next_ == sequence_end_) sequence_next_ = sequence_begin_;
      return sequence_next_++;
    case Distribution::Kind::hot: {
      const double share = distribution_.hot_keys * static_cast<double>(first_count_);
      const auto hot =
          std::clamp<std::uint64_t>(static_cast<std::uint64_t>(share + 0.5), 1, first_count_);
      const double unit = static_cast<double>(random.next() >> 11U) * 0x1p-53;
      if (unit < distribution_.hot_access || hot == first_count_) {
        return spread(scale(random.next(), hot), first_count_);
      }
      return spread(hot + scale(random.next(), first_count_ - hot), first_count_);
    }
    case Distribution::Kind::uniform:
      break;
  }
  return scale(random.next(), count);
}

}  // namespace phoenix::bench
