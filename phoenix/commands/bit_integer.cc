#include "phoenix/commands/bit_integer.h"

#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

enum class Side : std::uint8_t { within, above, below };

std::optional<std::int64_t> fit_to(IntegerType type, std::int64_t wrapped, Side side,
                                   Overflow overflow) {
  if (side == Side::within) return wrapped;
  if (overflow == Overflow::fail) return std::nullopt;
  if (overflow == Overflow::wrap) return type.value_of(static_cast<std::uint64_t>(wrapped));
  return side == Side::above ? type.max() : type.min();
}

Side side_of(IntegerType type, std::int64_t value) {
  if (value > type.max()) return Side::above;
  return value < type.min() ? Side::below : Side::within;
}

}  // namespace

std::optional<IntegerType> parse_integer_type(std::string_view word) {
  if (word.empty() || (word[0] != 'i' && word[0] != 'u')) return std::nullopt;
  const bool is_signed = word[0] == 'i';
  const auto bits = parse_unsigned(word.substr(1));
  if (!bits || *bits == 0 || *bits > (is_signed ? 64U : 63U)) return std::nullopt;
  return IntegerType{is_signed, static_cast<unsigned>(*bits)};
}

std::optional<std::int64_t> fit(IntegerType type, std::int64_t wanted, Overflow overflow) {
  const bool is_above = !type.is_signed && wanted < 0;
  return fit_to(type, wanted, is_above ? Side::above : side_of(type, wanted), overflow);
}

std::optional<std::int64_t> fit_sum(IntegerType type, std::int64_t value, std::int64_t amount,
                                    Overflow overflow) {
  std::int64_t sum = 0;
  if (__builtin_add_overflow(value, amount, &sum)) {
    return fit_to(type, sum, amount > 0 ? Side::above : Side::below, overflow);
  }
  return fit_to(type, sum, side_of(type, sum), overflow);
}

}  // namespace phoenix::commands
