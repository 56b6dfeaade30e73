// The connection itself.
#include <algorithm>
#include <array>

#include "phoenix/commands/table.h"
#include "protocol/limits.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

void auth(Context& context, const Request& request) {
  switch (context.session->authenticate(request.args[1])) {
    case SessionControl::AuthResult::accepted:
      return context.reply.ok();
    case SessionControl::AuthResult::refused:
      return context.reply.error(Status::wrong_password, "invalid password");
    case SessionControl::AuthResult::no_password_set:
      return context.reply.error(Status::error,
                                 "AUTH called, but this server has no password: start it with "
                                 "--requirepass-file to set one");
  }
}

void exit(Context& context, const Request&) {
  context.session->close_after_reply();
  context.reply.ok();
}

bool is_client_name(std::string_view name) {
  return name.size() <= protocol::kClientNameBytesMax &&
         std::all_of(name.begin(), name.end(), [](char c) { return c >= ' ' && c <= '~'; });
}

// The name is checked and not kept: nothing shows it yet, and what will must be able to rely on it.
void hello(Context& context, const Request& request) {
  if (request.args.size() > 2) {
    return context.reply.error(Status::error, "wrong number of arguments for 'hello' command");
  }
  if (request.args.size() == 2 && !is_client_name(request.args[1])) {
    return context.reply.error(Status::error,
                               "a client's name has at most 64 characters, all printable ASCII");
  }
  context.session->hello(context.reply);
}

void ping(Context& context, const Request& request) {
  if (request.args.size() > 2) {
    return context.reply.error(Status::error, "wrong number of arguments for 'ping' command");
  }
  if (request.args.size() == 2) {
    context.reply.bytes(request.args[1]);
  } else {
    context.reply.text("PONG");
  }
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "AUTH",
     .arity = 2,
     .flags = Flags::before_auth,
     .usage = "AUTH password",
     .summary = "Opens a server that asks for a password (--requirepass-file).",
     .since = "0.1",
     .example = "AUTH secret => (error) ERR AUTH called, but this server has no password...",
     .run = auth},
    {.name = "EXIT",
     .arity = 1,
     .flags = Flags::before_auth,
     .usage = "EXIT",
     .summary = "Answers OK and closes the connection.",
     .since = "0.1",
     .example = "EXIT => OK",
     .run = exit},
    {.name = "HELLO",
     .opcode = protocol::Opcode::hello,
     .arity = -1,
     .flags = Flags::before_auth,
     .usage = "HELLO [client-name]",
     .summary = "Answers what a client wants to know first: version, limits, and which core owns "
                "which slots. The name (up to 64 printable ASCII characters) is not used yet.",
     .since = "0.1",
     .example = "HELLO => {...}",
     .run = hello},
    {.name = "PING",
     .opcode = protocol::Opcode::ping,
     .arity = -1,
     .flags = Flags::none,
     .usage = "PING [text]",
     .summary = "Answers PONG, or the text.",
     .since = "0.1",
     .example = "PING => PONG; PING hello => \"hello\"",
     .run = ping},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> connection_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
