// SCRIPT and FUNCTION of a server that runs no scripts: there are none to tell of, to drop or to
// stop, and what would add one is refused. Test suites and libraries drop them all before they
// begin.
#include <array>
#include <string>

#include <fmt/format.h>

#include "phoenix/commands/container_help.h"
#include "phoenix/commands/rdb_string.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

constexpr std::string_view kNoScripts = "this server runs no scripts and has no functions";
// No library at all: Redis's version of the format, 10, and the checksum of that.
constexpr std::string_view kNoLibraries{"\x0a\x00\x5d\x9b\x5c\x40\x0f\x7f\xa2\xda", 10};

void refuse(Context& context, const Request&) {
  context.reply.error(Status::error, kNoScripts);
}

void kill(Context& context, const Request&) {
  context.reply.error(Status::not_busy, "No scripts in execution right now.");
}

bool is_flush_mode(std::string_view word) {
  return equals_ignoring_case(word, "SYNC") || equals_ignoring_case(word, "ASYNC");
}

void function_delete(Context& context, const Request&) {
  context.reply.error(Status::error, "Library not found");
}

void function_dump(Context& context, const Request&) {
  context.reply.bytes(kNoLibraries);
}

void function_flush(Context& context, const Request& request) {
  const Args& args = request.args;
  if (args.size() > 3) {
    const Command& container = *context.table.find(args[0]);
    return context.reply.error(Status::error, misused_subcommand_text(container, args[1]));
  }
  if (args.size() == 3 && !is_flush_mode(args[2])) {
    return context.reply.error(Status::error, "FUNCTION FLUSH only supports SYNC|ASYNC option");
  }
  context.reply.ok();
}

void function_help(Context& context, const Request&) {
  answer_container_help(context, "FUNCTION");
}

void function_list(Context& context, const Request& request) {
  const Args words = request.args.subspan(2);
  bool has_pattern = false;
  bool has_code = false;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (!has_code && equals_ignoring_case(words[i], "WITHCODE")) {
      has_code = true;
    } else if (!has_pattern && equals_ignoring_case(words[i], "LIBRARYNAME")) {
      if (++i == words.size()) {
        return context.reply.error(Status::error, "library name argument was not given");
      }
      has_pattern = true;
    } else {
      return context.reply.error(Status::error,
                                 fmt::format("Unknown argument {}", printable(words[i])));
    }
  }
  context.reply.begin_list(0);
  context.reply.end();
}

void function_restore(Context& context, const Request& request) {
  const Args& args = request.args;
  if (args.size() > 4) {
    const Command& container = *context.table.find(args[0]);
    return context.reply.error(Status::error, misused_subcommand_text(container, args[1]));
  }
  if (args.size() == 4 && !equals_ignoring_case(args[3], "FLUSH") &&
      !equals_ignoring_case(args[3], "APPEND") && !equals_ignoring_case(args[3], "REPLACE")) {
    return context.reply.error(
        Status::error,
        "Wrong restore policy given, value should be either FLUSH, APPEND or "
        "REPLACE.");
  }
  if (!has_valid_footer(args[2])) {
    return context.reply.error(Status::error, "DUMP payload version or checksum are wrong");
  }
  if (args[2].size() != kNoLibraries.size()) {
    return context.reply.error(Status::error, kNoScripts);
  }
  context.reply.ok();
}

void function_stats(Context& context, const Request&) {
  context.reply.begin_map(2);
  context.reply.bytes("running_script");
  context.reply.nil();
  context.reply.bytes("engines");
  context.reply.begin_map(0);
  context.reply.end();
  context.reply.end();
}

void script_exists(Context& context, const Request& request) {
  const auto count = static_cast<std::uint32_t>(request.args.size() - 2);
  context.reply.begin_list(count);
  for (std::uint32_t i = 0; i < count; ++i) context.reply.integer(0);
  context.reply.end();
}

void script_flush(Context& context, const Request& request) {
  const Args& args = request.args;
  if (args.size() > 3 || (args.size() == 3 && !is_flush_mode(args[2]))) {
    return context.reply.error(Status::error, "SCRIPT FLUSH only support SYNC|ASYNC option");
  }
  context.reply.ok();
}

void script_help(Context& context, const Request&) {
  answer_container_help(context, "SCRIPT");
}

constexpr auto kFunctionCommands = std::to_array<Command>({
    {.name = "FUNCTION",
     .arity = -2,
     .flags = Flags::container,
     .usage = "FUNCTION",
     .summary = "Tells of functions, of which there are none.",
     .since = "0.1",
     .example = "FUNCTION LIST => []",
     .run = function_help},
    {.name = "FUNCTION|DELETE",
     .arity = 3,
     .usage = "FUNCTION DELETE library-name",
     .summary = "Finds no library of that name.",
     .since = "0.1",
     .example = "FUNCTION DELETE mine => (error) ERR Library not found",
     .run = function_delete},
    {.name = "FUNCTION|DUMP",
     .arity = 2,
     .usage = "FUNCTION DUMP",
     .summary = "Answers a payload for FUNCTION RESTORE that holds no library.",
     .since = "0.1",
     .example = "FUNCTION DUMP => \"\\x0a...",
     .run = function_dump},
    {.name = "FUNCTION|FLUSH",
     .arity = -2,
     .usage = "FUNCTION FLUSH [ASYNC | SYNC]",
     .summary = "Answers OK: there is no library to delete.",
     .since = "0.1",
     .example = "FUNCTION FLUSH => OK",
     .run = function_flush},
    {.name = "FUNCTION|HELP",
     .arity = 2,
     .usage = "FUNCTION HELP",
     .summary = "Answers these lines.",
     .since = "0.1",
     .example = "FUNCTION HELP => [FUNCTION <subcommand>...",
     .run = function_help},
    {.name = "FUNCTION|KILL",
     .arity = 2,
     .usage = "FUNCTION KILL",
     .summary = "Finds no function that runs.",
     .since = "0.1",
     .example = "FUNCTION KILL => (error) NOTBUSY No scripts in execution right now.",
     .run = kill},
    {.name = "FUNCTION|LIST",
     .arity = -2,
     .usage = "FUNCTION LIST [LIBRARYNAME library-name-pattern] [WITHCODE]",
     .summary = "Answers an empty list: there are no libraries.",
     .since = "0.1",
     .example = "FUNCTION LIST WITHCODE => []",
     .run = function_list},
    {.name = "FUNCTION|LOAD",
     .arity = -3,
     .usage = "FUNCTION LOAD [REPLACE] function-code",
     .summary = "Is refused: the server runs no scripts.",
     .since = "0.1",
     .example =
         "FUNCTION LOAD code => (error) ERR this server runs no scripts and has no functions",
     .run = refuse},
    {.name = "FUNCTION|RESTORE",
     .arity = -3,
     .usage = "FUNCTION RESTORE serialized-value [FLUSH | APPEND | REPLACE]",
     .summary = "Takes a payload of FUNCTION DUMP without libraries, and refuses others.",
     .since = "0.1",
     .example = "FUNCTION RESTORE x => (error) ERR DUMP payload version or checksum are wrong",
     .run = function_restore},
    {.name = "FUNCTION|STATS",
     .arity = 2,
     .usage = "FUNCTION STATS",
     .summary = "Answers that no script runs, and that there is no engine to run one.",
     .since = "0.1",
     .example = "FUNCTION STATS => {\"running_script\": (nil), \"engines\": {}}",
     .run = function_stats},
});
static_assert(all_sound(kFunctionCommands), "a row is incomplete or contradicts itself");

constexpr auto kScriptCommands = std::to_array<Command>({
    {.name = "SCRIPT",
     .arity = -2,
     .flags = Flags::container,
     .usage = "SCRIPT",
     .summary = "Tells of scripts, of which there are none.",
     .since = "0.1",
     .example = "SCRIPT FLUSH => OK",
     .run = script_help},
    {.name = "SCRIPT|EXISTS",
     .arity = -3,
     .usage = "SCRIPT EXISTS sha1 [sha1 ...]",
     .summary = "Answers 0 for each: no script is kept.",
     .since = "0.1",
     .example = "SCRIPT EXISTS a b => [(integer) 0, (integer) 0]",
     .run = script_exists},
    {.name = "SCRIPT|FLUSH",
     .arity = -2,
     .usage = "SCRIPT FLUSH [ASYNC | SYNC]",
     .summary = "Answers OK: there is no script to drop.",
     .since = "0.1",
     .example = "SCRIPT FLUSH SYNC => OK",
     .run = script_flush},
    {.name = "SCRIPT|HELP",
     .arity = 2,
     .usage = "SCRIPT HELP",
     .summary = "Answers these lines.",
     .since = "0.1",
     .example = "SCRIPT HELP => [SCRIPT <subcommand>...",
     .run = script_help},
    {.name = "SCRIPT|KILL",
     .arity = 2,
     .usage = "SCRIPT KILL",
     .summary = "Finds no script that runs.",
     .since = "0.1",
     .example = "SCRIPT KILL => (error) NOTBUSY No scripts in execution right now.",
     .run = kill},
    {.name = "SCRIPT|LOAD",
     .arity = 3,
     .usage = "SCRIPT LOAD script",
     .summary = "Is refused: the server runs no scripts.",
     .since = "0.1",
     .example = "SCRIPT LOAD code => (error) ERR this server runs no scripts and has no functions",
     .run = refuse},
});
static_assert(all_sound(kScriptCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> function_commands() {
  return kFunctionCommands;
}

std::span<const Command> script_commands() {
  return kScriptCommands;
}

}  // namespace phoenix::commands
