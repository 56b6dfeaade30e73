// Values in the form in which Redis hands them from server to server.
#include <algorithm>
#include <array>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "phoenix/base/crc64.h"
#include "phoenix/commands/expiry_words.h"
#include "phoenix/commands/key_words.h"
#include "phoenix/commands/rdb_string.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;
using engine::NewValue;
using protocol::Status;

constexpr std::string_view kNoMemory = "the system has no memory for the value";

// Of a large value: the payload, and the checksum on the way.
void dump_slice(LongJob& job, std::size_t begin, std::size_t end) {
  const std::string head = begin == 0 ? serialized_head(job.size_bytes) : std::string();
  const std::string_view slice = job.sources[0]->view().substr(begin, end - begin);
  auto* const payload = job.result_of(head.size() + job.size_bytes + kSerializedFooterBytes);
  if (payload == nullptr) return;
  job.number = crc64(crc64(job.number, head), slice);
  job.has_failed = !payload->append(head) || !payload->append(slice) ||
                   (end == job.size_bytes && !payload->append(serialized_footer(job.number)));
}

LongJob dump_job(const Context& context, const EntryView& entry) {
  LongJob job{dump_slice, entry.value.size(), {*entry.large}};
  job.meter = context.keyspace.large_meter();
  job.reply_bytes = job.size_bytes;
  return job;
}

LongJob job_of_dump(const Context& context, const Request& request) {
  EntryView entry;
  const bool is_large =
      context.keyspace.find(first_key(request), context.now_ms, entry) && entry.large != nullptr;
  return is_large ? dump_job(context, entry) : LongJob();
}

void dump(Context& context, const Request& request) {
  EntryView entry;
  if (!find_to_read(context, first_key(request), entry)) return context.reply.nil();
  if (entry.large == nullptr) {
    context.steps += entry.value.size();
    return context.reply.bytes(serialize(entry.value));
  }
  const LongJob job = finish_job(context, dump_job(context, entry));
  if (job.has_failed) return context.reply.error(Status::out_of_memory, kNoMemory);
  context.reply.large(job.result);
}

struct RestoreOptions {
  bool replaces = false;
  bool time_is_absolute = false;
  bool has_idle_time = false;
  bool has_frequency = false;
  std::string_view error;  // Empty: all right.
};

// Both are of no use here, and checked all the same.
std::string_view check_use(std::string_view word, std::int64_t max, std::string_view out_of_range) {
  const auto number = parse_integer(word);
  if (!number) return kNotAnInteger;
  return *number < 0 || *number > max ? out_of_range : std::string_view();
}

RestoreOptions parse_restore_options(Args words) {
  constexpr std::int64_t kFrequencyMax = 255;
  RestoreOptions options;
  for (std::size_t i = 0; i < words.size() && options.error.empty(); ++i) {
    const bool has_value = i + 1 < words.size();
    if (equals_ignoring_case(words[i], "REPLACE")) {
      options.replaces = true;
    } else if (equals_ignoring_case(words[i], "ABSTTL")) {
      options.time_is_absolute = true;
    } else if (equals_ignoring_case(words[i], "IDLETIME") && has_value && !options.has_frequency) {
      options.has_idle_time = true;
      options.error = check_use(words[++i], std::numeric_limits<std::int64_t>::max(),
                                "Invalid IDLETIME value, must be >= 0");
    } else if (equals_ignoring_case(words[i], "FREQ") && has_value && !options.has_idle_time) {
      options.has_frequency = true;
      options.error =
          check_use(words[++i], kFrequencyMax, "Invalid FREQ value, must be >= 0 and <= 255");
    } else {
      options.error = kSyntaxError;
    }
  }
  return options;
}

/// When the key dies; kNoExpiry for never.
struct RestoredTime {
  engine::ExpiryMs at_ms = engine::kNoExpiry;
  std::string_view error;  // Empty: all right.
};

RestoredTime restored_time(std::string_view word, bool is_absolute, std::int64_t now_ms) {
  const auto ttl_ms = parse_integer(word);
  if (!ttl_ms) return {0, kNotAnInteger};
  if (*ttl_ms < 0) return {0, "Invalid TTL value, must be >= 0"};
  if (*ttl_ms == 0) return {};
  const auto at_ms = expiry_from(*ttl_ms, TimeUnit::milliseconds, is_absolute, now_ms);
  if (!at_ms) return {0, "invalid expire time in 'restore' command"};
  return {*at_ms, {}};
}

/// A value to store and what it views.
struct RestoredValue {
  std::string digits;
  std::shared_ptr<engine::LargeValue> block;
  std::string_view bytes;

  NewValue to_store() const {
    const bool is_large = block != nullptr && bytes.size() > engine::kSmallValueBytesMax;
    return is_large ? NewValue::adopt(block) : NewValue::copy_of(bytes);
  }
};

std::string_view read_value(const SerializedString& string, RestoredValue& value) {
  constexpr std::string_view kBadFormat = "Bad data format";
  if (string.form == SerializedString::Form::integer) {
    value.digits = std::to_string(string.integer);
    value.bytes = value.digits;
    return {};
  }
  if (string.form == SerializedString::Form::plain &&
      string.bytes.size() <= engine::kSmallValueBytesMax) {
    value.bytes = string.bytes;
    return {};
  }
  value.block = std::make_shared<engine::LargeValue>();
  if (!value.block->reserve(static_cast<std::size_t>(string.size_bytes))) return kNoMemory;
  const bool is_right = string.form == SerializedString::Form::plain
                            ? value.block->append(string.bytes)
                            : decompress(string, *value.block);
  value.bytes = value.block->view();
  return is_right ? std::string_view() : kBadFormat;
}

/// A long value as it is; nothing for others.
std::string_view long_value_in(std::string_view payload) {
  const auto string = read_payload(payload);
  const bool is_long = string && string->form == SerializedString::Form::plain &&
                       string->bytes.size() > engine::kSmallValueBytesMax;
  return is_long ? string->bytes : std::string_view();
}

// The checksum, and such a value.
void restore_slice(LongJob& job, std::size_t begin, std::size_t end) {
  const std::string_view payload = job.sources[0]->view();
  job.number = crc64(job.number, payload.substr(begin, end - begin));
  const std::string_view value = long_value_in(payload);
  if (value.empty()) return;
  const auto from = static_cast<std::size_t>(value.data() - payload.data());
  const std::size_t first = std::max(begin, from);
  const std::size_t last = std::min(end, from + value.size());
  if (first >= last) return;
  auto* const copy = job.result_of(value.size());
  if (copy != nullptr) job.has_failed = !copy->append(payload.substr(first, last - first));
}

// Of a payload that came as a block.
LongJob job_of_restore(const Context& context, const Request& request) {
  const std::string_view payload = request.args[3];
  const bool is_block = request.large != nullptr && *request.large != nullptr &&
                        (*request.large)->view().data() == payload.data() &&
                        payload.size() > engine::kSmallValueBytesMax;
  if (!is_block) return {};
  LongJob job{restore_slice, payload.size() - kSerializedCrcBytes, {*request.large}};
  job.meter = context.keyspace.large_meter();
  return job;
}

std::string_view read_restored(Context& context, const Request& request, RestoredValue& value) {
  const std::string_view payload = request.args[3];
  LongJob job = job_of_restore(context, request);
  if (job) job = finish_job(context, std::move(job));
  if (job.has_failed) return kNoMemory;
  const bool is_valid = job ? has_valid_footer(payload, job.number) : has_valid_footer(payload);
  if (!is_valid) return "DUMP payload version or checksum are wrong";
  if (is_of_other_type(payload)) {
    return "Bad data format: it is of a type that this server does not have, which keeps strings";
  }
  const auto string = read_payload(payload);
  if (!string) return "Bad data format";
  if (job.result == nullptr) return read_value(*string, value);
  value.block = std::move(job.result);
  value.bytes = value.block->view();
  return {};
}

// A time that is over leaves nothing: neither the new value nor the old one.
void store_restored(Context& context, const Key& key, const RestoredValue& value,
                    engine::ExpiryMs at_ms) {
  if (at_ms != engine::kNoExpiry && at_ms <= context.now_ms) {
    if (context.keyspace.erase(key, context.now_ms)) context.notify('g', "del", key.bytes);
    return;
  }
  context.keyspace.put(key, value.to_store(), at_ms);
  context.notify('n', "new", key.bytes);
  context.notify('g', "restore", key.bytes);
}

void restore(Context& context, const Request& request) {
  const RestoreOptions options = parse_restore_options(request.args.subspan(4));
  if (!options.error.empty()) return context.reply.error(Status::error, options.error);
  const Key key = first_key(request);
  EntryView entry;
  if (!options.replaces && context.keyspace.find(key, context.now_ms, entry)) {
    return context.reply.error(Status::busy_key, "Target key name already exists.");
  }
  const RestoredTime time =
      restored_time(request.args[2], options.time_is_absolute, context.now_ms);
  if (!time.error.empty()) return context.reply.error(Status::error, time.error);
  RestoredValue value;
  const std::string_view error = read_restored(context, request, value);
  context.steps += value.block == nullptr ? request.args[3].size() : 0;
  if (!error.empty()) {
    const bool is_memory = error == kNoMemory;
    return context.reply.error(is_memory ? Status::out_of_memory : Status::error, error);
  }
  store_restored(context, key, value, time.at_ms);
  context.reply.ok();
}

// A compressed value becomes longer than the words.
std::uint64_t size_when_restored(const Context&, const Request& request) {
  const auto string = read_payload(request.args[3]);
  return string ? string->size_bytes : 0;
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "DUMP",
     .arity = 2,
     .flags = Flags::readonly | Flags::has_long_job,
     .keys = kOneKey,
     .usage = "DUMP key",
     .summary = "Answers the value of a key in Redis's serialized form (of Redis 7.0), or nil. The "
                "time to live is not in it.",
     .since = "0.1",
     .example = "DUMP missing => (nil)",
     .run = dump,
     .long_job = job_of_dump},
    {.name = "RESTORE",
     .arity = -4,
     .flags = Flags::write | Flags::denied_when_full | Flags::has_long_job,
     .keys = kOneKey,
     .usage = "RESTORE key ttl serialized-value [REPLACE] [ABSTTL] [IDLETIME seconds] "
              "[FREQ frequency]",
     .summary = "Stores what DUMP of this server or of a Redis up to 7.0 answered for a string. "
                "The time to live is in milliseconds, 0 for none, with ABSTTL a Unix time; an "
                "existing key is only replaced with REPLACE. IDLETIME and FREQ mean nothing here.",
     .since = "0.1",
     .example = "RESTORE a 0 x => (error) ERR DUMP payload version or checksum are wrong",
     .run = restore,
     .extra_bytes = size_when_restored,
     .long_job = job_of_restore},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> dump_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
