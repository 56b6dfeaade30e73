// What is asked for: which keys there are, what each of them must hold, and which request comes
// next. A value follows from its key's number, so every hit can be checked without remembering
// anything.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "phoenix/base/random.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// The keys 0 .. count-1 as text: "key:" and zero-padded decimal digits, as many as fill the size.
/// Short keys give up letters of the prefix first.
class Keys final {
 public:
  /// An error when `key_bytes` is too small for `count` distinct keys, or count is 0.
  static Result<Keys> make(std::uint64_t count, std::size_t key_bytes);

  std::uint64_t count() const { return count_; }
  std::size_t key_bytes() const { return key_bytes_; }

  /// Writes the whole key of key_bytes().
  void write(char* key, std::uint64_t number) const;

  /// Changes a key that write() wrote into that of another number: only the digits that differ
  /// between keys of this set.
  void patch(char* key, std::uint64_t number) const {
    char* end = key + key_bytes_;
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

  Keys(std::uint64_t count, std::size_t key_bytes, std::size_t digits);

  std::uint64_t count_;
  std::size_t key_bytes_;
  std::size_t prefix_bytes_;
  unsigned digit_pairs_;
  bool odd_digit_;
};

/// The value that key `number` holds: an endless pattern of 64-bit words, so that a value cut
/// short, shifted, mixed from two or belonging to another key does not match. The first word alone
/// is different for every key.
class ValuePattern final {
 public:
  // The generator mixes all bits and is a bijection: different keys, different first words.
  explicit ValuePattern(std::uint64_t number) : first_(SeededRandom(number).next()) {}

  /// Writes the pattern's first `size` bytes.
  void fill(char* out, std::size_t size) const {
    std::uint64_t bits = first_;
    for (; size >= sizeof bits; size -= sizeof bits, out += sizeof bits, bits += kStep) {
      std::memcpy(out, &bits, sizeof bits);
    }
    std::memcpy(out, &bits, size);
  }

  /// Whether `bytes` are the pattern's bytes from `offset` on.
  [[nodiscard]] bool matches(std::size_t offset, std::string_view bytes) const;

 private:
  static constexpr std::uint64_t kStep = 0x9E3779B97F4A7C15U;  // Odd: no word comes twice.

  std::uint64_t word(std::uint64_t index) const { return first_ + index * kStep; }
  bool byte_matches(std::size_t offset, char byte) const;

  std::uint64_t first_;
};

enum class Verb : std::uint8_t { get, set };

struct Request {
  Verb verb = Verb::get;
  std::uint64_t key = 0;  // Its number.
};

/// Endless random requests: keys uniform, GET with the given share.
class RandomRequests final {
 public:
  /// get_share: 0 (only SET) to 1 (only GET).
  RandomRequests(std::uint64_t key_count, double get_share, std::uint64_t seed);

  Request next() {
    const std::uint64_t bits = random_.next();
    Request request;
    // The high bits choose the key and other, low ones the verb.
    request.key = scale(bits);
    request.verb = (bits & kVerbMask) < get_below_ ? Verb::get : Verb::set;
    return request;
  }

 private:
  __extension__ typedef unsigned __int128 Wide;  // Both compilers have it, the standard not.
  static constexpr std::uint64_t kVerbMask = (1U << 16U) - 1;

  // Maps 64 uniform bits to 0 .. count-1 by a multiplication (Lemire 2016); the bias is below 2^-16
  // for a trillion keys.
  std::uint64_t scale(std::uint64_t bits) const {
    return static_cast<std::uint64_t>((static_cast<Wide>(bits) * key_count_) >> 64U);
  }

  SeededRandom random_;
  std::uint64_t key_count_;
  std::uint64_t get_below_;
};

}  // namespace phoenix::bench
