// Several requests as one. The server queues them, and runs them together on the core that has
// their keys: in one go, and in one batch of the log, so that a crash keeps all or none.
#include <array>

#include "phoenix/commands/table.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

void multi(Context& context, const Request&) {
  if (context.session->begin_transaction()) return context.reply.ok();
  context.reply.error(Status::error, "MULTI calls can not be nested");
}

// A session that has queued requests does not come here.
void exec(Context& context, const Request&) {
  context.reply.error(Status::error, "EXEC without MULTI");
}

void discard(Context& context, const Request&) {
  if (context.session->discard_transaction()) return context.reply.ok();
  context.reply.error(Status::error, "DISCARD without MULTI");
}

// The session has noted the versions of the keys.
void watch(Context& context, const Request&) {
  context.reply.ok();
}

void unwatch(Context& context, const Request&) {
  context.session->forget_watches();
  context.reply.ok();
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "DISCARD",
     .arity = 1,
     .flags = Flags::session | Flags::at_once | Flags::fast,
     .usage = "DISCARD",
     .summary = "Forgets what was queued since MULTI, and what is watched.",
     .since = "0.1",
     .example = "MULTI => OK; DISCARD => OK; DISCARD => (error) ERR DISCARD without MULTI",
     .run = discard},
    {.name = "EXEC",
     .arity = 1,
     .flags = Flags::session | Flags::at_once | Flags::executes,
     .usage = "EXEC",
     .summary = "Runs what was queued since MULTI, with nothing in between, and answers a list of "
                "the replies; nil when a watched key has changed. Also over a crash all of it "
                "happens or nothing. The keys must live on one core: give them one {hash tag}.",
     .since = "0.1",
     .example = "EXEC => (error) ERR EXEC without MULTI",
     .run = exec},
    {.name = "MULTI",
     .arity = 1,
     .flags = Flags::session | Flags::at_once | Flags::fast,
     .usage = "MULTI",
     .summary = "Begins a transaction: what follows is queued until EXEC or DISCARD.",
     .since = "0.1",
     .example = "MULTI => OK; MULTI => (error) ERR MULTI calls can not be nested",
     .run = multi},
    {.name = "UNWATCH",
     .arity = 1,
     .flags = Flags::session | Flags::fast,
     .usage = "UNWATCH",
     .summary = "Forgets what is watched.",
     .since = "0.1",
     .example = "UNWATCH => OK",
     .run = unwatch},
    {.name = "WATCH",
     .arity = -2,
     .flags = Flags::at_once | Flags::watches | Flags::fast,
     .keys = kAllKeys,
     .gather = Gather::same_core,
     .usage = "WATCH key [key ...]",
     .summary = "The next EXEC does nothing when one of the keys has changed until then.",
     .since = "0.1",
     .example = "WATCH a => OK",
     .run = watch},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> transaction_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
