// Single bits of a value, and how many or where they are.
#include <array>

#include "phoenix/commands/bit_offset.h"
#include "phoenix/commands/bit_scan.h"
#include "phoenix/commands/string_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;

constexpr std::uint64_t kByteBits = 8;

// Nothing is changed where the bit is there and has the value already.
void setbit(Context& context, const Request& request) {
  const auto bit = parse_bit_offset(request.args[2]);
  if (!bit) return answer_error(context, kNotABitOffset);
  const std::string_view word = request.args[3];
  if (word != "0" && word != "1") {
    return answer_error(context, "bit is not an integer or out of range");
  }
  const bool wanted = word == "1";
  const Key key = first_key(request);
  const std::string_view value = value_of(context, key);
  const bool old = bit_at(value, *bit);
  const std::uint64_t place = *bit / kByteBits;
  if (place >= value.size() || old != wanted) {
    const unsigned byte = place < value.size() ? static_cast<unsigned char>(value[place]) : 0U;
    const unsigned mask = 0x80U >> (*bit % kByteBits);
    const auto changed = static_cast<char>(wanted ? byte | mask : byte & ~mask);
    patch_value(context, key, place, {&changed, 1});
    context.notify('$', "setbit", key.bytes);
  }
  context.reply.integer(old ? 1 : 0);
}

std::uint64_t extra_bytes_of_setbit(const Context& context, const Request& request) {
  const auto bit = parse_bit_offset(request.args[2]);
  return bit ? context.keyspace.patch_effect_bytes(first_key(request), *bit / kByteBits, 1,
                                                   context.now_ms)
             : 0;
}

std::uint64_t setbit_grows_to(const Request& request) {
  const auto bit = parse_bit_offset(request.args[2]);
  return bit ? *bit / kByteBits + 1 : 0;
}

void getbit(Context& context, const Request& request) {
  const auto bit = parse_bit_offset(request.args[2]);
  if (!bit) return answer_error(context, kNotABitOffset);
  context.reply.integer(bit_at(value_to_read(context, first_key(request)), *bit) ? 1 : 0);
}

enum class Unit : std::uint8_t { byte, bit };

std::optional<Unit> parse_unit(std::string_view word) {
  if (equals_ignoring_case(word, "BYTE")) return Unit::byte;
  if (equals_ignoring_case(word, "BIT")) return Unit::bit;
  return std::nullopt;
}

/// The same places as bits.
Span in_bits(const Span& span, Unit unit) {
  if (unit == Unit::bit) return span;
  return {span.first * kByteBits, span.last * kByteBits + kByteBits - 1};
}

std::uint64_t places_of(std::string_view value, Unit unit) {
  return unit == Unit::bit ? value.size() * kByteBits : value.size();
}

std::uint64_t steps_of(const Span& bits) {
  return scan_steps(bits.size() / kByteBits);
}

// Both read some eight times as fast as a block is copied.
constexpr std::size_t kScanPace = 8;

void count_slice(LongJob& job, std::size_t begin, std::size_t end) {
  const std::string_view bytes = job.sources[0]->view().substr(job.detail);
  job.number += count_bits(bytes.substr(begin, end - begin));
}

/// Counts in all bytes in which `bits` stand.
LongJob count_job(const EntryView& entry, const Span& bits) {
  const std::uint64_t first_byte = bits.first / kByteBits;
  LongJob job{count_slice, bits.last / kByteBits - first_byte + 1, {*entry.large}};
  job.detail = first_byte;
  job.pace = kScanPace;
  return job;
}

/// What BITCOUNT is to count. Nothing and no error: there is nothing to count.
struct Counted {
  std::optional<Span> bits;
  std::string_view error;
};

// Of two negative places in the wrong order Redis makes 0 before it looks at the unit.
Counted counted_bits(Args args, std::string_view value) {
  if (args.size() == 3 || args.size() > 5) return {{}, kSyntaxError};
  if (args.size() == 2) {
    return value.empty() ? Counted() : Counted{in_bits({0, value.size() - 1}, Unit::byte), {}};
  }
  const auto start = parse_integer(args[2]);
  const auto end = parse_integer(args[3]);
  if (!start || !end) return {{}, kNotAnInteger};
  if (is_backwards(*start, *end)) return {};
  const auto unit = args.size() == 5 ? parse_unit(args[4]) : Unit::byte;
  if (!unit) return {{}, kSyntaxError};
  const auto span = clamp_span(*start, *end, places_of(value, *unit));
  return span ? Counted{in_bits(*span, *unit), {}} : Counted();
}

LongJob job_of_bitcount(const Context& context, const Request& request) {
  EntryView entry;
  const bool is_large =
      context.keyspace.find(first_key(request), context.now_ms, entry) && entry.large != nullptr;
  if (!is_large) return {};
  const auto bits = counted_bits(request.args, entry.value).bits;
  return bits ? count_job(entry, *bits) : LongJob();
}

// A key that is missing makes 0 of whatever else was asked, in Redis too.
void bitcount(Context& context, const Request& request) {
  EntryView entry;
  if (!find_to_read(context, first_key(request), entry)) return context.reply.integer(0);
  const Counted counted = counted_bits(request.args, entry.value);
  if (!counted.error.empty()) return answer_error(context, counted.error);
  if (!counted.bits) return context.reply.integer(0);
  const Span bits = *counted.bits;
  std::uint64_t count = 0;
  if (entry.large != nullptr) {
    count = finish_job(context, count_job(entry, bits)).number -
            count_bits_outside(entry.value, bits.first, bits.last);
  } else {
    context.steps += steps_of(bits);
    count = count_bits(entry.value, bits.first, bits.last);
  }
  context.reply.integer(static_cast<std::int64_t>(count));
}

struct BitposRange {
  std::int64_t start = 0;
  std::int64_t end = -1;
  Unit unit = Unit::byte;
  bool has_end = false;
};

// Empty: all right; else the error's text. In Redis's order.
std::string_view parse_bitpos_range(Args args, BitposRange& range) {
  if (args.size() > 6) return kSyntaxError;
  if (args.size() > 3) {
    const auto start = parse_integer(args[3]);
    if (!start) return kNotAnInteger;
    range.start = *start;
  }
  if (args.size() == 6) {
    const auto unit = parse_unit(args[5]);
    if (!unit) return kSyntaxError;
    range.unit = *unit;
  }
  if (args.size() > 4) {
    const auto end = parse_integer(args[4]);
    if (!end) return kNotAnInteger;
    range.end = *end;
    range.has_end = true;
  }
  return {};
}

/// The bytes that have none of the bits that are looked for; it ends at the first that has.
void find_slice(LongJob& job, std::size_t begin, std::size_t end) {
  const bool wanted = job.detail % 2 == 1;
  const std::string_view bytes = job.sources[0]->view().substr(job.detail / 2 + begin, end - begin);
  job.number = begin + bytes_without(bytes, wanted);
  if (job.number < end) job.done_bytes = job.size_bytes;
}

/// Looks through the bytes behind that of the first bit and before that of the last.
LongJob find_job(const EntryView& entry, bool wanted, const Span& bits) {
  const std::uint64_t first_byte = bits.first / kByteBits;
  const std::uint64_t last_byte = bits.last / kByteBits;
  if (last_byte < first_byte + 2) return {};
  LongJob job{find_slice, last_byte - first_byte - 1, {*entry.large}};
  job.detail = (first_byte + 1) * 2 + (wanted ? 1 : 0);
  job.pace = kScanPace;
  return job;
}

std::optional<Span> bits_of(const EntryView& entry, const BitposRange& range) {
  const auto span = clamp_span(range.start, range.end, places_of(entry.value, range.unit));
  return span ? std::optional(in_bits(*span, range.unit)) : std::nullopt;
}

LongJob job_of_bitpos(const Context& context, const Request& request) {
  EntryView entry;
  const bool is_large =
      context.keyspace.find(first_key(request), context.now_ms, entry) && entry.large != nullptr;
  BitposRange range;
  if (!is_large || !parse_bitpos_range(request.args, range).empty()) return {};
  const auto bits = bits_of(entry, range);
  return bits ? find_job(entry, request.args[2] == "1", *bits) : LongJob();
}

// Behind a value there are zeros, unless its end was told.
std::int64_t position_of(Context& context, const EntryView& entry, bool wanted,
                         const BitposRange& range) {
  constexpr std::int64_t kNone = -1;
  const auto bits = bits_of(entry, range);
  if (!bits) return kNone;
  const bool is_large = entry.large != nullptr;
  const LongJob job = is_large ? find_job(entry, wanted, *bits) : LongJob();
  std::size_t bytes_known = 0;
  if (job) {
    bytes_known = finish_job(context, job).number;
  } else {
    context.steps += steps_of(*bits);
  }
  const auto found = find_bit(entry.value, wanted, bits->first, bits->last, bytes_known);
  if (found) return static_cast<std::int64_t>(*found);
  return wanted || range.has_end ? kNone : static_cast<std::int64_t>(bits->last + 1);
}

void bitpos(Context& context, const Request& request) {
  const auto wanted = parse_integer(request.args[2]);
  if (!wanted) return answer_error(context, kNotAnInteger);
  if (*wanted != 0 && *wanted != 1) {
    return answer_error(context, "The bit argument must be 1 or 0.");
  }
  EntryView entry;
  if (!find_to_read(context, first_key(request), entry)) {
    return context.reply.integer(*wanted == 1 ? -1 : 0);
  }
  BitposRange range;
  const auto error = parse_bitpos_range(request.args, range);
  if (!error.empty()) return answer_error(context, error);
  context.reply.integer(position_of(context, entry, *wanted == 1, range));
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "BITCOUNT",
     .arity = -2,
     .flags = Flags::readonly | Flags::has_long_job,
     .keys = kOneKey,
     .usage = "BITCOUNT key [start end [BYTE | BIT]]",
     .summary = "Answers how many bits of a value are set, of all or of those between two places, "
                "which are bytes, or bits with BIT; negative ones count from the end.",
     .since = "0.1",
     .example = "SET a foobar => OK; BITCOUNT a => (integer) 26; BITCOUNT a 1 1 => (integer) 6",
     .run = bitcount,
     .long_job = job_of_bitcount},
    {.name = "BITPOS",
     .arity = -3,
     .flags = Flags::readonly | Flags::has_long_job,
     .keys = kOneKey,
     .usage = "BITPOS key bit [start [end [BYTE | BIT]]]",
     .summary = "Answers where the first bit that is 1 or 0 stands in a value, or between two "
                "places of it, and -1 when there is none. Behind a value whose end is not given "
                "there are zeros.",
     .since = "0.1",
     .example = "SET a foobar => OK; BITPOS a 1 => (integer) 1; BITPOS a 0 1 => (integer) 8",
     .run = bitpos,
     .long_job = job_of_bitpos},
    {.name = "GETBIT",
     .arity = 3,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "GETBIT key offset",
     .summary = "Answers one bit of a value; 0 is the highest of the first byte, and past the end "
                "all are 0.",
     .since = "0.1",
     .example = "SETBIT a 7 1 => (integer) 0; GETBIT a 7 => (integer) 1",
     .run = getbit},
    {.name = "SETBIT",
     .arity = 4,
     .flags = Flags::write | Flags::denied_when_full | Flags::has_long_job,
     .keys = kOneKey,
     .usage = "SETBIT key offset value",
     .summary = "Sets one bit of a value to 0 or 1 and answers what it was. The value grows where "
                "it must.",
     .since = "0.1",
     .example = "SETBIT a 1 1 => (integer) 0; GET a => \"@\"",
     .run = setbit,
     .extra_bytes = extra_bytes_of_setbit,
     .grows_to = setbit_grows_to,
     .long_job = job_before_patch},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> bit_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
