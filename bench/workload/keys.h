// Which keys there are: a key follows from its number, and all of one run are distinct.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "bench/workload/sizes.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// The keys 0 .. count-1 as text: "key:" and zero-padded decimal digits, as many as fill the size.
/// Short keys give up letters of the prefix first. Where sizes differ, each key has its own.
class Keys final {
 public:
  /// An error when the smallest size is too small for `count` distinct keys, or count is 0.
  static Result<Keys> make(std::uint64_t count, Sizes sizes);

  std::uint64_t count() const { return count_; }
  const Sizes& sizes() const { return sizes_; }
  std::size_t bytes_of(std::uint64_t number) const { return sizes_.of(number); }

  /// The n-th key behind `number`; behind the last one comes the first.
  std::uint64_t behind(std::uint64_t number, std::uint64_t n) const {
    return (number + n) % count_;
  }

  /// Writes the whole key of bytes_of(number).
  void write(char* key, std::uint64_t number) const {
    const std::size_t bytes = bytes_of(number);
    std::memcpy(key, blank_.data(), bytes);
    char* end = key + bytes;
    std::uint64_t rest = number;
    for (unsigned i = 0; i < digit_pairs_; ++i) {
      const std::uint64_t next = rest / 100;
      end -= 2;
      std::memcpy(end, kDigitPairs.data() + 2 * (rest - next * 100), 2);
      rest = next;
    }
    if (odd_digit_) end[-1] = static_cast<char>('0' + rest);
  }

 private:
  static constexpr std::string_view kDigitPairs =
      "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
      "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
      "8081828384858687888990919293949596979899";

  Keys(std::uint64_t count, Sizes sizes, std::size_t digits);

  std::uint64_t count_;
  Sizes sizes_;
  std::string blank_;  // The longest key without its number; shorter ones begin alike.
  unsigned digit_pairs_;
  bool odd_digit_;
};

}  // namespace phoenix::bench
