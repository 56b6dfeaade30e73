// CLIENT: what connections there are, and what one may ask of its own.
#include <array>
#include <optional>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "phoenix/commands/client_filter.h"
#include "phoenix/commands/clients.h"
#include "phoenix/commands/container_help.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"
#include "protocol/limits.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

void syntax_error(Context& context) {
  context.reply.error(Status::error, kSyntaxError);
}

void misused(Context& context, const Request& request) {
  const Command& container = *context.table.find(request.args[0]);
  context.reply.error(Status::error, misused_subcommand_text(container, request.args[1]));
}

void client_help(Context& context, const Request&) {
  answer_container_help(context, "CLIENT");
}

void client_id(Context& context, const Request&) {
  context.reply.integer(static_cast<std::int64_t>(context.session->client().id));
}

void client_getname(Context& context, const Request&) {
  const std::string& name = context.session->client().name;
  if (name.empty()) return context.reply.nil();
  context.reply.bytes(name);
}

/// Stores what a client says of itself. `what` begins the sentence of a refusal.
void set_text(Context& context, std::string_view what, std::string_view text, std::string& place) {
  if (!is_client_text(text)) {
    return context.reply.error(
        Status::error,
        fmt::format("{} cannot contain spaces, newlines or special characters.", what));
  }
  if (text.size() > protocol::kClientNameBytesMax) {
    return context.reply.error(Status::error, fmt::format("{} cannot be longer than {} bytes", what,
                                                          protocol::kClientNameBytesMax));
  }
  place = text;
  context.reply.ok();
}

void client_setname(Context& context, const Request& request) {
  set_text(context, "Client names", request.args[2], context.session->client().name);
}

void client_setinfo(Context& context, const Request& request) {
  Client& client = context.session->client();
  const std::string_view option = request.args[2];
  if (equals_ignoring_case(option, "LIB-NAME")) {
    return set_text(context, option, request.args[3], client.library_name);
  }
  if (equals_ignoring_case(option, "LIB-VER")) {
    return set_text(context, option, request.args[3], client.library_version);
  }
  context.reply.error(Status::error, fmt::format("Unrecognized option '{}'", printable(option)));
}

void client_info(Context& context, const Request&) {
  std::string line;
  context.session->describe(line);
  context.reply.text(line);
}

// A slice, see client_filter.h.
void client_list(Context& context, const Request& request) {
  const auto slice = parse_list_slice(request.args);
  if (!slice) return context.reply.error(Status::error, slice.error());
  std::string lines;
  const std::uint64_t next =
      context.core->clients->list(slice->filter, slice->place, lines, context.steps);
  context.reply.begin_list(2);
  context.reply.integer(static_cast<std::int64_t>(next));
  context.reply.bytes(lines);
  context.reply.end();
}

constexpr std::string_view kNoSuchClient = "No such client";

// The old form names one address and is answered with OK or an error, the new one has filters and
// is answered with a count.
void client_kill(Context& context, const Request& request) {
  const auto kill = parse_kill(request.args);
  if (!kill) return context.reply.error(Status::error, kill.error());
  const std::uint64_t killed =
      context.core->clients->kill(kill->filter, context.session, kill->skips_caller);
  if (!kill->is_old_form) return context.reply.integer(static_cast<std::int64_t>(killed));
  if (killed > 0) return context.reply.ok();
  if (context.core->cores > 1) return context.reply.nil();  // Another core may have it.
  context.reply.error(Status::error, kNoSuchClient);
}

void join_killed(std::span<const protocol::Value> parts, ReplySink& reply) {
  if (parts.front().kind == protocol::Kind::integer) {
    std::int64_t killed = 0;
    for (const auto& part : parts) killed += part.integer;
    return reply.integer(killed);
  }
  for (const auto& part : parts) {
    if (part.status == Status::ok) return reply.ok();
  }
  reply.error(Status::error, kNoSuchClient);
}

void client_pause(Context& context, const Request& request) {
  const Args args = request.args;
  if (args.size() > 4) return misused(context, request);
  const bool only_writes = args.size() == 4 && equals_ignoring_case(args[3], "WRITE");
  if (args.size() == 4 && !only_writes && !equals_ignoring_case(args[3], "ALL")) {
    return context.reply.error(Status::error, "CLIENT PAUSE mode must be WRITE or ALL");
  }
  const auto duration_ms = parse_integer(args[2]);
  if (!duration_ms) {
    return context.reply.error(Status::error, "timeout is not an integer or out of range");
  }
  if (*duration_ms < 0) return context.reply.error(Status::error, "timeout is negative");
  context.core->clients->pause(static_cast<std::uint64_t>(*duration_ms), only_writes);
  context.reply.ok();
}

void client_unpause(Context& context, const Request&) {
  context.core->clients->unpause();
  context.reply.ok();
}

// What is answered here is dropped where replies are off.
void client_reply(Context& context, const Request& request) {
  Client& client = context.session->client();
  if (equals_ignoring_case(request.args[2], "ON")) {
    client.replies_are_off = false;
    client.replies_to_skip = 0;
  } else if (equals_ignoring_case(request.args[2], "OFF")) {
    client.replies_are_off = true;
  } else if (equals_ignoring_case(request.args[2], "SKIP")) {
    client.replies_to_skip = 2;
  } else {
    return syntax_error(context);
  }
  context.reply.ok();
}

std::optional<bool> parse_switch(std::string_view word) {
  if (equals_ignoring_case(word, "ON")) return true;
  if (equals_ignoring_case(word, "OFF")) return false;
  return std::nullopt;
}

void client_no_evict(Context& context, const Request& request) {
  const auto is_on = parse_switch(request.args[2]);
  if (!is_on) return syntax_error(context);
  context.session->client().is_evictable = !*is_on;
  context.reply.ok();
}

void client_no_touch(Context& context, const Request& request) {
  const auto is_on = parse_switch(request.args[2]);
  if (!is_on) return syntax_error(context);
  context.session->client().touches_keys = !*is_on;
  context.reply.ok();
}

// No command blocks, so nobody waits to be let go.
void client_unblock(Context& context, const Request& request) {
  const Args args = request.args;
  if (args.size() > 4) return misused(context, request);
  if (args.size() == 4 && !equals_ignoring_case(args[3], "TIMEOUT") &&
      !equals_ignoring_case(args[3], "ERROR")) {
    return context.reply.error(Status::error, "CLIENT UNBLOCK reason should be TIMEOUT or ERROR");
  }
  if (!parse_integer(args[2])) {
    return context.reply.error(Status::error, kNotAnInteger);
  }
  context.reply.integer(0);
}

void client_getredir(Context& context, const Request&) {
  context.reply.integer(-1);
}

void client_trackinginfo(Context& context, const Request&) {
  context.reply.begin_map(3);
  context.reply.bytes("flags");
  context.reply.begin_set(1);
  context.reply.bytes("off");
  context.reply.end();
  context.reply.bytes("redirect");
  context.reply.integer(-1);
  context.reply.bytes("prefixes");
  context.reply.begin_list(0);
  context.reply.end();
  context.reply.end();
}

void client_tracking(Context& context, const Request& request) {
  const auto is_on = parse_switch(request.args[2]);
  if (!is_on) return syntax_error(context);
  if (!*is_on) return context.reply.ok();
  context.reply.error(Status::error,
                      "CLIENT TRACKING is not supported yet: this server does not "
                      "tell clients of changes to what they have cached");
}

void client_caching(Context& context, const Request&) {
  context.reply.error(Status::error,
                      "CLIENT CACHING can be called only when the client is in tracking mode with "
                      "OPTIN or OPTOUT mode enabled");
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "CLIENT",
     .arity = -2,
     .flags = Flags::container,
     .usage = "CLIENT",
     .summary = "Tells of connections, and changes how this one is served.",
     .since = "0.1",
     .example = "CLIENT GETNAME => (nil)",
     .run = client_help},
    {.name = "CLIENT|CACHING",
     .arity = 3,
     .flags = Flags::session,
     .usage = "CLIENT CACHING <YES | NO>",
     .summary = "Of no use without CLIENT TRACKING, which is not supported yet.",
     .since = "0.1",
     .example = "CLIENT CACHING YES => (error) ERR CLIENT CACHING can be called only...",
     .run = client_caching},
    {.name = "CLIENT|GETNAME",
     .arity = 2,
     .flags = Flags::session,
     .usage = "CLIENT GETNAME",
     .summary = "Answers this connection's name, or nil.",
     .since = "0.1",
     .example = "CLIENT SETNAME shop-7 => OK; CLIENT GETNAME => \"shop-7\"",
     .run = client_getname},
    {.name = "CLIENT|GETREDIR",
     .arity = 2,
     .flags = Flags::session,
     .usage = "CLIENT GETREDIR",
     .summary = "Answers -1: there is no CLIENT TRACKING yet.",
     .since = "0.1",
     .example = "CLIENT GETREDIR => (integer) -1",
     .run = client_getredir},
    {.name = "CLIENT|HELP",
     .arity = 2,
     .flags = Flags::none,
     .usage = "CLIENT HELP",
     .summary = "Answers the subcommands and what they do.",
     .since = "0.1",
     .example = "CLIENT HELP => [CLIENT...]",
     .run = client_help},
    {.name = "CLIENT|ID",
     .arity = 2,
     .flags = Flags::session,
     .usage = "CLIENT ID",
     .summary = "Answers this connection's number. No other one of this server has or had it.",
     .since = "0.1",
     .example = "CLIENT ID => (integer) 1",
     .run = client_id},
    {.name = "CLIENT|INFO",
     .arity = 2,
     .flags = Flags::session,
     .usage = "CLIENT INFO",
     .summary = "Answers this connection's line of CLIENT LIST.",
     .since = "0.1",
     .example = "CLIENT INFO => id=1...",
     .run = client_info},
    {.name = "CLIENT|KILL",
     .arity = -3,
     .flags = Flags::every_core | Flags::admin,
     .gather = Gather::by_row,
     .usage = "CLIENT KILL <ip:port | <[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | "
              "PUBSUB>] | [USER username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] "
              "[[ID client-id] | [TYPE <NORMAL | MASTER | SLAVE | REPLICA | PUBSUB>] | [USER "
              "username] | [ADDR ip:port] | [LADDR ip:port] | [SKIPME <YES | NO>] ...]>>",
     .summary = "Closes the connections that fit all filters; answers how many.",
     .since = "0.1",
     .example = "CLIENT KILL ID 99 => (integer) 0",
     .run = client_kill,
     .merge = join_killed},
    {.name = "CLIENT|LIST",
     .arity = -2,
     .flags = Flags::scan | Flags::admin,
     .usage = "CLIENT LIST [TYPE <NORMAL | MASTER | REPLICA | PUBSUB>] [ID client-id [client-id "
              "...]]",
     .summary = "Answers a line for each connection, oldest first.",
     .since = "0.1",
     .example = "CLIENT LIST => id=1...",
     .run = client_list,
     .listing = ListingKind::clients},
    {.name = "CLIENT|NO-EVICT",
     .arity = 3,
     .flags = Flags::session | Flags::admin,
     .usage = "CLIENT NO-EVICT <ON | OFF>",
     .summary = "Is kept and shown; connections are not closed for want of memory anyway.",
     .since = "0.1",
     .example = "CLIENT NO-EVICT ON => OK",
     .run = client_no_evict},
    {.name = "CLIENT|NO-TOUCH",
     .arity = 3,
     .flags = Flags::session,
     .usage = "CLIENT NO-TOUCH <ON | OFF>",
     .summary = "Is kept and shown; when keys were last used is not recorded anyway.",
     .since = "0.1",
     .example = "CLIENT NO-TOUCH ON => OK",
     .run = client_no_touch},
    {.name = "CLIENT|PAUSE",
     .arity = -3,
     .flags = Flags::every_core | Flags::admin,
     .gather = Gather::all_ok,
     .usage = "CLIENT PAUSE timeout [WRITE | ALL]",
     .summary = "Lets the requests of all connections wait for so many milliseconds, or only those "
                "that write.",
     .since = "0.1",
     .example = "CLIENT PAUSE 100 WRITE => OK",
     .run = client_pause},
    {.name = "CLIENT|REPLY",
     .arity = 3,
     .flags = Flags::session,
     .usage = "CLIENT REPLY <ON | OFF | SKIP>",
     .summary = "Leaves out this connection's replies from now on (OFF), or this one and the next "
                "(SKIP).",
     .since = "0.1",
     .example = "CLIENT REPLY ON => OK",
     .run = client_reply},
    {.name = "CLIENT|SETINFO",
     .arity = 4,
     .flags = Flags::session,
     .usage = "CLIENT SETINFO <LIB-NAME libname | LIB-VER libver>",
     .summary = "Tells the name or version of the client's library, for CLIENT LIST.",
     .since = "0.1",
     .example = "CLIENT SETINFO LIB-NAME my-library => OK",
     .run = client_setinfo},
    {.name = "CLIENT|SETNAME",
     .arity = 3,
     .flags = Flags::session,
     .usage = "CLIENT SETNAME connection-name",
     .summary = "Gives this connection a name, for CLIENT LIST.",
     .since = "0.1",
     .example = "CLIENT SETNAME shop-7 => OK",
     .run = client_setname},
    {.name = "CLIENT|TRACKING",
     .arity = -3,
     .flags = Flags::session,
     .usage = "CLIENT TRACKING <ON | OFF> [REDIRECT client-id] [PREFIX prefix [PREFIX prefix ...]] "
              "[BCAST] [OPTIN] [OPTOUT] [NOLOOP]",
     .summary = "Is not supported yet, except OFF.",
     .since = "0.1",
     .example = "CLIENT TRACKING OFF => OK",
     .run = client_tracking},
    {.name = "CLIENT|TRACKINGINFO",
     .arity = 2,
     .flags = Flags::session,
     .usage = "CLIENT TRACKINGINFO",
     .summary = "Answers that tracking is off.",
     .since = "0.1",
     .example = "CLIENT TRACKINGINFO => {\"flags\": [\"off\"], \"redirect\": (integer) -1, "
                "\"prefixes\": []}",
     .run = client_trackinginfo},
    {.name = "CLIENT|UNBLOCK",
     .arity = -3,
     .flags = Flags::session | Flags::admin,
     .usage = "CLIENT UNBLOCK client-id [TIMEOUT | ERROR]",
     .summary = "Answers 0: no command blocks.",
     .since = "0.1",
     .example = "CLIENT UNBLOCK 1 => (integer) 0",
     .run = client_unblock},
    {.name = "CLIENT|UNPAUSE",
     .arity = 2,
     .flags = Flags::every_core | Flags::admin,
     .gather = Gather::all_ok,
     .usage = "CLIENT UNPAUSE",
     .summary = "Ends a CLIENT PAUSE.",
     .since = "0.1",
     .example = "CLIENT UNPAUSE => OK",
     .run = client_unpause},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> client_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
