#include "phoenix/commands/slow_log.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "phoenix/commands/container_help.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

// Values of CONFIG SET that are passwords where it takes them: whoever tries has said one, also
// where a word is missing before.
bool is_secret(Args words, std::size_t index) {
  constexpr auto kNames = std::to_array<std::string_view>(
      {"masterauth", "masteruser", "requirepass", "tls-client-key-file-pass", "tls-key-file-pass"});
  const bool is_whole = words.size() % 2 == 0;
  if (index < 3 || (is_whole && index % 2 == 0)) return false;
  if (!equals_ignoring_case(words[0], "CONFIG") || !equals_ignoring_case(words[1], "SET")) {
    return false;
  }
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](auto name) { return equals_ignoring_case(name, words[index - 1]); });
}

}  // namespace

void SlowLog::set_entries_max(std::int64_t entries) {
  entries_max_ = std::min(static_cast<std::size_t>(entries), kEntriesMax);
  if (entries_.size() > entries_max_) entries_.resize(entries_max_);
}

void SlowLog::add(Args words, std::int64_t at_ms, std::int64_t took_us, Client client) {
  constexpr std::size_t kWords = 32;
  constexpr std::size_t kWordBytes = 128;
  if (entries_max_ == 0) return;
  if (entries_.size() >= entries_max_) entries_.pop_back();
  Entry& entry = entries_.emplace_front();
  entry.id = ids_.fetch_add(1, std::memory_order_relaxed);
  entry.at_s = at_ms / 1000;
  entry.took_us = took_us;
  entry.client = std::move(client);
  const std::size_t kept = words.size() <= kWords ? words.size() : kWords - 1;
  for (std::size_t i = 0; i < kept; ++i) {
    const std::string_view word = is_secret(words, i) ? "(redacted)" : words[i];
    const auto cut = static_cast<std::ptrdiff_t>(word.size() - std::min(word.size(), kWordBytes));
    entry.words.emplace_back(word.substr(0, kWordBytes));
    if (cut > 0) entry.words.back() += fmt::format("... ({} more bytes)", cut);
  }
  if (kept < words.size()) {
    entry.words.push_back(fmt::format("... ({} more arguments)", words.size() - kept));
  }
}

namespace {

using protocol::Status;
using protocol::Value;

constexpr std::int64_t kShownByDefault = 10;

// One core's part says first how many entries may be told in all.
bool is_part(const Context& context) {
  return context.core->cores > 1;
}

void answer_entry(const SlowLog::Entry& entry, ReplySink& reply) {
  reply.begin_list(6);
  reply.integer(entry.id);
  reply.integer(entry.at_s);
  reply.integer(entry.took_us);
  reply.begin_list(static_cast<std::uint32_t>(entry.words.size()));
  for (const auto& word : entry.words) reply.bytes(word);
  reply.end();
  reply.bytes(entry.client.address);
  reply.bytes(entry.client.name);
  reply.end();
}

// An entry that another core has told.
void answer_told(const Value& entry, ReplySink& reply) {
  reply.begin_list(static_cast<std::uint32_t>(entry.items.size()));
  for (const auto& item : entry.items) {
    if (item.kind == protocol::Kind::integer) {
      reply.integer(item.integer);
    } else if (item.kind == protocol::Kind::list) {
      reply.begin_list(static_cast<std::uint32_t>(item.items.size()));
      for (const auto& word : item.items) reply.bytes(word.bytes);
      reply.end();
    } else {
      reply.bytes(item.bytes);
    }
  }
  reply.end();
}

void slowlog_get(Context& context, const Request& request) {
  if (request.args.size() > 3) {
    return context.reply.error(
        Status::error, fmt::format("unknown subcommand or wrong number of arguments for '{}'. Try "
                                   "SLOWLOG HELP.",
                                   printable(request.args[1])));
  }
  const SlowLog& log = *context.core->slow_log;
  std::int64_t most = kShownByDefault;
  if (request.args.size() == 3) {
    const auto count = parse_integer(request.args[2]);
    if (!count || *count < -1) {
      return context.reply.error(Status::error, "count should be greater than or equal to -1");
    }
    most = *count;
  }
  const std::size_t limit =
      most == -1 ? log.entries_max() : std::min(static_cast<std::size_t>(most), log.entries_max());
  const std::size_t told = std::min(limit, log.entries().size());
  const bool in_part = is_part(context);
  context.reply.begin_list(static_cast<std::uint32_t>(told + (in_part ? 1 : 0)));
  if (in_part) context.reply.integer(static_cast<std::int64_t>(limit));
  for (std::size_t i = 0; i < told; ++i) answer_entry(log.entries()[i], context.reply);
  context.reply.end();
}

void merge_get(std::span<const Value> parts, ReplySink& reply) {
  std::vector<const Value*> entries;
  std::size_t limit = 0;
  for (const auto& part : parts) {
    limit = static_cast<std::size_t>(part.items[0].integer);
    for (std::size_t i = 1; i < part.items.size(); ++i) entries.push_back(&part.items[i]);
  }
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return a->items[0].integer > b->items[0].integer; });
  if (entries.size() > limit) entries.resize(limit);
  reply.begin_list(static_cast<std::uint32_t>(entries.size()));
  for (const auto* entry : entries) answer_told(*entry, reply);
  reply.end();
}

void slowlog_len(Context& context, const Request&) {
  const SlowLog& log = *context.core->slow_log;
  const auto entries = static_cast<std::int64_t>(log.entries().size());
  if (!is_part(context)) return context.reply.integer(entries);
  context.reply.begin_list(2);
  context.reply.integer(static_cast<std::int64_t>(log.entries_max()));
  context.reply.integer(entries);
  context.reply.end();
}

void merge_len(std::span<const Value> parts, ReplySink& reply) {
  std::int64_t entries = 0;
  std::int64_t most = 0;
  for (const auto& part : parts) {
    most = part.items[0].integer;
    entries += part.items[1].integer;
  }
  reply.integer(std::min(entries, most));
}

void slowlog_reset(Context& context, const Request&) {
  context.core->slow_log->clear();
  context.reply.ok();
}

void slowlog_help(Context& context, const Request&) {
  answer_container_help(context, "SLOWLOG");
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "SLOWLOG",
     .arity = -2,
     .flags = Flags::container,
     .usage = "SLOWLOG",
     .summary = "Tells of requests that took long to execute (slowlog-log-slower-than).",
     .since = "0.1",
     .example = "SLOWLOG LEN => (integer) 0",
     .run = slowlog_help},
    {.name = "SLOWLOG|GET",
     .arity = -2,
     .flags = Flags::admin | Flags::every_core,
     .gather = Gather::by_row,
     .usage = "SLOWLOG GET [count]",
     .summary = "Answers the newest entries (10, or as many as said; -1: all): number, unix time, "
                "microseconds, words, the client's address and name. Waiting for the disk or for "
                "other requests does not count.",
     .since = "0.1",
     .example = "SLOWLOG GET => []",
     .run = slowlog_get,
     .merge = merge_get},
    {.name = "SLOWLOG|HELP",
     .arity = 2,
     .flags = Flags::none,
     .usage = "SLOWLOG HELP",
     .summary = "Answers these lines.",
     .since = "0.1",
     .example = "SLOWLOG HELP => [SLOWLOG <subcommand>...",
     .run = slowlog_help},
    {.name = "SLOWLOG|LEN",
     .arity = 2,
     .flags = Flags::admin | Flags::every_core,
     .gather = Gather::by_row,
     .usage = "SLOWLOG LEN",
     .summary = "Answers how many entries there are.",
     .since = "0.1",
     .example = "SLOWLOG LEN => (integer) 0",
     .run = slowlog_len,
     .merge = merge_len},
    {.name = "SLOWLOG|RESET",
     .arity = 2,
     .flags = Flags::admin | Flags::every_core,
     .gather = Gather::all_ok,
     .usage = "SLOWLOG RESET",
     .summary = "Forgets all entries.",
     .since = "0.1",
     .example = "SLOWLOG RESET => OK",
     .run = slowlog_reset},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> slow_log_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
