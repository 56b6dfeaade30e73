// BITOP: one value made of others, bit by bit.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "phoenix/commands/string_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::Key;

enum class Operation : std::uint8_t { bit_and, bit_or, bit_xor, bit_not };
using Values = std::vector<std::string_view>;

// All that is read for one result: the same large value may be named thousands of times.
constexpr std::uint64_t kSourceBytesMax = std::uint64_t{2} << 30U;
constexpr std::size_t kChunkBytes = std::size_t{16} << 10U;

std::optional<Operation> parse_operation(std::string_view word) {
  if (equals_ignoring_case(word, "AND")) return Operation::bit_and;
  if (equals_ignoring_case(word, "OR")) return Operation::bit_or;
  if (equals_ignoring_case(word, "XOR")) return Operation::bit_xor;
  if (equals_ignoring_case(word, "NOT")) return Operation::bit_not;
  return std::nullopt;
}

Values source_values(Context& context, const Request& request) {
  Values values;
  values.reserve(request.args.size() - 3);
  for (const auto word : request.args.subspan(3)) {
    values.push_back(value_to_read(context, {word, context.keyspace.hash_of(word)}));
  }
  return values;
}

// `out` and its part of one more source, which may be shorter: then zeros follow it.
void combine(Operation operation, char* out, std::size_t out_bytes, std::string_view source) {
  const std::size_t size = std::min(out_bytes, source.size());
  const char* const in = source.data();
  switch (operation) {
    case Operation::bit_and:
      for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(out[i] & in[i]);
      std::memset(out + size, 0, out_bytes - size);
      return;
    case Operation::bit_or:
      for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(out[i] | in[i]);
      return;
    case Operation::bit_xor:
      for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<char>(out[i] ^ in[i]);
      return;
    case Operation::bit_not:
      return;  // It has no more sources.
  }
}

// The bytes of the result from `place` on, in `out`.
void make_chunk(Operation operation, const Values& values, std::size_t place, char* out,
                std::size_t out_bytes) {
  const auto part_of = [&](std::string_view value) {
    return place < value.size() ? value.substr(place, out_bytes) : std::string_view();
  };
  const std::string_view first = part_of(values[0]);
  if (!first.empty()) std::memcpy(out, first.data(), first.size());
  std::memset(out + first.size(), 0, out_bytes - first.size());
  for (std::size_t i = 1; i < values.size(); ++i) {
    combine(operation, out, out_bytes, part_of(values[i]));
  }
  if (operation != Operation::bit_not) return;
  for (std::size_t i = 0; i < out_bytes; ++i) out[i] = static_cast<char>(~out[i]);
}

// False: the system has no memory.
bool make_result(Operation operation, const Values& values, std::size_t size,
                 engine::LargeValue& result) {
  if (!result.reserve(size)) return false;
  std::array<char, kChunkBytes> chunk;
  for (std::size_t place = 0; place < size; place += kChunkBytes) {
    const std::size_t bytes = std::min(kChunkBytes, size - place);
    make_chunk(operation, values, place, chunk.data(), bytes);
    if (!result.append({chunk.data(), bytes})) return false;
  }
  return true;
}

// A result without bytes is no value: the key goes.
void remove_destination(Context& context, const Key& destination) {
  if (context.keyspace.erase(destination, context.now_ms)) {
    context.notify('g', "del", destination.bytes);
  }
  context.reply.integer(0);
}

void bitop(Context& context, const Request& request) {
  const auto operation = parse_operation(request.args[1]);
  if (!operation) return answer_error(context, kSyntaxError);
  if (*operation == Operation::bit_not && request.args.size() != 4) {
    return answer_error(context, "BITOP NOT must be called with a single source key.");
  }
  const Key destination{request.args[2], request.first_key_hash};
  const Values values = source_values(context, request);
  std::uint64_t source_bytes = 0;
  std::size_t size = 0;
  for (const auto value : values) {
    source_bytes += value.size();
    size = std::max(size, value.size());
  }
  if (source_bytes > kSourceBytesMax) {
    return answer_error(context, "the values that BITOP reads are over 2 GiB together");
  }
  if (size == 0) return remove_destination(context, destination);
  context.steps += size + source_bytes / 4;
  const auto result = std::make_shared<engine::LargeValue>(context.keyspace.large_meter());
  if (!make_result(*operation, values, size, *result)) {
    return context.reply.error(protocol::Status::out_of_memory,
                               "the system has no memory for the result: nothing was changed");
  }
  const auto value = size > engine::kSmallValueBytesMax ? engine::NewValue::adopt(result)
                                                        : engine::NewValue::copy_of(result->view());
  put_value(context, destination, value, engine::kNoExpiry);
  context.notify('$', "set", destination.bytes);
  context.reply.integer(static_cast<std::int64_t>(size));
}

// The result is as long as the longest source.
std::uint64_t extra_bytes_of_bitop(const Context& context, const Request& request) {
  std::uint64_t size = 0;
  for (const auto word : request.args.subspan(3)) {
    const Key key{word, context.keyspace.hash_of(word)};
    size = std::max<std::uint64_t>(size, value_of(context, key).size());
  }
  return size;
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "BITOP",
     .arity = -4,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = {2, -1, 1},
     .gather = Gather::same_core,
     .usage = "BITOP operation destkey key [key ...]",
     .summary = "Stores what AND, OR or XOR makes of the bits of values, or NOT of those of one, "
                "and answers its size, that of the longest; the others end in zeros. The keys must "
                "share a core: give them the same {tag}.",
     .since = "0.1",
     .example = "MSET {t}a abc {t}b a => OK; BITOP AND {t}c {t}a {t}b => (integer) 3",
     .run = bitop,
     .extra_bytes = extra_bytes_of_bitop},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> bitop_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
