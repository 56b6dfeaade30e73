// Times to live. Stored as absolute wall-clock times, so that restarts and replay need no clock.
#include <algorithm>
#include <array>
#include <string>

#include <fmt/format.h>

#include "phoenix/commands/expiry_words.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;
using protocol::Status;

constexpr std::int64_t kNoKey = -2;  // Redis's answers.
constexpr std::int64_t kNoTimeToLive = -1;

Key first_key(const Request& request) {
  return Key{request.args[1], request.first_key_hash};
}

// A time that is over removes the key, as Redis does.
bool removes_key(const Request& request) {
  const auto amount = parse_integer(request.args[2]);
  return amount && *amount <= 0;
}

void set_expiry(Context& context, const Request& request, TimeUnit unit, std::string_view name) {
  const auto amount = parse_integer(request.args[2]);
  if (!amount) {
    return context.reply.error(Status::error, "value is not an integer or out of range");
  }
  const auto at = expiry_from(*amount, unit, false, context.now_ms);
  if (!at) {
    return context.reply.error(Status::error,
                               fmt::format("invalid expire time in '{}' command", name));
  }
  const Key key = first_key(request);
  const bool existed = *amount <= 0 ? context.keyspace.erase(key, context.now_ms)
                                    : context.keyspace.set_expiry(key, *at, context.now_ms);
  context.reply.integer(existed ? 1 : 0);
}

void expire(Context& context, const Request& request) {
  set_expiry(context, request, TimeUnit::seconds, "expire");
}

void pexpire(Context& context, const Request& request) {
  set_expiry(context, request, TimeUnit::milliseconds, "pexpire");
}

void persist(Context& context, const Request& request) {
  const Key key = first_key(request);
  EntryView entry;
  const bool had_one =
      context.keyspace.find(key, context.now_ms, entry) && entry.expires_at_ms != engine::kNoExpiry;
  if (had_one) context.keyspace.set_expiry(key, engine::kNoExpiry, context.now_ms);
  context.reply.integer(had_one ? 1 : 0);
}

// Milliseconds left, or one of Redis's two negative answers.
std::int64_t left_ms(Context& context, const Request& request) {
  EntryView entry;
  if (!context.keyspace.find(first_key(request), context.now_ms, entry)) return kNoKey;
  if (entry.expires_at_ms == engine::kNoExpiry) return kNoTimeToLive;
  return std::max<std::int64_t>(entry.expires_at_ms - context.now_ms, 0);
}

void pttl(Context& context, const Request& request) {
  context.reply.integer(left_ms(context, request));
}

void ttl(Context& context, const Request& request) {
  const std::int64_t left = left_ms(context, request);
  context.reply.integer(left < 0 ? left : (left + 500) / 1000);
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "EXPIRE",
     .arity = 3,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kOneKey,
     .usage = "EXPIRE key seconds",
     .summary = "Sets the time to live of a key; zero or less removes it. Answers 1, or 0 when "
                "there is no such key.",
     .since = "0.1",
     .example = "SET a 1 => OK; EXPIRE a 100 => (integer) 1; TTL a => (integer) 100",
     .run = expire,
     .only_frees = removes_key},
    {.name = "PERSIST",
     .arity = 2,
     .flags = Flags::write,
     .keys = kOneKey,
     .usage = "PERSIST key",
     .summary = "Takes the time to live from a key. Answers 1, or 0 when there was none.",
     .since = "0.1",
     .example = "SET a 1 EX 100 => OK; PERSIST a => (integer) 1; TTL a => (integer) -1",
     .run = persist},
    {.name = "PEXPIRE",
     .arity = 3,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kOneKey,
     .usage = "PEXPIRE key milliseconds",
     .summary = "As EXPIRE, in milliseconds.",
     .since = "0.1",
     .example = "SET a 1 => OK; PEXPIRE a 100000 => (integer) 1; TTL a => (integer) 100",
     .run = pexpire,
     .only_frees = removes_key},
    {.name = "PTTL",
     .arity = 2,
     .flags = Flags::readonly,
     .keys = kOneKey,
     .usage = "PTTL key",
     .summary = "As TTL, in milliseconds.",
     .since = "0.1",
     .example = "PTTL missing => (integer) -2",
     .run = pttl},
    {.name = "TTL",
     .arity = 2,
     .flags = Flags::readonly,
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
