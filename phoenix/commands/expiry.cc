// Times to live. Stored as absolute wall-clock times, so that restarts and replay need no clock.
#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "phoenix/commands/expiry_words.h"
#include "phoenix/commands/key_words.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;
using protocol::Status;

constexpr std::int64_t kNoKey = -2;  // Redis's answers.
constexpr std::int64_t kNoTimeToLive = -1;

/// Which times may be changed.
struct ExpireOptions {
  bool if_none = false;
  bool if_any = false;
  bool if_later = false;
  bool if_sooner = false;
  std::string error;  // Empty: all right.
};

ExpireOptions parse_expire_options(Args words) {
  struct Row {
    std::string_view word;
    bool ExpireOptions::*option;
  };
  static constexpr std::array<Row, 4> kRows{{{"NX", &ExpireOptions::if_none},
                                             {"XX", &ExpireOptions::if_any},
                                             {"GT", &ExpireOptions::if_later},
                                             {"LT", &ExpireOptions::if_sooner}}};
  ExpireOptions options;
  for (const auto word : words) {
    const auto row = std::find_if(kRows.begin(), kRows.end(), [&](const Row& one) {
      return equals_ignoring_case(word, one.word);
    });
    if (row == kRows.end()) {
      options.error = fmt::format("Unsupported option {}", word);
      return options;
    }
    options.*(row->option) = true;
  }
  if (options.if_none && (options.if_any || options.if_later || options.if_sooner)) {
    options.error = "NX and XX, GT or LT options at the same time are not compatible";
  } else if (options.if_later && options.if_sooner) {
    options.error = "GT and LT options at the same time are not compatible";
  }
  return options;
}

// A key without an end lives longer than any other.
bool allows(const ExpireOptions& options, engine::ExpiryMs current_ms, engine::ExpiryMs new_ms) {
  const bool has_none = current_ms == engine::kNoExpiry;
  if (options.if_none && !has_none) return false;
  if (options.if_any && has_none) return false;
  if (options.if_later && (has_none || new_ms <= current_ms)) return false;
  if (options.if_sooner && !has_none && new_ms >= current_ms) return false;
  return true;
}

// A time that is over removes the key, as Redis does.
bool removes_key(const Request& request) {
  const auto amount = parse_integer(request.args[2]);
  return amount && *amount <= 0;
}

struct ExpireForm {
  std::string_view name;
  TimeUnit unit;
  bool is_absolute;
};

void set_expiry(Context& context, const Request& request, const ExpireForm& form) {
  const ExpireOptions options = parse_expire_options(request.args.subspan(3));
  if (!options.error.empty()) return context.reply.error(Status::error, options.error);
  const auto amount = parse_integer(request.args[2]);
  if (!amount) {
    return context.reply.error(Status::error, kNotAnInteger);
  }
  const auto at_ms = expiry_from(*amount, form.unit, form.is_absolute, context.now_ms);
  if (!at_ms) {
    return context.reply.error(Status::error,
                               fmt::format("invalid expire time in '{}' command", form.name));
  }
  const Key key = first_key(request);
  EntryView entry;
  const bool changes = context.keyspace.find(key, context.now_ms, entry) &&
                       allows(options, entry.expires_at_ms, *at_ms);
  if (!changes) return context.reply.integer(0);
  if (*at_ms <= context.now_ms) {
    context.keyspace.erase(key, context.now_ms);
    context.notify('g', "del", key.bytes);
  } else {
    context.keyspace.set_expiry(key, *at_ms, context.now_ms);
    context.notify('g', "expire", key.bytes);
  }
  context.reply.integer(1);
}

void expire(Context& context, const Request& request) {
  set_expiry(context, request, {"expire", TimeUnit::seconds, false});
}

void expireat(Context& context, const Request& request) {
  set_expiry(context, request, {"expireat", TimeUnit::seconds, true});
}

void pexpire(Context& context, const Request& request) {
  set_expiry(context, request, {"pexpire", TimeUnit::milliseconds, false});
}

void pexpireat(Context& context, const Request& request) {
  set_expiry(context, request, {"pexpireat", TimeUnit::milliseconds, true});
}

void persist(Context& context, const Request& request) {
  const Key key = first_key(request);
  EntryView entry;
  const bool had_one =
      context.keyspace.find(key, context.now_ms, entry) && entry.expires_at_ms != engine::kNoExpiry;
  if (had_one) {
    context.keyspace.set_expiry(key, engine::kNoExpiry, context.now_ms);
    context.notify('g', "persist", key.bytes);
  }
  context.reply.integer(had_one ? 1 : 0);
}

// When the key dies, or one of Redis's two negative answers.
std::int64_t end_ms(Context& context, const Request& request) {
  EntryView entry;
  if (!find_to_read(context, first_key(request), entry)) return kNoKey;
  return entry.expires_at_ms == engine::kNoExpiry ? kNoTimeToLive : entry.expires_at_ms;
}

std::int64_t left_ms(Context& context, const Request& request) {
  const std::int64_t end = end_ms(context, request);
  return end < 0 ? end : std::max<std::int64_t>(end - context.now_ms, 0);
}

std::int64_t to_seconds(std::int64_t ms) {
  return ms < 0 ? ms : (ms + 500) / 1000;
}

void expiretime(Context& context, const Request& request) {
  context.reply.integer(to_seconds(end_ms(context, request)));
}

void pexpiretime(Context& context, const Request& request) {
  context.reply.integer(end_ms(context, request));
}

void pttl(Context& context, const Request& request) {
  context.reply.integer(left_ms(context, request));
}

void ttl(Context& context, const Request& request) {
  context.reply.integer(to_seconds(left_ms(context, request)));
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "EXPIRE",
     .arity = -3,
     .flags = Flags::write | Flags::fast,
     .keys = kOneKey,
     .usage = "EXPIRE key seconds [NX | XX | GT | LT]",
     .summary = "Sets the time to live of a key; zero or less removes it. NX: only where there is "
                "none; XX: only where there is one; GT, LT: only a later or sooner end, and no "
                "end is the latest. Answers 1, or 0 when nothing was changed.",
     .since = "0.1",
     .example = "SET a 1 => OK; EXPIRE a 100 => (integer) 1; TTL a => (integer) 100",
     .run = expire,
     .only_frees = removes_key},
    {.name = "EXPIREAT",
     .arity = -3,
     .flags = Flags::write | Flags::fast,
     .keys = kOneKey,
     .usage = "EXPIREAT key unix-time-seconds [NX | XX | GT | LT]",
     .summary = "As EXPIRE, but the time is when the key dies; one that is over removes it.",
     .since = "0.1",
     .example = "SET a 1 => OK; EXPIREAT a 4102444800 => (integer) 1; "
                "EXPIRETIME a => (integer) 4102444800",
     .run = expireat,
     .only_frees = removes_key},
    {.name = "EXPIRETIME",
     .arity = 2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "EXPIRETIME key",
     .summary = "Answers the Unix time in seconds when a key dies, -1 when it has no end, -2 when "
                "there is no such key.",
     .since = "0.1",
     .example = "EXPIRETIME missing => (integer) -2; SET a 1 => OK; EXPIRETIME a => (integer) -1",
     .run = expiretime},
    {.name = "PERSIST",
     .arity = 2,
     .flags = Flags::write | Flags::fast,
     .keys = kOneKey,
     .usage = "PERSIST key",
     .summary = "Takes the time to live from a key. Answers 1, or 0 when there was none.",
     .since = "0.1",
     .example = "SET a 1 EX 100 => OK; PERSIST a => (integer) 1; TTL a => (integer) -1",
     .run = persist},
    {.name = "PEXPIRE",
     .arity = -3,
     .flags = Flags::write | Flags::fast,
     .keys = kOneKey,
     .usage = "PEXPIRE key milliseconds [NX | XX | GT | LT]",
     .summary = "As EXPIRE, in milliseconds.",
     .since = "0.1",
     .example = "SET a 1 => OK; PEXPIRE a 100000 => (integer) 1; TTL a => (integer) 100",
     .run = pexpire,
     .only_frees = removes_key},
    {.name = "PEXPIREAT",
     .arity = -3,
     .flags = Flags::write | Flags::fast,
     .keys = kOneKey,
     .usage = "PEXPIREAT key unix-time-milliseconds [NX | XX | GT | LT]",
     .summary = "As EXPIREAT, in milliseconds.",
     .since = "0.1",
     .example = "SET a 1 => OK; PEXPIREAT a 4102444800000 => (integer) 1; "
                "PEXPIRETIME a => (integer) 4102444800000",
     .run = pexpireat,
     .only_frees = removes_key},
    {.name = "PEXPIRETIME",
     .arity = 2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "PEXPIRETIME key",
     .summary = "As EXPIRETIME, in milliseconds.",
     .since = "0.1",
     .example = "PEXPIRETIME missing => (integer) -2",
     .run = pexpiretime},
    {.name = "PTTL",
     .arity = 2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "PTTL key",
     .summary = "As TTL, in milliseconds.",
     .since = "0.1",
     .example = "PTTL missing => (integer) -2",
     .run = pttl},
    {.name = "TTL",
     .arity = 2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "TTL key",
     .summary = "Answers the seconds that a key has to live, -1 when it has no end, -2 when there "
                "is no such key.",
     .since = "0.1",
     .example = "TTL missing => (integer) -2; SET a 1 => OK; TTL a => (integer) -1",
     .run = ttl},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> expiry_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
