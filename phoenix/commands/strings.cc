// Whole values, one or many at a time.
#include <algorithm>
#include <array>

#include "phoenix/commands/string_words.h"
#include "phoenix/commands/table.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;

void get(Context& context, const Request& request) {
  EntryView entry;
  if (find_to_read(context, first_key(request), entry)) {
    answer_value(context, entry);
  } else {
    context.reply.nil();
  }
}

void getdel(Context& context, const Request& request) {
  const Key key = first_key(request);
  EntryView entry;
  if (!find_to_read(context, key, entry)) return context.reply.nil();
  answer_value(context, entry);  // First: the view ends with the key.
  context.keyspace.erase(key, context.now_ms);
  context.notify('g', "del", key.bytes);
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
      if (find_to_read(context, Key{group[i], hashes[i]}, entry)) {
        answer_value(context, entry);
      } else {
        context.reply.nil();
      }
    }
  }
  context.reply.end();
}

void put_pairs(Context& context, const Request& request) {
  for (std::size_t i = 1; i < request.args.size(); i += 2) {
    const Key key = key_at(context, request, i);
    put_value(context, key, request.value_at(i + 1), engine::kNoExpiry);
    context.notify('$', "set", key.bytes);
  }
}

void mset(Context& context, const Request& request) {
  if (request.args.size() % 2 == 0) return answer_arity_error(context, "mset");
  put_pairs(context, request);
  context.reply.ok();
}

void msetnx(Context& context, const Request& request) {
  if (request.args.size() % 2 == 0) return answer_arity_error(context, "msetnx");
  for (std::size_t i = 1; i < request.args.size(); i += 2) {
    EntryView entry;
    const Key key = key_at(context, request, i);
    if (context.keyspace.find(key, context.now_ms, entry)) return context.reply.integer(0);
  }
  put_pairs(context, request);
  context.reply.integer(1);
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "GET",
     .opcode = protocol::Opcode::get,
     .arity = 2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "GET key",
     .summary = "Answers the value of a key, or nil.",
     .since = "0.1",
     .example = "GET missing => (nil)",
     .run = get},
    {.name = "GETDEL",
     .arity = 2,
     .flags = Flags::write | Flags::frees | Flags::fast,
     .keys = kOneKey,
     .usage = "GETDEL key",
     .summary = "Answers the value of a key, or nil, and removes the key.",
     .since = "0.1",
     .example = "SET a 1 => OK; GETDEL a => \"1\"; GET a => (nil)",
     .run = getdel},
    {.name = "MGET",
     .arity = -2,
     .flags = Flags::readonly | Flags::fast,
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
     .summary =
         "Stores values. Keys that live on one core change together, up to 4,095 of them; over "
         "several cores each core's part is atomic by itself.",
     .since = "0.1",
     .example = "MSET a 1 b 2 => OK",
     .run = mset},
    {.name = "MSETNX",
     .arity = -3,
     .flags = Flags::write | Flags::denied_when_full,
     .keys = kKeyValuePairs,
     .gather = Gather::same_core,
     .usage = "MSETNX key value [key value ...]",
     .summary = "Stores values when none of the keys exists: all of them, and answers 1, or none, "
                "and answers 0. The keys must share a core: give them the same {tag}.",
     .since = "0.1",
     .example = "MSETNX {t}a 1 {t}b 2 => (integer) 1; MSETNX {t}b 3 {t}c 4 => (integer) 0",
     .run = msetnx},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> string_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
