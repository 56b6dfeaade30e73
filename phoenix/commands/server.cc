// The server as a whole.
#include <array>
#include <string>
#include <string_view>

#include "phoenix/commands/core_control.h"
#include "phoenix/commands/database_number.h"
#include "phoenix/commands/facts.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

void info(Context& context, const Request& request) {
  std::string page;
  context.core->facts->info(request.args.subspan(1), page);
  context.reply.text(page);
}

// Fresh rooms are set up for the keys to come, and the first of the old ones are freed: long for a
// request, so that a turn does few of them.
constexpr std::uint64_t kFlushSteps = std::uint64_t{128} << 10U;

// Everything is gone at once; ASYNC and SYNC make no difference, for what the keys took is freed in
// slices either way.
void flush(Context& context, const Request& request) {
  const bool is_known =
      request.args.size() == 1 ||
      (request.args.size() == 2 && (equals_ignoring_case(request.args[1], "ASYNC") ||
                                    equals_ignoring_case(request.args[1], "SYNC")));
  if (!is_known) return context.reply.error(protocol::Status::error, kSyntaxError);
  context.keyspace.clear();
  context.steps = kFlushSteps;
  context.reply.ok();
}

// Redis wants to know of both numbers whether they are ints before it looks for the databases.
void swapdb(Context& context, const Request& request) {
  const auto first = parse_integer(request.args[1]);
  const auto second = parse_integer(request.args[2]);
  std::string_view error;
  if (!first || !is_int(*first)) {
    error = "invalid first DB index";
  } else if (!second || !is_int(*second)) {
    error = "invalid second DB index";
  } else if (*first != 0 || *second != 0) {
    error = kNoSuchDatabase;
  }
  if (!error.empty()) return context.reply.error(protocol::Status::error, error);
  context.reply.ok();
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "FLUSHALL",
     .arity = -1,
     .flags = Flags::write | Flags::frees | Flags::every_core,
     .gather = Gather::all_ok,
     .usage = "FLUSHALL [ASYNC | SYNC]",
     .summary = "Removes all keys, at once on each core; their memory is freed in the background "
                "either way.",
     .since = "0.1",
     .example = "SET a 1 => OK; FLUSHALL => OK; GET a => (nil)",
     .run = flush},
    {.name = "FLUSHDB",
     .arity = -1,
     .flags = Flags::write | Flags::frees | Flags::every_core,
     .gather = Gather::all_ok,
     .usage = "FLUSHDB [ASYNC | SYNC]",
     .summary = "Removes all keys of the database, which is the only one: as FLUSHALL.",
     .since = "0.1",
     .example = "SET a 1 => OK; FLUSHDB ASYNC => OK; GET a => (nil)",
     .run = flush},
    {.name = "INFO",
     .arity = -1,
     .flags = Flags::none,
     .usage = "INFO [section [section ...]]",
     .summary =
         "Answers the server's state as lines of name:value, in sections: those named, those "
         "that most want, or with \"everything\" all.",
     .since = "0.1",
     .example = "INFO => ...",
     .run = info},
    {.name = "SWAPDB",
     .arity = 3,
     .flags = Flags::fast,
     .usage = "SWAPDB index1 index2",
     .summary = "Answers OK to 0 and 0, and changes nothing: there is one database.",
     .since = "0.1",
     .example = "SWAPDB 0 0 => OK; SWAPDB 0 1 => (error) ERR DB index is out of range",
     .run = swapdb},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> server_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
