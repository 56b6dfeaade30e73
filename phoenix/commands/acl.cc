// Who may do what: everybody who may do anything is the user "default", and may do all.
#include <algorithm>
#include <array>
#include <span>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "phoenix/base/sha256.h"
#include "phoenix/commands/command_info.h"
#include "phoenix/commands/container_help.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/settings.h"
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

// How Redis writes down that there is a password.
std::string password_hash(Context& context) {
  const std::string password = context.core->settings->password();
  return password.empty() ? std::string() : sha256_hex(std::as_bytes(std::span(password)));
}

void acl_getuser(Context& context, const Request& request) {
  ReplySink& reply = context.reply;
  if (request.args[2] != kUser) return reply.nil();
  const std::string hash = password_hash(context);
  reply.begin_map(6);
  reply.bytes("flags");
  reply.begin_set(hash.empty() ? 2 : 1);
  reply.bytes("on");
  if (hash.empty()) reply.bytes("nopass");
  reply.end();
  reply.bytes("passwords");
  reply.begin_list(hash.empty() ? 0 : 1);
  if (!hash.empty()) reply.bytes(hash);
  reply.end();
  const auto add = [&reply](std::string_view name, std::string_view value) {
    reply.bytes(name);
    reply.bytes(value);
  };
  add("commands", "+@all");
  add("keys", "~*");
  add("channels", "&*");
  reply.bytes("selectors");
  reply.begin_list(0);
  reply.end();
  reply.end();
}

void acl_list(Context& context, const Request&) {
  const std::string hash = password_hash(context);
  context.reply.begin_list(1);
  context.reply.bytes(fmt::format("user {} on {} ~* &* +@all", kUser,
                                  hash.empty() ? std::string("nopass") : '#' + hash));
  context.reply.end();
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
    {.name = "ACL|GETUSER",
     .arity = 3,
     .flags = Flags::admin,
     .usage = "ACL GETUSER username",
     .summary = "Answers what a user may do, and the SHA-256 of the password if there is one; nil "
                "for everybody but default.",
     .since = "0.1",
     .example = "ACL GETUSER nobody => (nil)",
     .run = acl_getuser},
    {.name = "ACL|HELP",
     .arity = 2,
     .usage = "ACL HELP",
     .summary = "Answers the subcommands and what they do.",
     .since = "0.1",
     .example = "ACL HELP => [ACL <subcommand> ...]",
     .run = acl_help},
    {.name = "ACL|LIST",
     .arity = 2,
     .flags = Flags::admin,
     .usage = "ACL LIST",
     .summary = "Answers a line for each user, as Redis's configuration would have it.",
     .since = "0.1",
     .example = "ACL LIST => [\"user default on nopass ~* &* +@all\"]",
     .run = acl_list},
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
