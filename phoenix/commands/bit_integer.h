// Integers of 1 to 64 bits anywhere in a row of bits, the highest bit first, as BITFIELD has them.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace phoenix::commands {

/// i1 to i64, u1 to u63.
struct IntegerType {
  bool is_signed = false;
  unsigned bits = 0;

  std::int64_t max() const {
    constexpr auto kMax = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    return static_cast<std::int64_t>(kMax >> (63U - (is_signed ? bits - 1 : bits)));
  }
  std::int64_t min() const { return is_signed ? -max() - 1 : 0; }

  /// What the lowest `bits` of a pattern are as a number of this type.
  std::int64_t value_of(std::uint64_t pattern) const {
    const unsigned unused = 64U - bits;
    const std::uint64_t high = pattern << unused;
    return is_signed ? static_cast<std::int64_t>(high) >> unused
                     : static_cast<std::int64_t>(high >> unused);
  }
};

std::optional<IntegerType> parse_integer_type(std::string_view word);

enum class Overflow : std::uint8_t { wrap, saturate, fail };

/// What is stored for `wanted`, a number that may be too large or too small for its type. As an
/// unsigned one a negative is too large, as in Redis. Nothing: it does not fit and Overflow::fail.
std::optional<std::int64_t> fit(IntegerType type, std::int64_t wanted, Overflow overflow);

/// The same for a sum, which need not fit in 64 bits.
std::optional<std::int64_t> fit_sum(IntegerType type, std::int64_t value, std::int64_t amount,
                                    Overflow overflow);

}  // namespace phoenix::commands
