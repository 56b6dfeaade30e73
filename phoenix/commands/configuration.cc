// CONFIG: what the server was started with, and what can be changed while it runs.
#include <array>

#include "phoenix/commands/container_help.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/facts.h"
#include "phoenix/commands/settings.h"
#include "phoenix/commands/table.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

void config_get(Context& context, const Request& request) {
  const auto pairs = context.core->settings->matching(request.args.subspan(2));
  context.reply.begin_map(static_cast<std::uint32_t>(pairs.size()));
  for (const auto& [name, value] : pairs) {
    context.reply.bytes(name);
    context.reply.bytes(value);
  }
  context.reply.end();
}

void config_set(Context& context, const Request& request) {
  const auto changed = context.core->settings->change(request.args.subspan(2));
  if (!changed) return context.reply.error(Status::error, changed.error());
  context.session->apply_settings();
  context.reply.ok();
}

void config_resetstat(Context& context, const Request&) {
  context.core->facts->reset_statistics();
  context.reply.ok();
}

// The command line is all there is.
void config_rewrite(Context& context, const Request&) {
  context.reply.error(Status::error, "The server is running without a config file");
}

void config_help(Context& context, const Request&) {
  answer_container_help(context, "CONFIG");
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "CONFIG",
     .arity = -2,
     .flags = Flags::container,
     .usage = "CONFIG",
     .summary = "Reads and changes what the server was started with.",
     .since = "0.1",
     .example = "CONFIG GET databases => {\"databases\": \"1\"}",
     .run = config_help},
    {.name = "CONFIG|GET",
     .arity = -3,
     .flags = Flags::admin,
     .usage = "CONFIG GET parameter [parameter ...]",
     .summary = "Answers the parameters whose names match the patterns, with their values.",
     .since = "0.1",
     .example = "CONFIG GET timeout => {\"timeout\": \"0\"}; CONFIG GET none* => {}",
     .run = config_get},
    {.name = "CONFIG|HELP",
     .arity = 2,
     .flags = Flags::none,
     .usage = "CONFIG HELP",
     .summary = "Answers these lines.",
     .since = "0.1",
     .example = "CONFIG HELP => [CONFIG <subcommand>...",
     .run = config_help},
    {.name = "CONFIG|RESETSTAT",
     .arity = 2,
     .flags = Flags::admin | Flags::every_core,
     .gather = Gather::all_ok,
     .usage = "CONFIG RESETSTAT",
     .summary = "Lets the counters that INFO shows begin again at zero.",
     .since = "0.1",
     .example = "CONFIG RESETSTAT => OK",
     .run = config_resetstat},
    {.name = "CONFIG|REWRITE",
     .arity = 2,
     .flags = Flags::admin,
     .usage = "CONFIG REWRITE",
     .summary = "Refused: there is no configuration file, the command line says everything.",
     .since = "0.1",
     .example = "CONFIG REWRITE => (error) ERR The server is running without a config file",
     .run = config_rewrite},
    {.name = "CONFIG|SET",
     .arity = -4,
     .flags = Flags::admin,
     .usage = "CONFIG SET parameter value [parameter value ...]",
     .summary = "Changes parameters until the server ends: all of them, or none.",
     .since = "0.1",
     .example = "CONFIG SET timeout 60 maxmemory 100mb => OK; "
                "CONFIG GET maxmemory => {\"maxmemory\": \"104857600\"}",
     .run = config_set},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> configuration_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
