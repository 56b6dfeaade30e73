// Who may do what: everybody who may do anything is the user "default", and may do all.
#include <algorithm>
#include <array>
#include <vector>

#include <fmt/format.h>

#include "phoenix/commands/command_info.h"
#include "phoenix/commands/container_help.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

constexpr std::string_view kUser = "default";

// Of a container that answers nothing alone: never run.
void acl(Context& context, const Request& request) {
  context.reply.error(protocol::Status::error,
                      wrong_arity_text(*context.table.find(request.args[0])));
}

void acl_cat(Context& context, const Request& request) {
  const auto categories = acl_categories();
  if (request.args.size() == 2) {
    return answer_names(context.reply,
                        std::vector<std::string>(categories.begin(), categories.end()));
  }
  if (request.args.size() > 3) {
    const Command& container = *context.table.find(request.args[0]);
    return context.reply.error(protocol::Status::error,
                               misused_subcommand_text(container, request.args[1]));
  }
  const std::string category = lower_case(request.args[2]);
  if (std::find(categories.begin(), categories.end(), category) == categories.end()) {
    return context.reply.error(protocol::Status::error,
                               fmt::format("Unknown category '{}'", printable(request.args[2])));
  }
  answer_names(context.reply, names_in_category(context.table, category));
}

void acl_help(Context& context, const Request&) {
  answer_container_help(context, "ACL");
}

void acl_users(Context& context, const Request&) {
  context.reply.begin_list(1);
  context.reply.bytes(kUser);
  context.reply.end();
}

void acl_whoami(Context& context, const Request&) {
  context.reply.bytes(kUser);
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "ACL",
     .arity = -2,
     .flags = Flags::container,
     .usage = "ACL",
     .summary = "Tells of users and categories of commands. There is one user, who may do all.",
     .since = "0.1",
     .example = "ACL WHOAMI => \"default\"",
     .run = acl},
    {.name = "ACL|CAT",
     .arity = -2,
     .usage = "ACL CAT [category]",
     .summary = "Answers the categories of commands, or the commands in one.",
     .since = "0.1",
     .example = "ACL CAT => [\"keyspace\", ...]",
     .run = acl_cat},
    {.name = "ACL|HELP",
     .arity = 2,
     .usage = "ACL HELP",
     .summary = "Answers the subcommands and what they do.",
     .since = "0.1",
     .example = "ACL HELP => [ACL <subcommand> ...]",
     .run = acl_help},
    {.name = "ACL|USERS",
     .arity = 2,
     .flags = Flags::admin,
     .usage = "ACL USERS",
     .summary = "Answers the names of all users: default.",
     .since = "0.1",
     .example = "ACL USERS => [\"default\"]",
     .run = acl_users},
    {.name = "ACL|WHOAMI",
     .arity = 2,
     .usage = "ACL WHOAMI",
     .summary = "Answers the name of the user of this connection: default.",
     .since = "0.1",
     .example = "ACL WHOAMI => \"default\"",
     .run = acl_whoami},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> acl_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
