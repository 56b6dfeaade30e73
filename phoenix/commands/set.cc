// What sets one value as a whole, or only its time to live, under options.
#include <array>
#include <string>

#include <fmt/format.h>

#include "phoenix/base/result.h"
#include "phoenix/commands/expiry_words.h"
#include "phoenix/commands/string_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::ExpiryMs;
using engine::Key;

struct TimeOption {
  std::string_view word;
  TimeUnit unit;
  bool is_absolute;
};
constexpr std::array<TimeOption, 4> kTimeOptions{{{"EX", TimeUnit::seconds, false},
                                                  {"PX", TimeUnit::milliseconds, false},
                                                  {"EXAT", TimeUnit::seconds, true},
                                                  {"PXAT", TimeUnit::milliseconds, true}}};

/// One of those with its amount, which is read when all words are known to be options.
struct TimeWords {
  const TimeOption* option = nullptr;
  std::string_view amount;
};

/// Takes the option at words[i] and the amount behind it, and moves `i` there. One that comes twice
/// replaces itself, as in Redis. False: there is none, its amount is missing, or another came
/// first.
bool take_time(Args words, std::size_t& i, TimeWords& time) {
  for (const auto& option : kTimeOptions) {
    if (!equals_ignoring_case(words[i], option.word)) continue;
    if (i + 1 == words.size() || (time.option != nullptr && time.option != &option)) return false;
    time = {&option, words[++i]};
    return true;
  }
  return false;
}

tl::unexpected<Error> invalid_expiry(std::string_view command) {
  return fail(ErrorCode::invalid, fmt::format("invalid expire time in '{}' command", command));
}

Result<ExpiryMs> expiry_of(std::string_view word, TimeUnit unit, bool is_absolute,
                           std::int64_t now_ms, std::string_view command) {
  const auto amount = parse_integer(word);
  if (!amount) return fail(ErrorCode::invalid, std::string(kNotAnInteger));
  if (*amount <= 0) return invalid_expiry(command);
  const auto at = expiry_from(*amount, unit, is_absolute, now_ms);
  if (!at) return invalid_expiry(command);
  return *at;
}

Result<ExpiryMs> expiry_of(const TimeWords& time, std::int64_t now_ms, std::string_view command) {
  return expiry_of(time.amount, time.option->unit, time.option->is_absolute, now_ms, command);
}

// What SET was asked for, from flags (short form) or words (argv).
struct SetOptions {
  bool if_absent = false;
  bool if_present = false;
  bool keep_ttl = false;
  bool return_old = false;
  TimeWords time;
};

bool take_set_word(Args words, std::size_t& i, SetOptions& options) {
  struct Switch {
    std::string_view word;
    bool SetOptions::*option;
  };
  static constexpr std::array<Switch, 4> kSwitches{{{"NX", &SetOptions::if_absent},
                                                    {"XX", &SetOptions::if_present},
                                                    {"KEEPTTL", &SetOptions::keep_ttl},
                                                    {"GET", &SetOptions::return_old}}};
  for (const auto& one : kSwitches) {
    if (!equals_ignoring_case(words[i], one.word)) continue;
    options.*one.option = true;
    return true;
  }
  return take_time(words, i, options.time);
}

// False: a syntax error.
bool parse_set(const Request& request, SetOptions& options) {
  options.if_absent = (request.flags & protocol::kIfAbsent) != 0;
  options.if_present = (request.flags & protocol::kIfPresent) != 0;
  options.keep_ttl = (request.flags & protocol::kKeepTtl) != 0;
  options.return_old = (request.flags & protocol::kReturnOld) != 0;
  for (std::size_t i = 3; i < request.args.size(); ++i) {
    if (!take_set_word(request.args, i, options)) return false;
  }
  const bool has_ttl = (request.flags & protocol::kHasTtl) != 0;
  const bool has_time = has_ttl || options.time.option != nullptr;
  if (has_ttl && options.time.option != nullptr) return false;
  return !(options.if_absent && options.if_present) && !(options.keep_ttl && has_time);
}

Result<ExpiryMs> expiry_of_set(const Request& request, const SetOptions& options,
                               std::int64_t now_ms) {
  if (options.time.option != nullptr) return expiry_of(options.time, now_ms, "set");
  if ((request.flags & protocol::kHasTtl) == 0) return engine::kNoExpiry;
  constexpr auto kMax = static_cast<std::uint64_t>(engine::kExpiryMsMax);
  if (request.ttl_ms == 0 || request.ttl_ms > kMax) return invalid_expiry("set");
  const bool is_absolute = (request.flags & protocol::kTtlIsTime) != 0;
  const auto at = expiry_from(static_cast<std::int64_t>(request.ttl_ms), TimeUnit::milliseconds,
                              is_absolute, now_ms);
  if (!at) return invalid_expiry("set");
  return *at;
}

inline void store(Context& context, const Key& key, const engine::NewValue& value,
                  ExpiryMs expires_at_ms, bool is_new_expiry) {
  put_value(context, key, value, expires_at_ms);
  context.notify('$', "set", key.bytes);
  if (is_new_expiry) context.notify('g', "expire", key.bytes);
}

void set_with_options(Context& context, const Request& request) {
  SetOptions options;
  if (!parse_set(request, options)) return answer_error(context, kSyntaxError);
  const auto expiry = expiry_of_set(request, options, context.now_ms);
  if (!expiry) return answer_error(context, expiry.error().message);
  const Key key = first_key(request);
  EntryView old;
  const bool exists = options.return_old ? find_to_read(context, key, old)
                                         : context.keyspace.find(key, context.now_ms, old);
  const ExpiryMs expires_at_ms = options.keep_ttl && exists ? old.expires_at_ms : *expiry;
  const bool refused = (options.if_absent && exists) || (options.if_present && !exists);
  // The old value is a view into the entry that put() is about to change: answer first.
  if (options.return_old && exists) {
    answer_value(context, old);
  } else if (options.return_old || refused) {
    context.reply.nil();
  } else {
    context.reply.ok();
  }
  if (refused) return;
  store(context, key, request.value_at(2), expires_at_ms, *expiry != engine::kNoExpiry);
}

void set(Context& context, const Request& request) {
  constexpr std::uint16_t kOptionFlags = protocol::kHasTtl | protocol::kIfAbsent |
                                         protocol::kIfPresent | protocol::kKeepTtl |
                                         protocol::kReturnOld;
  if (request.args.size() > 3 || (request.flags & kOptionFlags) != 0) {
    return set_with_options(context, request);
  }
  store(context, first_key(request), request.value_at(2), engine::kNoExpiry, false);
  context.reply.ok();
}

void setnx(Context& context, const Request& request) {
  const Key key = first_key(request);
  EntryView old;
  if (context.keyspace.find(key, context.now_ms, old)) return context.reply.integer(0);
  store(context, key, request.value_at(2), engine::kNoExpiry, false);
  context.reply.integer(1);
}

void set_for(Context& context, const Request& request, TimeUnit unit, std::string_view command) {
  const auto expiry = expiry_of(request.args[2], unit, false, context.now_ms, command);
  if (!expiry) return answer_error(context, expiry.error().message);
  store(context, first_key(request), request.value_at(3), *expiry, true);
  context.reply.ok();
}

void setex(Context& context, const Request& request) {
  set_for(context, request, TimeUnit::seconds, "setex");
}

void psetex(Context& context, const Request& request) {
  set_for(context, request, TimeUnit::milliseconds, "psetex");
}

void getset(Context& context, const Request& request) {
  const Key key = first_key(request);
  EntryView old;
  if (find_to_read(context, key, old)) {
    answer_value(context, old);  // Before put() ends the view.
  } else {
    context.reply.nil();
  }
  store(context, key, request.value_at(2), engine::kNoExpiry, false);
}

struct GetexOptions {
  bool persist = false;
  TimeWords time;
};

// False: a syntax error.
bool parse_getex(Args args, GetexOptions& options) {
  for (std::size_t i = 2; i < args.size(); ++i) {
    if (equals_ignoring_case(args[i], "PERSIST")) {
      options.persist = true;
    } else if (!take_time(args, i, options.time)) {
      return false;
    }
  }
  return !(options.persist && options.time.option != nullptr);
}

// Redis looks for the key before it reads the time.
void getex(Context& context, const Request& request) {
  GetexOptions options;
  if (!parse_getex(request.args, options)) return answer_error(context, kSyntaxError);
  const Key key = first_key(request);
  EntryView entry;
  if (!find_to_read(context, key, entry)) return context.reply.nil();
  if (options.time.option == nullptr) {
    const bool persists = options.persist && entry.expires_at_ms != engine::kNoExpiry;
    answer_value(context, entry);
    if (!persists) return;
    context.keyspace.set_expiry(key, engine::kNoExpiry, context.now_ms);
    return context.notify('g', "persist", key.bytes);
  }
  const auto expiry = expiry_of(options.time, context.now_ms, "getex");
  if (!expiry) return answer_error(context, expiry.error().message);
  answer_value(context, entry);
  if (*expiry <= context.now_ms) {
    context.keyspace.erase(key, context.now_ms);
    return context.notify('g', "del", key.bytes);
  }
  context.keyspace.set_expiry(key, *expiry, context.now_ms);
  context.notify('g', "expire", key.bytes);
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "GETEX",
     .arity = -2,
     .flags = Flags::write | Flags::fast,
     .keys = kOneKey,
     .usage = "GETEX key [EX seconds | PX milliseconds | EXAT unix-time-seconds | "
              "PXAT unix-time-milliseconds | PERSIST]",
     .summary = "Answers the value of a key, or nil, and sets its time to live, or takes it away "
                "with PERSIST. A time that is over removes the key.",
     .since = "0.1",
     .example = "SET a 1 => OK; GETEX a EX 100 => \"1\"; TTL a => (integer) 100",
     .run = getex},
    {.name = "GETSET",
     .arity = 3,
     .flags = Flags::write | Flags::denied_when_full | Flags::fast,
     .keys = kOneKey,
     .usage = "GETSET key value",
     .summary = "Stores a value and answers the old one, or nil: SET with GET.",
     .since = "0.1",
     .example = "GETSET a 1 => (nil); GETSET a 2 => \"1\"",
     .run = getset},
    {.name = "PSETEX",
     .arity = 4,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kOneKey,
     .usage = "PSETEX key milliseconds value",
     .summary = "As SETEX, in milliseconds.",
     .since = "0.1",
     .example = "PSETEX a 100000 1 => OK; TTL a => (integer) 100",
     .run = psetex},
    {.name = "SET",
     .opcode = protocol::Opcode::set,
     .arity = -3,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kOneKey,
     .usage = "SET key value [NX | XX] [GET] [EX seconds | PX milliseconds | "
              "EXAT unix-time-seconds | PXAT unix-time-milliseconds | KEEPTTL]",
     .summary = "Stores a value. NX: only a new key; XX: only an existing one; GET: answers the "
                "old value; the others set the time to live, which is dropped otherwise.",
     .since = "0.1",
     .example = "SET a 1 => OK; SET a 2 NX => (nil); SET a 2 XX GET => \"1\"",
     .run = set},
    {.name = "SETEX",
     .arity = 4,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kOneKey,
     .usage = "SETEX key seconds value",
     .summary = "Stores a value with a time to live: SET with EX.",
     .since = "0.1",
     .example = "SETEX a 100 1 => OK; TTL a => (integer) 100",
     .run = setex},
    {.name = "SETNX",
     .arity = 3,
     .flags = Flags::write | Flags::denied_when_full | Flags::fast,
     .keys = kOneKey,
     .usage = "SETNX key value",
     .summary = "Stores a value when there is none, and answers 1, else 0.",
     .since = "0.1",
     .example = "SETNX a 1 => (integer) 1; SETNX a 2 => (integer) 0; GET a => \"1\"",
     .run = setnx},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> set_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
