// Answers clients that ask whether this is a node of a cluster: it is not. All keys are here.
#include <algorithm>
#include <array>

#include <fmt/format.h>

#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

void refuse(Context& context, const Request&) {
  context.reply.error(protocol::Status::error, "This instance has cluster support disabled");
}

struct Subcommand {
  std::string_view name;
  int words;  // As Command::arity.
};

// Those of Redis, one of which is misused or refused; others are not known there either.
constexpr auto kSubcommands = std::to_array<Subcommand>({
    {"ADDSLOTS", -3},
    {"ADDSLOTSRANGE", -4},
    {"BUMPEPOCH", 2},
    {"COUNT-FAILURE-REPORTS", 3},
    {"COUNTKEYSINSLOT", 3},
    {"DELSLOTS", -3},
    {"DELSLOTSRANGE", -4},
    {"FAILOVER", -2},
    {"FLUSHSLOTS", 2},
    {"FORGET", 3},
    {"GETKEYSINSLOT", 4},
    {"HELP", 2},
    {"INFO", 2},
    {"KEYSLOT", 3},
    {"LINKS", 2},
    {"MEET", -4},
    {"MYID", 2},
    {"NODES", 2},
    {"REPLICAS", 3},
    {"REPLICATE", 3},
    {"RESET", -2},
    {"SAVECONFIG", 2},
    {"SET-CONFIG-EPOCH", 3},
    {"SETSLOT", -4},
    {"SHARDS", 2},
    {"SLAVES", 3},
    {"SLOTS", 2},
});

void cluster(Context& context, const Request& request) {
  const auto words = static_cast<int>(request.args.size());
  const std::string_view word = request.args[1];
  const auto known =
      std::find_if(kSubcommands.begin(), kSubcommands.end(),
                   [word](const auto& one) { return equals_ignoring_case(one.name, word); });
  if (known == kSubcommands.end()) {
    const Command& container = *context.table.find(request.args[0]);
    return context.reply.error(protocol::Status::error, unknown_subcommand_text(container, word));
  }
  if (known->words > 0 ? words == known->words : words >= -known->words) {
    return refuse(context, request);
  }
  context.reply.error(
      protocol::Status::error,
      fmt::format("wrong number of arguments for 'cluster|{}' command", lower_case(known->name)));
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
     .run = cluster},
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
