// Parts of a value: told, changed, added. What changes is the part alone, in memory and in the log.
#include <algorithm>
#include <array>
#include <memory>

#include "phoenix/commands/string_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"
#include "phoenix/engine/entry.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;

constexpr std::string_view kTooLong = "string exceeds maximum allowed size (proto-max-bulk-len)";

bool fits(std::uint64_t offset, std::size_t part_bytes) {
  return part_bytes <= engine::kEntryValueBytesMax &&
         offset <= engine::kEntryValueBytesMax - part_bytes;
}

void strlen(Context& context, const Request& request) {
  const auto size = value_to_read(context, first_key(request)).size();
  context.reply.integer(static_cast<std::int64_t>(size));
}

// A long part is sent from where it lies, and keeps the whole value until it was sent: a change of
// that makes a copy then, which a shorter part is not worth.
void answer_part(Context& context, const EntryView& entry, const Span& span) {
  constexpr std::size_t kCopiedBytesMax = std::size_t{4} << 20U;
  const std::string_view part = entry.value.substr(span.first, span.size());
  if (part.size() <= engine::kSmallValueBytesMax) return context.reply.bytes(part);
  if (part.size() > kCopiedBytesMax) {
    return context.reply.large(
        std::make_shared<engine::LargeValue>(*entry.large, span.first, span.size()));
  }
  const auto block = std::make_shared<engine::LargeValue>(context.keyspace.large_meter());
  if (!block->reserve(part.size()) || !block->append(part)) {
    return context.reply.error(protocol::Status::out_of_memory,
                               "the system has no memory for the answer: ask for less at a time");
  }
  context.steps += part.size();
  context.reply.large(block);
}

void getrange(Context& context, const Request& request) {
  const auto start = parse_integer(request.args[2]);
  const auto end = parse_integer(request.args[3]);
  if (!start || !end) return answer_error(context, kNotAnInteger);
  EntryView entry;
  if (!find_to_read(context, first_key(request), entry)) return context.reply.bytes({});
  const auto span = clamp_span(*start, *end, entry.value.size());
  if (!span || is_backwards(*start, *end)) return context.reply.bytes({});
  if (span->size() == entry.value.size()) return answer_value(context, entry);
  answer_part(context, entry, *span);
}

void append(Context& context, const Request& request) {
  const Key key = first_key(request);
  const std::string_view part = request.args[2];
  EntryView entry;
  const bool exists = context.keyspace.find(key, context.now_ms, entry);
  const std::size_t size = exists ? entry.value.size() : 0;
  if (!fits(size, part.size())) return answer_error(context, kTooLong);
  if (!exists) {
    put_value(context, key, request.value_at(2), engine::kNoExpiry);
  } else if (!part.empty()) {
    patch_value(context, key, size, request.value_at(2));
  }
  context.notify('$', "append", key.bytes);
  context.reply.integer(static_cast<std::int64_t>(size + part.size()));
}

std::uint64_t patch_bytes(const Context& context, const Request& request, std::uint64_t offset,
                          const engine::NewValue& part) {
  const std::size_t part_bytes = part.bytes.size();
  return fits(offset, part_bytes)
             ? context.keyspace.patch_effect_bytes(first_key(request), offset, part_bytes,
                                                   context.now_ms, part.large != nullptr)
             : 0;
}

std::uint64_t extra_bytes_of_append(const Context& context, const Request& request) {
  const std::size_t size = value_of(context, first_key(request)).size();
  return patch_bytes(context, request, size, request.value_at(2));
}

std::uint64_t append_grows_to(const Request& request) {
  return request.args[2].size();
}

void setrange(Context& context, const Request& request) {
  const auto offset = parse_integer(request.args[2]);
  if (!offset) return answer_error(context, kNotAnInteger);
  if (*offset < 0) return answer_error(context, "offset is out of range");
  const Key key = first_key(request);
  const std::string_view part = request.args[3];
  const std::size_t size = value_of(context, key).size();
  if (part.empty()) return context.reply.integer(static_cast<std::int64_t>(size));
  const auto at = static_cast<std::uint64_t>(*offset);
  if (!fits(at, part.size())) return answer_error(context, kTooLong);
  patch_value(context, key, at, request.value_at(3));
  context.notify('$', "setrange", key.bytes);
  context.reply.integer(static_cast<std::int64_t>(std::max(size, at + part.size())));
}

std::uint64_t extra_bytes_of_setrange(const Context& context, const Request& request) {
  const auto offset = parse_unsigned(request.args[2]);
  const auto part = request.value_at(3);
  return offset && !part.bytes.empty() ? patch_bytes(context, request, *offset, part) : 0;
}

std::uint64_t setrange_grows_to(const Request& request) {
  const auto offset = parse_unsigned(request.args[2]);
  const std::size_t part_bytes = request.args[3].size();
  return offset && fits(*offset, part_bytes) ? *offset + part_bytes : 0;
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "APPEND",
     .arity = 3,
     .flags = Flags::write | Flags::denied_when_full | Flags::has_long_job | Flags::fast,
     .keys = kOneKey,
     .usage = "APPEND key value",
     .summary = "Adds bytes to the end of a value, which may be new, and answers its size.",
     .since = "0.1",
     .example = "APPEND a foo => (integer) 3; APPEND a bar => (integer) 6; GET a => \"foobar\"",
     .run = append,
     .extra_bytes = extra_bytes_of_append,
     .grows_to = append_grows_to,
     .long_job = job_before_patch},
    {.name = "GETRANGE",
     .arity = 4,
     .flags = Flags::readonly,
     .keys = kOneKey,
     .usage = "GETRANGE key start end",
     .summary = "Answers the bytes of a value from one place to another, both included; negative "
                "ones count from the end, -1 is the last.",
     .since = "0.1",
     .example = "SET a foobar => OK; GETRANGE a -3 -1 => \"bar\"",
     .run = getrange},
    {.name = "SETRANGE",
     .arity = 4,
     .flags = Flags::write | Flags::denied_when_full | Flags::has_long_job,
     .keys = kOneKey,
     .usage = "SETRANGE key offset value",
     .summary = "Writes bytes over a value from a place on and answers its size. Zeros fill what "
                "lies between the end of the value and the place.",
     .since = "0.1",
     .example = "SET a foobar => OK; SETRANGE a 3 tal => (integer) 6; GET a => \"footal\"",
     .run = setrange,
     .extra_bytes = extra_bytes_of_setrange,
     .grows_to = setrange_grows_to,
     .long_job = job_before_patch},
    {.name = "STRLEN",
     .arity = 2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "STRLEN key",
     .summary = "Answers the bytes of a value, 0 when there is none.",
     .since = "0.1",
     .example = "SET a foobar => OK; STRLEN a => (integer) 6",
     .run = strlen},
    {.name = "SUBSTR",
     .arity = 4,
     .flags = Flags::readonly,
     .keys = kOneKey,
     .usage = "SUBSTR key start end",
     .summary = "GETRANGE by its old name.",
     .since = "0.1",
     .example = "SET a foobar => OK; SUBSTR a 0 2 => \"foo\"",
     .run = getrange},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> range_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
