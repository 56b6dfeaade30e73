// The connection itself: who speaks, in which protocol, and until when.
#include <array>
#include <optional>

#include <fmt/format.h>

#include "phoenix/commands/database_number.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"
#include "protocol/limits.h"

namespace phoenix::commands {
namespace {

using protocol::Status;
using AuthResult = SessionControl::AuthResult;

constexpr std::string_view kWrongPassword = "invalid username-password pair or user is disabled.";
constexpr std::string_view kOnlyUser = "default";
/// The Redis whose commands and replies these are: clients ask for it to know what they may send.
constexpr std::string_view kCompatibleVersion = "7.0.15";

void wrong_arity(Context& context, const Request& request) {
  context.reply.error(Status::error, wrong_arity_text(*context.table.find(request.args[0])));
}

// Where no password is set any opens the only user.
bool opens(Context& context, std::string_view user, std::string_view password) {
  return user == kOnlyUser && context.session->authenticate(password) != AuthResult::refused;
}

void auth(Context& context, const Request& request) {
  const Args args = request.args;
  if (args.size() > 3) return context.reply.error(Status::error, kSyntaxError);
  if (args.size() == 3) {
    if (opens(context, args[1], args[2])) return context.reply.ok();
    return context.reply.error(Status::wrong_password, kWrongPassword);
  }
  switch (context.session->authenticate(args[1])) {
    case AuthResult::accepted:
      return context.reply.ok();
    case AuthResult::refused:
      return context.reply.error(Status::wrong_password, kWrongPassword);
    case AuthResult::no_password_set:
      return context.reply.error(Status::error,
                                 "AUTH <password> called without any password configured for the "
                                 "default user. Are you sure your configuration is correct?");
  }
}

void echo(Context& context, const Request& request) {
  context.reply.bytes(request.args[1]);
}

void exit(Context& context, const Request&) {
  context.session->close_after_reply();
  context.reply.ok();
}

constexpr std::string_view kBadName =
    "Client names cannot contain spaces, newlines or special characters.";

/// What a HELLO asks for. Nothing is changed before all of it has been found right.
struct Hello {
  std::optional<Wire> wire;
  std::optional<std::string_view> user;
  std::string_view password;
  std::optional<std::string_view> name;
};

/// Reads the words behind HELLO. False: the error was answered.
bool parse_hello(Context& context, Args args, Hello& hello) {
  if (args.empty()) return true;
  const auto version = parse_integer(args[0]);
  if (!version) {
    context.reply.error(Status::error, "Protocol version is not an integer or out of range");
    return false;
  }
  if (*version != 2 && *version != 3) {
    context.reply.error(Status::no_protocol, "unsupported protocol version");
    return false;
  }
  hello.wire = *version == 3 ? Wire::resp3 : Wire::resp2;
  for (std::size_t i = 1; i < args.size(); ++i) {
    const std::size_t more = args.size() - i - 1;
    if (equals_ignoring_case(args[i], "AUTH") && more >= 2) {
      hello.user = args[i + 1];
      hello.password = args[i + 2];
      i += 2;
    } else if (equals_ignoring_case(args[i], "SETNAME") && more >= 1) {
      hello.name = args[i + 1];
      i += 1;
    } else {
      context.reply.error(Status::error,
                          fmt::format("Syntax error in HELLO option '{}'", printable(args[i])));
      return false;
    }
  }
  return true;
}

bool is_name(std::string_view name) {
  return is_client_text(name) && name.size() <= protocol::kClientNameBytesMax;
}

void answer_hello(Context& context) {
  ReplySink& reply = context.reply;
  const SessionControl& session = *context.session;
  reply.begin_map(7);
  reply.bytes("server");
  reply.bytes("redis");
  reply.bytes("version");
  reply.bytes(kCompatibleVersion);
  reply.bytes("proto");
  reply.integer(session.wire() == Wire::resp3 ? 3 : 2);
  reply.bytes("id");
  reply.integer(static_cast<std::int64_t>(context.session->client().id));
  reply.bytes("mode");
  reply.bytes("standalone");
  reply.bytes("role");
  reply.bytes("master");
  reply.bytes("modules");
  reply.begin_list(0);
  reply.end();
  reply.end();
}

// Natively there is one version, which the first byte tells: the only word is the client's name.
void hello_natively(Context& context, const Request& request) {
  if (request.args.size() > 2) return wrong_arity(context, request);
  if (request.args.size() == 2) {
    if (!is_name(request.args[1])) return context.reply.error(Status::error, kBadName);
    if (context.session->is_authenticated()) context.session->client().name = request.args[1];
  }
  context.session->hello(context.reply);
}

void hello(Context& context, const Request& request) {
  SessionControl& session = *context.session;
  if (session.wire() == Wire::native) return hello_natively(context, request);
  Hello hello;
  if (!parse_hello(context, request.args.subspan(1), hello)) return;
  if (hello.name && !is_name(*hello.name)) return context.reply.error(Status::error, kBadName);
  if (hello.user && !opens(context, *hello.user, hello.password)) {
    return context.reply.error(Status::wrong_password, kWrongPassword);
  }
  if (!session.is_authenticated()) {
    return context.reply.error(
        Status::not_authenticated,
        "HELLO must be called with the client already authenticated, otherwise the HELLO AUTH "
        "<user> <pass> option can be used to authenticate the client and select the RESP protocol "
        "version at the same time");
  }
  if (hello.name) session.client().name = *hello.name;
  if (hello.wire) session.set_wire(*hello.wire);
  answer_hello(context);
}

bool is_told_in_a_list(const SessionControl& session) {
  return session.wire() == Wire::resp2 && (session.subscriptions(ChannelKind::plain) > 0 ||
                                           session.subscriptions(ChannelKind::pattern) > 0 ||
                                           session.subscriptions(ChannelKind::shard) > 0);
}

void ping(Context& context, const Request& request) {
  if (request.args.size() > 2) return wrong_arity(context, request);
  const bool has_text = request.args.size() == 2;
  if (is_told_in_a_list(*context.session)) {
    context.reply.begin_list(2);
    context.reply.bytes("pong");
    context.reply.bytes(has_text ? request.args[1] : std::string_view());
    return context.reply.end();
  }
  if (has_text) return context.reply.bytes(request.args[1]);
  context.reply.line("PONG");
}

void reset(Context& context, const Request&) {
  context.session->reset();
  context.reply.line("RESET");
}

void select(Context& context, const Request& request) {
  const std::string_view error = check_database(request.args[1]);
  if (!error.empty()) return context.reply.error(Status::error, error);
  context.reply.ok();
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "AUTH",
     .arity = -2,
     .flags = Flags::before_auth | Flags::session | Flags::fast,
     .usage = "AUTH [username] password",
     .summary = "Opens a server that asks for a password (--requirepass-file). The only user is "
                "\"default\".",
     .since = "0.1",
     .example = "AUTH secret => (error) ERR AUTH <password> called without any password...",
     .run = auth},
    {.name = "ECHO",
     .arity = 2,
     .flags = Flags::fast,
     .usage = "ECHO message",
     .summary = "Answers the message.",
     .since = "0.1",
     .example = "ECHO hello => \"hello\"",
     .run = echo},
    {.name = "EXIT",
     .arity = 1,
     .flags = Flags::before_auth | Flags::session | Flags::at_once | Flags::when_subscribed,
     .usage = "EXIT",
     .summary = "Answers OK and closes the connection.",
     .since = "0.1",
     .example = "EXIT => OK",
     .run = exit},
    {.name = "HELLO",
     .opcode = protocol::Opcode::hello,
     .arity = -1,
     .flags = Flags::before_auth | Flags::session | Flags::not_in_multi | Flags::fast,
     .usage = "HELLO [protover [AUTH username password] [SETNAME clientname]]",
     .summary = "Chooses RESP 2 or 3, and may open the server and give this connection a name. "
                "Natively (HELLO [clientname]) it answers version, limits, and which core owns "
                "which slots.",
     .since = "0.1",
     .example = "HELLO => {...}",
     .run = hello},
    {.name = "PING",
     .opcode = protocol::Opcode::ping,
     .arity = -1,
     .flags = Flags::session | Flags::when_subscribed | Flags::fast,
     .usage = "PING [message]",
     .summary = "Answers PONG, or the message.",
     .since = "0.1",
     .example = "PING => PONG; PING hello => \"hello\"",
     .run = ping},
    {.name = "QUIT",
     .arity = -1,
     .flags = Flags::before_auth | Flags::session | Flags::at_once | Flags::when_subscribed |
              Flags::fast,
     .usage = "QUIT",
     .summary = "Answers OK and closes the connection.",
     .since = "0.1",
     .example = "QUIT => OK",
     .run = exit},
    {.name = "RESET",
     .arity = 1,
     .flags = Flags::before_auth | Flags::session | Flags::at_once | Flags::when_subscribed |
              Flags::fast,
     .usage = "RESET",
     .summary = "Makes this connection as it was when it was opened: no subscriptions, name or "
                "transaction, and where a password is set AUTH is needed again.",
     .since = "0.1",
     .example = "RESET => RESET",
     .run = reset},
    {.name = "SELECT",
     .arity = 2,
     .flags = Flags::session | Flags::fast,
     .usage = "SELECT index",
     .summary = "Answers OK to 0: there is one database.",
     .since = "0.1",
     .example = "SELECT 0 => OK; SELECT 1 => (error) ERR DB index is out of range",
     .run = select},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> connection_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
