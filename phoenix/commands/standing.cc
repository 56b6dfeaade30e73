// How the server stands: its clock, its role, and what of the data is safe.
#include <algorithm>
#include <array>
#include <string>

#include "phoenix/commands/core_control.h"
#include "phoenix/commands/facts.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

void tell_time(Context& context, const Request&) {
  constexpr std::int64_t kMicrosPerMs = 1'000;
  context.reply.begin_list(2);
  context.reply.bytes(std::to_string(context.now_ms / 1'000));
  context.reply.bytes(std::to_string(context.now_ms % 1'000 * kMicrosPerMs));
  context.reply.end();
}

void role(Context& context, const Request&) {
  context.reply.begin_list(3);
  context.reply.bytes("master");
  context.reply.integer(0);
  context.reply.begin_list(0);
  context.reply.end();
  context.reply.end();
}

bool refuses_without_log(Context& context) {
  if (context.core->facts->is_durable()) return false;
  context.reply.error(Status::error,
                      "nothing is saved: the server keeps nothing on disk (--durability off)");
  return true;
}

// Of each core: its answer waits for the disk, which is all that there is to do.
void save(Context& context, const Request&) {
  if (!refuses_without_log(context)) context.reply.ok();
}

void bgsave(Context& context, const Request& request) {
  const Args& args = request.args;
  if (args.size() > 2 || (args.size() == 2 && !equals_ignoring_case(args[1], "SCHEDULE"))) {
    return context.reply.error(Status::error, kSyntaxError);
  }
  context.reply.line("Background saving started");
}

void lastsave(Context& context, const Request&) {
  if (!refuses_without_log(context)) context.reply.integer(context.now_ms / 1'000);
}

// The time that all cores can tell.
void earliest(std::span<const protocol::Value> parts, ReplySink& reply) {
  std::int64_t time = parts.front().integer;
  for (const auto& part : parts) time = std::min(time, part.integer);
  reply.integer(time);
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "BGSAVE",
     .arity = -1,
     .flags = Flags::admin,
     .usage = "BGSAVE [SCHEDULE]",
     .summary = "Does nothing, as the log is always being written; for scripts that ask LASTSAVE "
                "until it has moved on. SAVE waits.",
     .since = "0.1",
     .example = "BGSAVE => Background saving started",
     .run = bgsave},
    {.name = "LASTSAVE",
     .arity = 1,
     .flags = Flags::every_core | Flags::durable | Flags::fast,
     .gather = Gather::by_row,
     .usage = "LASTSAVE",
     .summary = "Answers the Unix time up to which everything is on disk: that of the request, "
                "since the answer waits for that.",
     .since = "0.1",
     .example = "LASTSAVE => (integer) ...",
     .run = lastsave,
     .merge = earliest},
    {.name = "ROLE",
     .arity = 1,
     .flags = Flags::fast,
     .usage = "ROLE",
     .summary = "Answers that the server is a master, its replication offset 0, and its replicas: "
                "none.",
     .since = "0.1",
     .example = "ROLE => [\"master\", (integer) 0, []]",
     .run = role},
    {.name = "SAVE",
     .arity = 1,
     .flags = Flags::every_core | Flags::durable | Flags::admin | Flags::not_in_multi,
     .gather = Gather::all_ok,
     .usage = "SAVE",
     .summary = "Answers OK once all that was written before is on disk, in every mode of "
                "durability but off. Writes no file beside the log.",
     .since = "0.1",
     .example = "SAVE => OK",
     .run = save},
    {.name = "TIME",
     .arity = 1,
     .flags = Flags::fast,
     .usage = "TIME",
     .summary = "Answers the server's Unix time: seconds, and the microseconds in that second "
                "(whole milliseconds).",
     .since = "0.1",
     .example = "TIME => [\"1...]",
     .run = tell_time},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> standing_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
