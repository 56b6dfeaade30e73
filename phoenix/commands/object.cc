// What is known of a key's value beside the value.
#include <array>

#include "phoenix/commands/container_help.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/value_facts.h"

namespace phoenix::commands {
namespace {

using engine::EntryView;
using protocol::Status;

bool find(Context& context, const Request& request, EntryView& entry) {
  return context.keyspace.find({request.args[2], request.first_key_hash}, context.now_ms, entry);
}

void encoding(Context& context, const Request& request) {
  EntryView entry;
  if (!find(context, request, entry)) return context.reply.nil();
  context.reply.bytes(encoding_of(entry.value));
}

void refcount(Context& context, const Request& request) {
  EntryView entry;
  if (!find(context, request, entry)) return context.reply.nil();
  context.reply.integer(references_of(entry.value));
}

void freq(Context& context, const Request& request) {
  EntryView entry;
  if (!find(context, request, entry)) return context.reply.nil();
  context.reply.error(
      Status::error,
      "An LFU maxmemory policy is not selected, access frequency not tracked. Please note that "
      "when switching between policies at runtime LRU and LFU data will take some time to adjust.");
}

void idletime(Context& context, const Request& request) {
  EntryView entry;
  if (!find(context, request, entry)) return context.reply.nil();
  context.reply.error(Status::error, "idle time not tracked: nothing is ever evicted for it");
}

void help(Context& context, const Request&) {
  answer_container_help(context, "OBJECT");
}

constexpr KeyPositions kKeyOfSubcommand{2, 2, 1};

constexpr auto kCommands = std::to_array<Command>({
    {.name = "OBJECT",
     .arity = -2,
     .flags = Flags::container,
     .usage = "OBJECT subcommand [argument ...]",
     .summary = "What is known of a key's value beside the value: OBJECT HELP tells.",
     .since = "0.1",
     .example = "SET a text => OK; OBJECT ENCODING a => \"embstr\"",
     .run = help},
    {.name = "OBJECT|ENCODING",
     .arity = 3,
     .flags = Flags::readonly,
     .keys = kKeyOfSubcommand,
     .usage = "OBJECT ENCODING key",
     .summary = "Answers how Redis would hold the value: int, embstr (up to 44 bytes) or raw.",
     .since = "0.1",
     .example = "SET a 1 => OK; OBJECT ENCODING a => \"int\"",
     .run = encoding},
    {.name = "OBJECT|FREQ",
     .arity = 3,
     .flags = Flags::readonly,
     .keys = kKeyOfSubcommand,
     .usage = "OBJECT FREQ key",
     .summary = "Answers an error for a key that exists: nobody counts how often a key is used.",
     .since = "0.1",
     .example = "OBJECT FREQ missing => (nil)",
     .run = freq},
    {.name = "OBJECT|HELP",
     .arity = 2,
     .usage = "OBJECT HELP",
     .summary = "Answers this list.",
     .since = "0.1",
     .example = "OBJECT HELP => [OBJECT <subcommand>...]",
     .run = help},
    {.name = "OBJECT|IDLETIME",
     .arity = 3,
     .flags = Flags::readonly,
     .keys = kKeyOfSubcommand,
     .usage = "OBJECT IDLETIME key",
     .summary = "Answers an error for a key that exists: nobody notes when a key was used.",
     .since = "0.1",
     .example = "OBJECT IDLETIME missing => (nil)",
     .run = idletime},
    {.name = "OBJECT|REFCOUNT",
     .arity = 3,
     .flags = Flags::readonly,
     .keys = kKeyOfSubcommand,
     .usage = "OBJECT REFCOUNT key",
     .summary =
         "Answers how often Redis would refer to the value: 2147483647 for the numbers below "
         "10000, which all keys share there, else 1.",
     .since = "0.1",
     .example = "SET a text => OK; OBJECT REFCOUNT a => (integer) 1",
     .run = refcount},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> object_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
