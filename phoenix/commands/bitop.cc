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

using engine::EntryView;
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

std::size_t longest_of(const Values& values) {
  std::size_t size = 0;
  for (const auto value : values) size = std::max(size, value.size());
  return size;
}

// False: the system has no memory.
bool make_part(Operation operation, const Values& values, std::size_t begin, std::size_t end,
               engine::LargeValue& result) {
  std::array<char, kChunkBytes> chunk;
  for (std::size_t place = begin; place < end; place += kChunkBytes) {
    const std::size_t bytes = std::min(kChunkBytes, end - place);
    make_chunk(operation, values, place, chunk.data(), bytes);
    if (!result.append({chunk.data(), bytes})) return false;
  }
  return true;
}

void bitop_slice(LongJob& job, std::size_t begin, std::size_t end) {
  auto* const result = job.result_of(job.size_bytes);
  if (result == nullptr) return;
  Values values;
  for (const auto& source : job.sources) values.push_back(source->view());
  job.has_failed = !make_part(static_cast<Operation>(job.detail), values, begin, end, *result);
}

// Of a few values: what is short of them is copied each time that the job is asked for.
LongJob job_of_bitop(const Context& context, const Request& request) {
  constexpr std::size_t kSourcesMax = 16;
  const auto operation = parse_operation(request.args[1]);
  const Args keys = request.args.subspan(3);
  if (!operation || keys.size() > kSourcesMax) return {};
  if (*operation == Operation::bit_not && keys.size() != 1) return {};
  LongJob job{bitop_slice};
  for (const auto word : keys) {
    EntryView entry;
    const Key key{word, context.keyspace.hash_of(word)};
    const bool exists = context.keyspace.find(key, context.now_ms, entry);
    if (exists && entry.large != nullptr) {
      job.sources.push_back(*entry.large);
    } else {
      const auto block = std::make_shared<engine::LargeValue>();
      if (exists && !block->append(entry.value)) return {};
      job.sources.push_back(block);
    }
    job.size_bytes = std::max(job.size_bytes, job.sources.back()->size_bytes());
  }
  job.detail = static_cast<std::uint64_t>(*operation);
  job.meter = context.keyspace.large_meter();
  return job;
}

// Null: the system has no memory.
std::shared_ptr<engine::LargeValue> make_result(Context& context, const Request& request,
                                                Operation operation, const Values& values) {
  const std::size_t size = longest_of(values);
  if (size > engine::kSmallValueBytesMax) {
    if (const LongJob job = job_of_bitop(context, request)) {
      const LongJob done = finish_job(context, job);
      return done.has_failed ? nullptr : done.result;
    }
  }
  auto result = std::make_shared<engine::LargeValue>(context.keyspace.large_meter());
  context.steps += size;
  const bool is_made = result->reserve(size) && make_part(operation, values, 0, size, *result);
  return is_made ? result : nullptr;
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
  for (const auto value : values) source_bytes += value.size();
  const std::size_t size = longest_of(values);
  if (source_bytes > kSourceBytesMax) {
    return answer_error(context, "the values that BITOP reads are over 2 GiB together");
  }
  if (size == 0) return remove_destination(context, destination);
  context.steps += source_bytes / 4;
  const auto result = make_result(context, request, *operation, values);
  if (result == nullptr) {
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
     .flags = Flags::write | Flags::denied_when_full | Flags::has_long_job,
     .keys = {2, -1, 1},
     .gather = Gather::same_core,
     .usage = "BITOP operation destkey key [key ...]",
     .summary = "Stores what AND, OR or XOR makes of the bits of values, or NOT of those of one, "
                "and answers its size, that of the longest; the others end in zeros. The keys must "
                "share a core: give them the same {tag}.",
     .since = "0.1",
     .example = "MSET {t}a abc {t}b a => OK; BITOP AND {t}c {t}a {t}b => (integer) 3",
     .run = bitop,
     .extra_bytes = extra_bytes_of_bitop,
     .long_job = job_of_bitop},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> bitop_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
