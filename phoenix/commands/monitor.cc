// MONITOR: a look at what all connections ask for.
#include <array>

#include "phoenix/commands/table.h"

namespace phoenix::commands {
namespace {

void monitor(Context& context, const Request&) {
  context.session->monitor();
  context.reply.ok();
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "MONITOR",
     .arity = 1,
     .flags = Flags::session | Flags::not_in_multi | Flags::admin,
     .usage = "MONITOR",
     .summary = "Sends this connection a line for each request that any connection makes, from now "
                "on. RESET ends it.",
     .since = "0.1",
     .example = "MONITOR => OK",
     .run = monitor},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> monitor_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
