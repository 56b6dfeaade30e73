// DEBUG: what test suites of clients need. Refused unless the server was started for it.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <string>

#include <fmt/format.h>

#include "phoenix/base/crc32c.h"
#include "phoenix/commands/container_help.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/facts.h"
#include "phoenix/commands/settings.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/value_facts.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

/// Runs `kRun` where DEBUG is allowed.
template <Handler kRun>
void guarded(Context& context, const Request& request) {
  if (context.core->facts->allows_debug()) return kRun(context, request);
  context.reply.error(
      Status::error,
      "DEBUG command not allowed. If the enable-debug-command option is set to "
      "\"local\", you can run it from a local connection, otherwise you need to set "
      "this option in the configuration file, and then restart the server.");
}

// For what there is nothing to do.
void accept(Context& context, const Request&) {
  context.reply.ok();
}

// On purpose this stops all that the core does: tests look at what happens then.
void sleep(Context& context, const Request& request) {
  constexpr double kSecondsMax = 10;
  constexpr double kNanos = 1e9;
  const double asked = std::strtod(std::string(request.args[2]).c_str(), nullptr);
  const double seconds = asked > 0 ? std::min(asked, kSecondsMax) : 0;
  const auto ns = static_cast<std::uint64_t>(seconds * kNanos);
  context.core->facts->sleep_ns(ns);
  context.steps += ns;
  context.reply.ok();
}

// As Redis writes it into a snapshot, without its compression.
std::size_t serialized_bytes(std::string_view value) {
  if (const auto number = parse_integer(value)) {
    if (*number >= -128 && *number <= 127) return 2;
    if (*number >= -32'768 && *number <= 32'767) return 3;
    if (*number >= -2'147'483'648 && *number <= 2'147'483'647) return 5;
  }
  constexpr std::size_t kOneByte = 64;
  constexpr std::size_t kTwoBytes = 16'384;
  return value.size() + (value.size() < kOneByte ? 1 : value.size() < kTwoBytes ? 2 : 5);
}

void object(Context& context, const Request& request) {
  engine::EntryView entry;
  const engine::Key key{request.args[2], request.first_key_hash};
  if (!context.keyspace.find(key, context.now_ms, entry)) {
    return context.reply.error(Status::error, "no such key");
  }
  // Nobody keeps when a key was last used.
  context.reply.line(
      fmt::format("Value at:{:#x} refcount:{} encoding:{} serializedlength:{} lru:0 "
                  "lru_seconds_idle:0",
                  reinterpret_cast<std::uintptr_t>(entry.value.data()), references_of(entry.value),
                  encoding_of(entry.value), serialized_bytes(entry.value)));
}

void set_active_expire(Context& context, const Request& request) {
  context.core->settings->set(Setting::active_expiry, request.args[2] == "0" ? 0 : 1);
  context.reply.ok();
}

void load_log(Context& context, const Request&) {
  if (context.core->facts->is_durable()) return context.reply.ok();
  context.reply.error(Status::error, "nothing is kept on disk: there is nothing to load");
}

/// A sum over entries that does not depend on their order, nor on which core has them.
class Digest final : public engine::EntryVisitor {
 public:
  void visit(const engine::EntryView& entry) override {
    const auto key = std::as_bytes(std::span(entry.key));
    const auto value = std::as_bytes(std::span(entry.value));
    const std::uint64_t high = crc32c(1, key);
    const std::uint64_t low = crc32c(static_cast<std::uint32_t>(high), value);
    const std::uint64_t one = (high << 32U | low) * 0x9E3779B97F4A7C15U;
    sum += one;
    mixed ^= one * one;
    ++count;
  }
  void answer(ReplySink& reply) const {
    reply.line(fmt::format("{:016x}{:016x}{:08x}", sum, mixed, count));
  }

  std::uint64_t sum = 0;
  std::uint64_t mixed = 0;
  std::uint32_t count = 0;
};

// In one go: whoever starts a server with DEBUG has little in it, or time.
void digest(Context& context, const Request&) {
  constexpr std::size_t kSlice = 1024;
  Digest digest;
  engine::ScanCursor cursor = 0;
  do {
    cursor = context.keyspace.scan(cursor, kSlice, context.now_ms, digest);
  } while (cursor != 0);
  if (context.core->cores == 1) return digest.answer(context.reply);
  context.reply.begin_list(3);
  context.reply.integer(static_cast<std::int64_t>(digest.sum));
  context.reply.integer(static_cast<std::int64_t>(digest.mixed));
  context.reply.integer(digest.count);
  context.reply.end();
}

void merge_digest(std::span<const protocol::Value> parts, ReplySink& reply) {
  Digest all;
  for (const auto& part : parts) {
    all.sum += static_cast<std::uint64_t>(part.items[0].integer);
    all.mixed ^= static_cast<std::uint64_t>(part.items[1].integer);
    all.count += static_cast<std::uint32_t>(part.items[2].integer);
  }
  all.answer(reply);
}

void answer_pairs(ReplySink& reply) {
  reply.begin_map(3);
  for (const int i : {0, 1, 2}) {
    reply.integer(i);
    reply.boolean(i == 1);
  }
  reply.end();
}

void answer_three(ReplySink& reply) {
  for (const int i : {0, 1, 2}) reply.integer(i);
  reply.end();
}

constexpr std::string_view kBehindAttribute = "Some real reply following the attribute";

void answer_attribute(ReplySink& reply) {
  reply.begin_replies(1);
  reply.begin_attribute(1);
  reply.bytes("key-popularity");
  reply.begin_list(2);
  reply.bytes("key:123");
  reply.integer(90);
  reply.end();
  reply.end();
  reply.bytes(kBehindAttribute);
  reply.end_replies();
}

struct Type {
  std::string_view name;
  void (*answer)(ReplySink&);
};

constexpr auto kTypes = std::to_array<Type>({
    {"string", [](ReplySink& reply) { reply.bytes("Hello World"); }},
    {"integer", [](ReplySink& reply) { reply.integer(12'345); }},
    {"double", [](ReplySink& reply) { reply.real(3.141); }},
    {"bignum", [](ReplySink& reply) { reply.big_number("1234567999999999999999999999999999999"); }},
    {"null", [](ReplySink& reply) { reply.nil(); }},
    {"array",
     [](ReplySink& reply) {
       reply.begin_list(3);
       answer_three(reply);
     }},
    {"set",
     [](ReplySink& reply) {
       reply.begin_set(3);
       answer_three(reply);
     }},
    {"map", answer_pairs},
    {"attrib", [](ReplySink& reply) { reply.bytes(kBehindAttribute); }},
    {"push",
     [](ReplySink& reply) {
       reply.begin_replies(2);
       reply.begin_push(2);
       reply.bytes("server-cpu-usage");
       reply.integer(42);
       reply.end();
       reply.bytes("Some real reply following the push reply");
       reply.end_replies();
     }},
    {"verbatim", [](ReplySink& reply) { reply.text("This is a verbatim\nstring"); }},
    {"true", [](ReplySink& reply) { reply.boolean(true); }},
    {"false", [](ReplySink& reply) { reply.boolean(false); }},
});

void protocol_type(Context& context, const Request& request) {
  const bool has_types = context.session != nullptr && context.session->wire() == Wire::resp3;
  if (!has_types && equals_ignoring_case("push", request.args[2])) {
    return context.reply.error(Status::error, "RESP2 is not supported by this command");
  }
  if (has_types && equals_ignoring_case("attrib", request.args[2])) {
    return answer_attribute(context.reply);
  }
  for (const auto& type : kTypes) {
    if (equals_ignoring_case(type.name, request.args[2])) return type.answer(context.reply);
  }
  context.reply.error(
      Status::error,
      "Wrong protocol type name. Please use one of the following: "
      "string|integer|double|bignum|null|array|set|map|attrib|push|verbatim|true|false");
}

// A first word that clients know stays the word before the text.
void error(Context& context, const Request& request) {
  const std::string_view message = request.args[2];
  const auto prefix = message.substr(0, message.find(' '));
  const Status status = protocol::status_of_prefix(prefix);
  const bool is_known = prefix.size() < message.size() && prefix == protocol::error_prefix(status);
  context.reply.error(status, is_known ? message.substr(prefix.size() + 1) : message);
}

void table_stats(Context& context, const Request&) {
  context.reply.text(fmt::format(
      "[Dictionary HT]\nHash table 0 stats (main hash table):\n number of elements: {}\n",
      context.core->facts->memory().keys));
}

void help(Context& context, const Request&) {
  answer_container_help(context, "DEBUG");
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "DEBUG",
     .arity = -2,
     .flags = Flags::container | Flags::admin,
     .usage = "DEBUG",
     .summary = "For tests of clients. The server must have been started with "
                "--enable-debug-command.",
     .since = "0.1",
     .example = "DEBUG PROTOCOL integer => (integer) 12345",
     .run = help},
    {.name = "DEBUG|CHANGE-REPL-ID",
     .arity = 2,
     .flags = Flags::admin,
     .usage = "DEBUG CHANGE-REPL-ID",
     .summary = "Does nothing: there is no replication.",
     .since = "0.1",
     .example = "DEBUG CHANGE-REPL-ID => OK",
     .run = guarded<accept>},
    {.name = "DEBUG|DIGEST",
     .arity = 2,
     .flags = Flags::admin | Flags::every_core,
     .gather = Gather::by_row,
     .usage = "DEBUG DIGEST",
     .summary = "Answers 40 hexadecimal digits that are the same for the same keys and values. All "
                "else waits meanwhile.",
     .since = "0.1",
     .example = "DEBUG DIGEST => 0000000000000000000000000000000000000000",
     .run = guarded<digest>,
     .merge = merge_digest},
    {.name = "DEBUG|ERROR",
     .arity = 3,
     .flags = Flags::admin,
     .usage = "DEBUG ERROR message",
     .summary = "Answers an error with this text.",
     .since = "0.1",
     .example = "DEBUG ERROR oh => (error) ERR oh",
     .run = guarded<error>},
    {.name = "DEBUG|HELP",
     .arity = 2,
     .flags = Flags::admin,
     .usage = "DEBUG HELP",
     .summary = "Answers these lines.",
     .since = "0.1",
     .example = "DEBUG HELP => [DEBUG <subcommand>...",
     .run = guarded<help>},
    {.name = "DEBUG|HTSTATS",
     .arity = -3,
     .flags = Flags::admin,
     .usage = "DEBUG HTSTATS database",
     .summary = "Answers how many keys there are, as Redis tells of its hash tables.",
     .since = "0.1",
     .example = "DEBUG HTSTATS 0 => [Dictionary HT]...",
     .run = guarded<table_stats>},
    {.name = "DEBUG|LOADAOF",
     .arity = 2,
     .flags = Flags::admin,
     .usage = "DEBUG LOADAOF",
     .summary = "Does nothing where what is in memory is on disk.",
     .since = "0.1",
     .example = "DEBUG LOADAOF => OK",
     .run = guarded<load_log>},
    {.name = "DEBUG|LOG",
     .arity = 3,
     .flags = Flags::admin,
     .usage = "DEBUG LOG message",
     .summary = "Does nothing: the server writes no log of its own doings.",
     .since = "0.1",
     .example = "DEBUG LOG hello => OK",
     .run = guarded<accept>},
    {.name = "DEBUG|OBJECT",
     .arity = 3,
     .flags = Flags::readonly | Flags::admin,
     .keys = {2, 2, 1},
     .usage = "DEBUG OBJECT key",
     .summary = "Answers in a line how a value is kept.",
     .since = "0.1",
     .example = "SET a 12 => OK; DEBUG OBJECT a => Value at:...",
     .run = guarded<object>},
    {.name = "DEBUG|PROTOCOL",
     .arity = 3,
     .flags = Flags::admin,
     .usage = "DEBUG PROTOCOL type",
     .summary = "Answers a value of this type: string, integer, double, bignum, null, array, set, "
                "map, attrib, push, verbatim, true or false.",
     .since = "0.1",
     .example = "DEBUG PROTOCOL array => [(integer) 0, (integer) 1, (integer) 2]",
     .run = guarded<protocol_type>},
    {.name = "DEBUG|QUICKLIST-PACKED-THRESHOLD",
     .arity = 3,
     .flags = Flags::admin,
     .usage = "DEBUG QUICKLIST-PACKED-THRESHOLD size",
     .summary = "Does nothing: there are no lists.",
     .since = "0.1",
     .example = "DEBUG QUICKLIST-PACKED-THRESHOLD 100 => OK",
     .run = guarded<accept>},
    {.name = "DEBUG|RELOAD",
     .arity = -2,
     .flags = Flags::admin,
     .usage = "DEBUG RELOAD [NOSAVE] [NOFLUSH] [MERGE]",
     .summary = "Does nothing: what would be saved and loaded is what is in memory.",
     .since = "0.1",
     .example = "DEBUG RELOAD => OK",
     .run = guarded<accept>},
    {.name = "DEBUG|SET-ACTIVE-EXPIRE",
     .arity = 3,
     .flags = Flags::admin,
     .usage = "DEBUG SET-ACTIVE-EXPIRE 0|1",
     .summary =
         "With 0, keys that have expired are hidden, but removed only once somebody asks for them.",
     .since = "0.1",
     .example = "DEBUG SET-ACTIVE-EXPIRE 1 => OK",
     .run = guarded<set_active_expire>},
    {.name = "DEBUG|SLEEP",
     .arity = 3,
     .flags = Flags::admin,
     .usage = "DEBUG SLEEP seconds",
     .summary = "Stops the core of this connection for so long, at most 10 s.",
     .since = "0.1",
     .example = "DEBUG SLEEP 0.01 => OK",
     .run = guarded<sleep>},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> debug_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
