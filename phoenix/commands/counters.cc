// Numbers under a key, kept as their decimal digits.
#include <array>
#include <cctype>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <optional>

#include "phoenix/base/check.h"
#include "phoenix/commands/string_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;

void add(Context& context, const Request& request, std::int64_t amount) {
  const Key key = first_key(request);
  EntryView entry;
  std::int64_t value = 0;
  engine::ExpiryMs expires_at_ms = engine::kNoExpiry;
  if (context.keyspace.find(key, context.now_ms, entry)) {
    const auto number = parse_integer(entry.value);
    if (!number) return answer_error(context, kNotAnInteger);
    value = *number;
    expires_at_ms = entry.expires_at_ms;
  }
  if (__builtin_add_overflow(value, amount, &value)) {
    return answer_error(context, "increment or decrement would overflow");
  }
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  put_value(context, key, engine::NewValue::copy_of(text), expires_at_ms);
  context.notify('$', "incrby", key.bytes);
  context.reply.integer(value);
}

void incr(Context& context, const Request& request) {
  add(context, request, 1);
}

void decr(Context& context, const Request& request) {
  add(context, request, -1);
}

void incrby(Context& context, const Request& request) {
  const auto amount = parse_integer(request.args[2]);
  if (!amount) return answer_error(context, kNotAnInteger);
  add(context, request, *amount);
}

void decrby(Context& context, const Request& request) {
  const auto amount = parse_integer(request.args[2]);
  if (!amount) return answer_error(context, kNotAnInteger);
  if (*amount == std::numeric_limits<std::int64_t>::min()) {
    return answer_error(context, "decrement would overflow");
  }
  add(context, request, -*amount);
}

// The longest number that a long double prints is some 5000 digits; no longer one is read.
constexpr std::size_t kRealBytesMax = 5 * 1024;

// What strtold takes, but no space before it and nothing behind it; not a NaN, and no number that
// is too large or too small for the type.
std::optional<long double> parse_real(std::string_view word) {
  if (word.empty() || word.size() >= kRealBytesMax) return std::nullopt;
  if (std::isspace(static_cast<unsigned char>(word[0])) != 0) return std::nullopt;
  std::array<char, kRealBytesMax> text;  // strtold wants a zero at the end.
  std::memcpy(text.data(), word.data(), word.size());
  text[word.size()] = '\0';
  char* end = nullptr;
  errno = 0;
  const long double value = std::strtold(text.data(), &end);
  if (end != text.data() + word.size() || std::isnan(value)) return std::nullopt;
  if (errno == ERANGE && (std::isinf(value) || value == 0)) return std::nullopt;
  return value;
}

// At most 17 digits behind the point, without zeros at the end, and never "-0".
std::string_view print_real(long double value, std::array<char, kRealBytesMax>& room) {
  const int printed = std::snprintf(room.data(), room.size(), "%.17Lf", value);
  PHX_CHECK(printed > 0);
  PHX_CHECK(static_cast<std::size_t>(printed) < room.size());
  std::string_view text(room.data(), static_cast<std::size_t>(printed));
  text = text.substr(0, text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.remove_suffix(1);
  return text == "-0" ? "0" : text;
}

void incrbyfloat(Context& context, const Request& request) {
  constexpr std::string_view kNotAFloat = "value is not a valid float";
  const Key key = first_key(request);
  EntryView entry;
  const bool exists = context.keyspace.find(key, context.now_ms, entry);
  const auto old = exists ? parse_real(entry.value) : 0.0L;
  const auto amount = old ? parse_real(request.args[2]) : std::nullopt;
  if (!amount) return answer_error(context, kNotAFloat);
  const long double value = *old + *amount;
  if (std::isnan(value) || std::isinf(value)) {
    return answer_error(context, "increment would produce NaN or Infinity");
  }
  std::array<char, kRealBytesMax> room;
  const std::string_view text = print_real(value, room);
  const engine::ExpiryMs expires_at_ms = exists ? entry.expires_at_ms : engine::kNoExpiry;
  put_value(context, key, engine::NewValue::copy_of(text), expires_at_ms);
  context.notify('$', "incrbyfloat", key.bytes);
  context.reply.bytes(text);
}

std::uint64_t extra_bytes_of_incrbyfloat(const Context&, const Request&) {
  return kRealBytesMax;
}

constexpr Flags kFlags = Flags::write | Flags::denied_when_full | Flags::fast;

constexpr auto kCommands = std::to_array<Command>({
    {.name = "DECR",
     .arity = 2,
     .flags = kFlags,
     .keys = kOneKey,
     .usage = "DECR key",
     .summary = "Takes one from the integer under a key, as INCR adds it.",
     .since = "0.1",
     .example = "SET n 43 => OK; DECR n => (integer) 42",
     .run = decr},
    {.name = "DECRBY",
     .arity = 3,
     .flags = kFlags,
     .keys = kOneKey,
     .usage = "DECRBY key decrement",
     .summary = "Takes a number from the integer under a key, as INCRBY adds it.",
     .since = "0.1",
     .example = "SET n 50 => OK; DECRBY n 8 => (integer) 42",
     .run = decrby},
    {.name = "INCR",
     .opcode = protocol::Opcode::incr,
     .arity = 2,
     .flags = kFlags,
     .keys = kOneKey,
     .usage = "INCR key",
     .summary = "Adds one to the integer under a key (0 when there is none) and answers it. "
                "Keeps the time to live.",
     .since = "0.1",
     .example = "SET n 41 => OK; INCR n => (integer) 42",
     .run = incr},
    {.name = "INCRBY",
     .arity = 3,
     .flags = kFlags,
     .keys = kOneKey,
     .usage = "INCRBY key increment",
     .summary = "Adds a number, which may be negative, to the integer under a key (0 when there is "
                "none) and answers it. Keeps the time to live.",
     .since = "0.1",
     .example = "SET n 50 => OK; INCRBY n -8 => (integer) 42",
     .run = incrby},
    {.name = "INCRBYFLOAT",
     .arity = 3,
     .flags = kFlags,
     .keys = kOneKey,
     .usage = "INCRBYFLOAT key increment",
     .summary = "Adds a number to the one under a key (0 when there is none), with up to 17 digits "
                "behind the point, and answers it. Keeps the time to live.",
     .since = "0.1",
     .example = "SET n 10.5 => OK; INCRBYFLOAT n 0.1 => \"10.6\"",
     .run = incrbyfloat,
     .extra_bytes = extra_bytes_of_incrbyfloat},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> counter_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
