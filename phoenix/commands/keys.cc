// Keys, whatever is stored under them.
#include <array>
#include <string>
#include <utility>

#include "phoenix/commands/database_number.h"
#include "phoenix/commands/key_words.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using engine::Key;
using engine::NewValue;
using protocol::Status;

constexpr std::string_view kNoSuchKey = "no such key";
constexpr std::string_view kSameObjects = "source and destination objects are the same";

void del(Context& context, const Request& request) {
  std::int64_t removed = 0;
  for (std::size_t i = 1; i < request.args.size(); ++i) {
    const Key key = key_at(context, request, i);
    if (!context.keyspace.erase(key, context.now_ms)) continue;
    context.notify('g', "del", key.bytes);
    ++removed;
  }
  context.reply.integer(removed);
}

void exists(Context& context, const Request& request) {
  std::int64_t found = 0;
  for (std::size_t i = 1; i < request.args.size(); ++i) {
    EntryView entry;
    found += find_to_read(context, key_at(context, request, i), entry) ? 1 : 0;
  }
  context.reply.integer(found);
}

void type(Context& context, const Request& request) {
  EntryView entry;
  context.reply.line(find_to_read(context, first_key(request), entry) ? "string" : "none");
}

void dbsize(Context& context, const Request&) {
  context.reply.integer(static_cast<std::int64_t>(context.keyspace.size()));
}

// The value is written anew to the log. In memory a renamed one stays what it is: that may be done
// when memory is full, as in Redis.
std::uint64_t size_of_first_value(const Context& context, const Request& request) {
  EntryView entry;
  const bool exists = context.keyspace.find(first_key(request), context.now_ms, entry);
  return exists ? entry.value.size() : 0;
}

// Both changes are in one batch: after a crash there is the one key or the other.
void move_entry(Context& context, const Key& from, const Key& to, const EntryView& entry) {
  const bool is_large = entry.large != nullptr;
  const std::string small(is_large ? std::string_view() : entry.value);
  const NewValue value = is_large ? NewValue::adopt(*entry.large) : NewValue::copy_of(small);
  context.keyspace.put(to, value, entry.expires_at_ms);
  context.keyspace.erase(from, context.now_ms);
  context.notify('n', "new", to.bytes);
  context.notify('g', "rename_from", from.bytes);
  context.notify('g', "rename_to", to.bytes);
}

void rename(Context& context, const Request& request) {
  const Key from = first_key(request);
  const Key to = key_at(context, request, 2);
  EntryView entry;
  if (!context.keyspace.find(from, context.now_ms, entry)) {
    return context.reply.error(Status::error, kNoSuchKey);
  }
  if (from.bytes != to.bytes) move_entry(context, from, to, entry);
  context.reply.ok();
}

void renamenx(Context& context, const Request& request) {
  const Key from = first_key(request);
  const Key to = key_at(context, request, 2);
  EntryView entry;
  EntryView other;
  if (!context.keyspace.find(from, context.now_ms, entry)) {
    return context.reply.error(Status::error, kNoSuchKey);
  }
  if (context.keyspace.find(to, context.now_ms, other)) return context.reply.integer(0);
  move_entry(context, from, to, entry);
  context.reply.integer(1);
}

struct CopyOptions {
  bool replaces = false;
  std::string_view error;  // Empty: all right.
};

CopyOptions parse_copy_options(Args words) {
  CopyOptions options;
  for (std::size_t i = 0; i < words.size() && options.error.empty(); ++i) {
    if (equals_ignoring_case(words[i], "REPLACE")) {
      options.replaces = true;
    } else if (equals_ignoring_case(words[i], "DB") && i + 1 < words.size()) {
      options.error = check_database(words[++i]);
    } else {
      options.error = kSyntaxError;
    }
  }
  return options;
}

// A block of its own: each entry counts the bytes that it holds. False: the system has no memory.
bool copy_entry(Context& context, const Key& to, const EntryView& entry) {
  NewValue value;
  const std::string small(entry.large == nullptr ? entry.value : std::string_view());
  if (entry.large == nullptr) {
    value = NewValue::copy_of(small);
  } else {
    LongJob job = finish_job(context, copy_job(context, *entry.large));
    if (job.has_failed) return false;
    value = NewValue::adopt(std::move(job.result));
  }
  context.keyspace.put(to, value, entry.expires_at_ms);
  return true;
}

void copy(Context& context, const Request& request) {
  const CopyOptions options = parse_copy_options(request.args.subspan(3));
  if (!options.error.empty()) return context.reply.error(Status::error, options.error);
  const Key from = first_key(request);
  const Key to = key_at(context, request, 2);
  if (from.bytes == to.bytes) {
    return context.reply.error(Status::error, kSameObjects);
  }
  EntryView entry;
  EntryView other;
  const bool may_copy = find_to_read(context, from, entry) &&
                        (options.replaces || !context.keyspace.find(to, context.now_ms, other));
  if (!may_copy) return context.reply.integer(0);
  if (!copy_entry(context, to, entry)) {
    return context.reply.error(Status::out_of_memory, "the system has no memory for the copy");
  }
  context.notify('n', "new", to.bytes);
  context.notify('g', "copy_to", to.bytes);
  context.reply.integer(1);
}

LongJob job_of_copy(const Context& context, const Request& request) {
  EntryView entry;
  EntryView other;
  const CopyOptions options = parse_copy_options(request.args.subspan(3));
  const bool is_copied =
      options.error.empty() && context.keyspace.find(first_key(request), context.now_ms, entry) &&
      entry.large != nullptr &&
      (options.replaces ||
       !context.keyspace.find(key_at(context, request, 2), context.now_ms, other));
  return is_copied ? copy_job(context, *entry.large) : LongJob();
}

// Of one database there is none to move to.
void move(Context& context, const Request& request) {
  const std::string_view error = check_database(request.args[2]);
  context.reply.error(Status::error, error.empty() ? kSameObjects : error);
}

constexpr KeyPositions kTwoKeys{1, 2, 1};

constexpr auto kCommands = std::to_array<Command>({
    {.name = "COPY",
     .arity = -3,
     .flags = Flags::write | Flags::denied_when_full | Flags::has_long_job,
     .keys = kTwoKeys,
     .gather = Gather::same_core,
     .usage = "COPY source destination [DB destination-db] [REPLACE]",
     .summary = "Copies a value and its time to live to another key, an existing one only with "
                "REPLACE. Answers 1, or 0 when nothing was copied. Database 0 is the only one.",
     .since = "0.1",
     .example = "SET {t}a 1 => OK; COPY {t}a {t}b => (integer) 1; GET {t}b => \"1\"",
     .run = copy,
     .extra_bytes = size_of_first_value,
     .long_job = job_of_copy},
    {.name = "DBSIZE",
     .arity = 1,
     .flags = Flags::readonly | Flags::every_core | Flags::fast,
     .gather = Gather::sum,
     .usage = "DBSIZE",
     .summary = "Answers the number of keys, those expired but not yet removed included.",
     .since = "0.1",
     .example = "SET a 1 => OK; DBSIZE => (integer) 1",
     .run = dbsize},
    {.name = "DEL",
     .opcode = protocol::Opcode::del,
     .arity = -2,
     .flags = Flags::write | Flags::frees,
     .keys = kAllKeys,
     .gather = Gather::sum,
     .usage = "DEL key [key ...]",
     .summary = "Removes keys and answers how many there were.",
     .since = "0.1",
     .example = "SET a 1 => OK; DEL a missing => (integer) 1",
     .run = del},
    {.name = "EXISTS",
     .opcode = protocol::Opcode::exists,
     .arity = -2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kAllKeys,
     .gather = Gather::sum,
     .usage = "EXISTS key [key ...]",
     .summary = "Answers how many of the keys exist; one that is named twice counts twice.",
     .since = "0.1",
     .example = "SET a 1 => OK; EXISTS a missing => (integer) 1",
     .run = exists},
    {.name = "MOVE",
     .arity = 3,
     .flags = Flags::write | Flags::fast,
     .keys = kOneKey,
     .usage = "MOVE key db",
     .summary = "Refuses: there is no other database to move a key to.",
     .since = "0.1",
     .example = "MOVE a 1 => (error) ERR DB index is out of range",
     .run = move},
    {.name = "RENAME",
     .arity = 3,
     .flags = Flags::write,
     .keys = kTwoKeys,
     .gather = Gather::same_core,
     .usage = "RENAME key newkey",
     .summary = "Gives a key another name, with its time to live; a key that had the name is gone.",
     .since = "0.1",
     .example = "SET {t}a 1 => OK; RENAME {t}a {t}b => OK; GET {t}b => \"1\"",
     .run = rename,
     .extra_bytes = size_of_first_value},
    {.name = "RENAMENX",
     .arity = 3,
     .flags = Flags::write | Flags::fast,
     .keys = kTwoKeys,
     .gather = Gather::same_core,
     .usage = "RENAMENX key newkey",
     .summary = "As RENAME, but only to a name that no key has. Answers 1, or 0 when one has it.",
     .since = "0.1",
     .example = "MSET {t}a 1 {t}b 2 => OK; RENAMENX {t}a {t}b => (integer) 0; "
                "RENAMENX {t}a {t}c => (integer) 1",
     .run = renamenx,
     .extra_bytes = size_of_first_value},
    {.name = "TOUCH",
     .arity = -2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kAllKeys,
     .gather = Gather::sum,
     .usage = "TOUCH key [key ...]",
     .summary = "Answers how many of the keys exist, as EXISTS: nobody notes when a key was used.",
     .since = "0.1",
     .example = "SET a 1 => OK; TOUCH a missing => (integer) 1",
     .run = exists},
    {.name = "TYPE",
     .arity = 2,
     .flags = Flags::readonly | Flags::fast,
     .keys = kOneKey,
     .usage = "TYPE key",
     .summary = "Answers string, or none when there is no such key.",
     .since = "0.1",
     .example = "SET a 1 => OK; TYPE a => string; TYPE missing => none",
     .run = type},
    {.name = "UNLINK",
     .arity = -2,
     .flags = Flags::write | Flags::frees | Flags::fast,
     .keys = kAllKeys,
     .gather = Gather::sum,
     .usage = "UNLINK key [key ...]",
     .summary = "As DEL.",
     .since = "0.1",
     .example = "SET a 1 => OK; UNLINK a missing => (integer) 1",
     .run = del},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> key_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
