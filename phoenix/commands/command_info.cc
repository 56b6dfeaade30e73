#include "phoenix/commands/command_info.h"

#include <algorithm>
#include <array>
#include <string>

#include "phoenix/commands/key_use.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

struct FlagWord {
  Flags flag;
  std::string_view word;
};
constexpr auto kFlagWords = std::to_array<FlagWord>({
    {Flags::write, "write"},
    {Flags::readonly, "readonly"},
    {Flags::denied_when_full, "denyoom"},
    {Flags::admin, "admin"},
    {Flags::pubsub, "pubsub"},
    {Flags::fast, "fast"},
    {Flags::before_auth, "no_auth"},
    {Flags::not_in_multi, "no_multi"},
});

constexpr auto kCategories = std::to_array<std::string_view>(
    {"keyspace", "read",   "write",       "set",       "sortedset",  "list",        "hash",
     "string",   "bitmap", "hyperloglog", "geo",       "stream",     "pubsub",      "admin",
     "fast",     "slow",   "blocking",    "dangerous", "connection", "transaction", "scripting"});

struct GroupCategory {
  std::string_view group;
  std::string_view category;
};
constexpr auto kGroupCategories = std::to_array<GroupCategory>({
    {"generic", "keyspace"},
    {"string", "string"},
    {"bitmap", "bitmap"},
    {"connection", "connection"},
    {"transactions", "transaction"},
    {"scripting", "scripting"},
});

bool has_category(std::string_view category, std::string_view group, Flags flags) {
  if (category == "read") return has(flags, Flags::readonly);
  if (category == "write") return has(flags, Flags::write);
  if (category == "pubsub") return has(flags, Flags::pubsub);
  if (category == "admin" || category == "dangerous") return has(flags, Flags::admin);
  if (category == "fast") return has(flags, Flags::fast);
  if (category == "slow") return !has(flags, Flags::fast);
  return std::any_of(kGroupCategories.begin(), kGroupCategories.end(), [&](const auto& each) {
    return each.group == group && each.category == category;
  });
}

// How a client that splits a request itself may do that: the gather of the row.
std::vector<std::string_view> tips(const Command& command) {
  std::vector<std::string_view> words;
  const bool is_split = command.gather != Gather::one && command.gather != Gather::same_core;
  if (has(command.flags, Flags::every_core)) {
    words.emplace_back("request_policy:all_shards");
  } else if (is_split) {
    words.emplace_back("request_policy:multi_shard");
  }
  if (command.gather == Gather::sum) words.emplace_back("response_policy:agg_sum");
  if (command.gather == Gather::all_ok) words.emplace_back("response_policy:all_succeeded");
  return words;
}

void answer_lines(ReplySink& reply, const std::vector<std::string_view>& words,
                  std::string_view prefix = {}) {
  reply.begin_set(static_cast<std::uint32_t>(words.size()));
  for (const auto word : words) reply.line(std::string(prefix).append(word));
  reply.end();
}

void answer_field(ReplySink& reply, std::string_view name, std::int64_t value) {
  reply.bytes(name);
  reply.integer(value);
}

// "begin_search" and "find_keys" have the same form: a type, and what belongs to it.
void begin_spec(ReplySink& reply, std::string_view step, std::string_view type,
                std::uint32_t fields) {
  reply.bytes(step);
  reply.begin_map(2);
  reply.bytes("type");
  reply.bytes(type);
  reply.bytes("spec");
  reply.begin_map(fields);
}

void end_spec(ReplySink& reply) {
  reply.end();
  reply.end();
}

// The newer and more precise way to say where keys are; here it says the same.
void answer_key_specs(ReplySink& reply, const Command& command) {
  const KeyPositions& keys = command.keys;
  reply.begin_set(keys.first > 0 ? 1 : 0);
  if (keys.first > 0) {
    reply.begin_map(3);
    reply.bytes("flags");
    answer_lines(reply, key_use(command));
    begin_spec(reply, "begin_search", "index", 1);
    answer_field(reply, "index", keys.first);
    end_spec(reply);
    begin_spec(reply, "find_keys", "range", 3);
    answer_field(reply, "lastkey", keys.last < 0 ? keys.last : keys.last - keys.first);
    answer_field(reply, "keystep", keys.step);
    answer_field(reply, "limit", 0);
    end_spec(reply);
    reply.end();
  }
  reply.end();
}

}  // namespace

std::vector<std::string_view> flag_words(const Command& command) {
  std::vector<std::string_view> words;
  for (const auto& [flag, word] : kFlagWords) {
    if (has(command.flags, flag)) words.push_back(word);
  }
  return words;
}

std::span<const std::string_view> acl_categories() {
  return kCategories;
}

std::vector<std::string_view> acl_categories_of(const Table& table, const Command& command) {
  const auto group = table.group_of(command);
  std::vector<std::string_view> words;
  for (const auto category : kCategories) {
    if (has_category(category, group, command.flags)) words.push_back(category);
  }
  return words;
}

std::vector<std::string> names_in_category(const Table& table, std::string_view category) {
  std::vector<std::string> names;
  for (const auto* row : table.all()) {
    for (const auto each : acl_categories_of(table, *row)) {
      if (equals_ignoring_case(each, category)) names.push_back(lower_case(row->name));
    }
  }
  return names;
}

std::vector<const Command*> top_level(const Table& table) {
  std::vector<const Command*> rows;
  for (const auto* row : table.all()) {
    if (!is_subcommand(*row)) rows.push_back(row);
  }
  return rows;
}

void answer_names(ReplySink& reply, const std::vector<std::string>& names) {
  reply.begin_list(static_cast<std::uint32_t>(names.size()));
  for (const auto& name : names) reply.bytes(name);
  reply.end();
}

// NOLINTNEXTLINE(misc-no-recursion): subcommands have none of their own.
void answer_info(ReplySink& reply, const Table& table, const Command& command) {
  reply.begin_list(10);
  reply.bytes(lower_case(command.name));
  reply.integer(command.arity);
  answer_lines(reply, flag_words(command));
  reply.integer(command.keys.first);
  reply.integer(command.keys.last);
  reply.integer(command.keys.step);
  answer_lines(reply, acl_categories_of(table, command), "@");
  const auto hints = tips(command);
  reply.begin_set(static_cast<std::uint32_t>(hints.size()));
  for (const auto hint : hints) reply.bytes(hint);
  reply.end();
  answer_key_specs(reply, command);
  const auto subcommands = table.subcommands_of(command.name);
  const auto count = static_cast<std::uint32_t>(subcommands.size());
  if (count == 0) {
    reply.begin_set(0);
  } else {
    reply.begin_list(count);
  }
  for (const auto* row : subcommands) answer_info(reply, table, *row);
  reply.end();
  reply.end();
}

}  // namespace phoenix::commands
