#include "bench/workload/keys.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace phoenix::bench {
namespace {

constexpr std::string_view kPrefix = "key:";

std::size_t decimal_digits(std::uint64_t number) {
  return std::to_string(number).size();
}

}  // namespace

Result<Keys> Keys::make(std::uint64_t count, Sizes sizes) {
  if (count == 0) return fail(ErrorCode::invalid, "--keys 0: at least one key is needed");
  const std::size_t digits = decimal_digits(count - 1);
  if (digits > sizes.min()) {
    return fail(ErrorCode::invalid,
                fmt::format("--key-size {}: too small for --keys {}, whose numbers have {} digits",
                            sizes.text(), count, digits));
  }
  return Keys(count, std::move(sizes), digits);
}

// The prefix gives way to the digits of the smallest keys, so that all begin alike.
Keys::Keys(std::uint64_t count, Sizes sizes, std::size_t digits)
    : count_(count),
      sizes_(std::move(sizes)),
      blank_(kPrefix.substr(0, sizes_.min() - digits)),
      digit_pairs_(static_cast<unsigned>(digits / 2)),
      odd_digit_(digits % 2 != 0) {
  blank_.resize(sizes_.max(), '0');
}

}  // namespace phoenix::bench
