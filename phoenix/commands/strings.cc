// Strings: one value under one key.
#include <array>
#include <charconv>
#include <limits>

#include "phoenix/commands/expiry_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;
using protocol::Status;

Key first_key(const Request& request) {
  return Key{request.args[1], request.first_key_hash};
}

void answer_value(ReplySink& reply, const EntryView& entry) {
  if (entry.large != nullptr) {
    reply.large(*entry.large);
  } else {
    reply.bytes(entry.value);
  }
}

void get(Context& context, const Request& request) {
  EntryView entry;
  if (context.keyspace.find(first_key(request), context.now_ms, entry)) {
    answer_value(context.reply, entry);
  } else {
    context.reply.nil();
  }
}

// What SET was asked for, from flags (short form) or words (argv).
struct SetOptions {
  bool if_absent = false;
  bool if_present = false;
  bool keep_ttl = false;
  bool return_old = false;
  bool has_time = false;
  bool time_is_absolute = false;
  TimeUnit unit = TimeUnit::milliseconds;
  std::int64_t time = 0;
};

bool parse_time_option(std::string_view word, SetOptions& options) {
  struct Row {
    std::string_view word;
    TimeUnit unit;
    bool is_absolute;
  };
  static constexpr std::array<Row, 4> kRows{{{"EX", TimeUnit::seconds, false},
                                             {"PX", TimeUnit::milliseconds, false},
                                             {"EXAT", TimeUnit::seconds, true},
                                             {"PXAT", TimeUnit::milliseconds, true}}};
  for (const auto& row : kRows) {
    if (!equals_ignoring_case(word, row.word)) continue;
    options.unit = row.unit;
    options.time_is_absolute = row.is_absolute;
    return true;
  }
  return false;
}

constexpr std::string_view kSyntaxError = "syntax error";
constexpr std::string_view kNotAnInteger = "value is not an integer or out of range";
constexpr std::string_view kInvalidExpiry = "invalid expire time in 'set' command";

// Empty: all right; else the error's text.
std::string_view parse_set_words(Args words, SetOptions& options) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (equals_ignoring_case(word, "NX")) {
      options.if_absent = true;
    } else if (equals_ignoring_case(word, "XX")) {
      options.if_present = true;
    } else if (equals_ignoring_case(word, "KEEPTTL")) {
      options.keep_ttl = true;
    } else if (equals_ignoring_case(word, "GET")) {
      options.return_old = true;
    } else if (!options.has_time && parse_time_option(word, options)) {
      if (++i == words.size()) return kSyntaxError;
      const auto time = parse_integer(words[i]);
      if (!time) return kNotAnInteger;
      options.has_time = true;
      options.time = *time;
    } else {
      return kSyntaxError;
    }
  }
  return {};
}

std::string_view parse_set(const Request& request, SetOptions& options) {
  options.if_absent = (request.flags & protocol::kIfAbsent) != 0;
  options.if_present = (request.flags & protocol::kIfPresent) != 0;
  options.keep_ttl = (request.flags & protocol::kKeepTtl) != 0;
  options.return_old = (request.flags & protocol::kReturnOld) != 0;
  if ((request.flags & protocol::kHasTtl) != 0) {
    if (request.ttl_ms > static_cast<std::uint64_t>(engine::kExpiryMsMax)) return kInvalidExpiry;
    options.has_time = true;
    options.time_is_absolute = (request.flags & protocol::kTtlIsTime) != 0;
    options.time = static_cast<std::int64_t>(request.ttl_ms);
  }
  if (request.args.size() > 3) {
    const auto error = parse_set_words(request.args.subspan(3), options);
    if (!error.empty()) return error;
  }
  if (options.if_absent && options.if_present) return kSyntaxError;
  if (options.keep_ttl && options.has_time) return kSyntaxError;
  if (options.has_time && options.time <= 0) return kInvalidExpiry;
  return {};
}

void set_with_options(Context& context, const Request& request) {
  SetOptions options;
  const auto error = parse_set(request, options);
  if (!error.empty()) return context.reply.error(Status::error, error);
  engine::ExpiryMs expires_at_ms = engine::kNoExpiry;
  if (options.has_time) {
    const auto at =
        expiry_from(options.time, options.unit, options.time_is_absolute, context.now_ms);
    if (!at) return context.reply.error(Status::error, kInvalidExpiry);
    expires_at_ms = *at;
  }
  const Key key = first_key(request);
  EntryView old;
  const bool exists = context.keyspace.find(key, context.now_ms, old);
  if (options.keep_ttl && exists) expires_at_ms = old.expires_at_ms;
  const bool refused = (options.if_absent && exists) || (options.if_present && !exists);
  // The old value is a view into the entry that put() is about to change: answer first.
  if (options.return_old) {
    if (exists) {
      answer_value(context.reply, old);
    } else {
      context.reply.nil();
    }
  } else if (refused) {
    context.reply.nil();
  } else {
    context.reply.ok();
  }
  if (!refused) context.keyspace.put(key, request.value_at(2), expires_at_ms);
}

void set(Context& context, const Request& request) {
  constexpr std::uint16_t kOptionFlags = protocol::kHasTtl | protocol::kIfAbsent |
                                         protocol::kIfPresent | protocol::kKeepTtl |
                                         protocol::kReturnOld;
  if (request.args.size() > 3 || (request.flags & kOptionFlags) != 0) {
    return set_with_options(context, request);
  }
  context.keyspace.put(first_key(request), request.value_at(2), engine::kNoExpiry);
  context.reply.ok();
}

void mget(Context& context, const Request& request) {
  const Args keys = request.args.subspan(1);
  constexpr std::size_t kGroup = 32;
  std::array<std::uint64_t, kGroup> hashes{};
  context.reply.begin_list(static_cast<std::uint32_t>(keys.size()));
  for (std::size_t from = 0; from < keys.size(); from += kGroup) {
    const Args group = keys.subspan(from, std::min(kGroup, keys.size() - from));
    for (std::size_t i = 0; i < group.size(); ++i) {
      hashes[i] = context.keyspace.hash_of(group[i]);
      context.keyspace.prefetch_index(hashes[i]);
    }
    for (std::size_t i = 0; i < group.size(); ++i) context.keyspace.prefetch_entry(hashes[i]);
    for (std::size_t i = 0; i < group.size(); ++i) {
      EntryView entry;
      if (context.keyspace.find(Key{group[i], hashes[i]}, context.now_ms, entry)) {
        answer_value(context.reply, entry);
      } else {
        context.reply.nil();
      }
    }
  }
  context.reply.end();
}

void mset(Context& context, const Request& request) {
  const Args& args = request.args;
  if (args.size() % 2 == 0) {
    return context.reply.error(Status::error, "wrong number of arguments for 'mset' command");
  }
  for (std::size_t i = 1; i < args.size(); i += 2) {
    const Key key{args[i], context.keyspace.hash_of(args[i])};
    context.keyspace.put(key, request.value_at(i + 1), engine::kNoExpiry);
  }
  context.reply.ok();
}

void incr(Context& context, const Request& request) {
  const Key key = first_key(request);
  EntryView entry;
  std::int64_t value = 0;
  engine::ExpiryMs expires_at_ms = engine::kNoExpiry;
  if (context.keyspace.find(key, context.now_ms, entry)) {
    const auto number = parse_integer(entry.value);
    if (!number) return context.reply.error(Status::error, kNotAnInteger);
    if (*number == std::numeric_limits<std::int64_t>::max()) {
      return context.reply.error(Status::error, "increment or decrement would overflow");
    }
    value = *number;
    expires_at_ms = entry.expires_at_ms;
  }
  ++value;
  std::array<char, 24> digits{};
  const auto [end, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  const std::string_view text(digits.data(), static_cast<std::size_t>(end - digits.data()));
  context.keyspace.put(key, engine::NewValue::copy_of(text), expires_at_ms);
  context.reply.integer(value);
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "GET",
     .opcode = protocol::Opcode::get,
     .arity = 2,
     .flags = Flags::readonly,
     .keys = kOneKey,
     .usage = "GET key",
     .summary = "Answers the value of a key, or nil.",
     .since = "0.1",
     .example = "GET missing => (nil)",
     .run = get},
    {.name = "INCR",
     .opcode = protocol::Opcode::incr,
     .arity = 2,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kOneKey,
     .usage = "INCR key",
     .summary = "Adds one to the integer under a key (0 when there is none) and answers it. "
                "Keeps the time to live.",
     .since = "0.1",
     .example = "SET n 41 => OK; INCR n => (integer) 42",
     .run = incr},
    {.name = "MGET",
     .arity = -2,
     .flags = Flags::readonly,
     .keys = kAllKeys,
     .gather = Gather::in_key_order,
     .usage = "MGET key [key ...]",
     .summary = "Answers the values of keys, in their order, nil where there is none.",
     .since = "0.1",
     .example = "MSET a 1 b 2 => OK; MGET a missing b => [\"1\", (nil), \"2\"]",
     .run = mget},
    {.name = "MSET",
     .arity = -3,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kKeyValuePairs,
     .gather = Gather::all_ok,
     .usage = "MSET key value [key value ...]",
     .summary = "Stores values. Keys that live on one core change together; over several cores "
                "each core's part is atomic by itself.",
     .since = "0.1",
     .example = "MSET a 1 b 2 => OK",
     .run = mset},
    {.name = "SET",
     .opcode = protocol::Opcode::set,
     .arity = -3,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kOneKey,
     .usage = "SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | EXAT unix-seconds | "
              "PXAT unix-milliseconds | KEEPTTL]",
     .summary = "Stores a value. NX: only a new key; XX: only an existing one; GET: answers the "
                "old value; the others set the time to live, which is dropped otherwise.",
     .since = "0.1",
     .example = "SET a 1 => OK; SET a 2 NX => (nil); SET a 2 XX GET => \"1\"",
     .run = set},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> string_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
