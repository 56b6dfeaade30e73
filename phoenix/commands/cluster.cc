// Answers clients that ask whether this is a node of a cluster: it is not. All keys are here.
#include <array>

#include "phoenix/commands/table.h"

namespace phoenix::commands {
namespace {

void refuse(Context& context, const Request&) {
  context.reply.error(protocol::Status::error, "This instance has cluster support disabled");
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "ASKING",
     .arity = 1,
     .flags = Flags::fast,
     .usage = "ASKING",
     .summary = "Is refused: this is no node of a cluster.",
     .since = "0.1",
     .example = "ASKING => (error) ERR This instance has cluster support disabled",
     .run = refuse},
    {.name = "CLUSTER",
     .arity = -2,
     .usage = "CLUSTER subcommand [arg ...]",
     .summary = "Is refused, as by a Redis that is no node of a cluster.",
     .since = "0.1",
     .example = "CLUSTER INFO => (error) ERR This instance has cluster support disabled",
     .run = refuse},
    {.name = "READONLY",
     .arity = 1,
     .flags = Flags::fast,
     .usage = "READONLY",
     .summary = "Is refused: this is no node of a cluster.",
     .since = "0.1",
     .example = "READONLY => (error) ERR This instance has cluster support disabled",
     .run = refuse},
    {.name = "READWRITE",
     .arity = 1,
     .flags = Flags::fast,
     .usage = "READWRITE",
     .summary = "Is refused: this is no node of a cluster.",
     .since = "0.1",
     .example = "READWRITE => (error) ERR This instance has cluster support disabled",
     .run = refuse},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> cluster_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
