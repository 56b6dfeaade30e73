// The commands about commands: what the rows say, for people and for programs.
#include <array>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "phoenix/commands/command_docs.h"
#include "phoenix/commands/command_info.h"
#include "phoenix/commands/container_help.h"
#include "phoenix/commands/describe.h"
#include "phoenix/commands/key_use.h"
#include "phoenix/commands/list.h"
#include "phoenix/commands/pattern.h"
#include "phoenix/commands/refusals.h"
#include "phoenix/commands/table.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

// What it takes to tell of a row.
constexpr std::uint64_t kStepsPerInfo = 1'000;
constexpr std::uint64_t kStepsPerDocs = 4'000;

// The row that a request names whose words begin at `args`; null when there is none.
const Command* row_of(const Table& table, Args args) {
  const Command* const command = table.find(args[0]);
  if (command == nullptr || !has(command->flags, Flags::container)) return command;
  // A container that is named alone: its arity says what that means.
  return args.size() == 1 ? command : table.find_subcommand(*command, args[1]);
}

void answer_infos(Context& context, const std::vector<const Command*>& rows) {
  context.steps += rows.size() * kStepsPerInfo;
  context.reply.begin_list(static_cast<std::uint32_t>(rows.size()));
  for (const auto* row : rows) {
    if (row == nullptr) {
      context.reply.nil();
    } else {
      answer_info(context.reply, context.table, *row);
    }
  }
  context.reply.end();
}

void command(Context& context, const Request&) {
  answer_infos(context, top_level(context.table));
}

void command_count(Context& context, const Request&) {
  context.reply.integer(static_cast<std::int64_t>(top_level(context.table).size()));
}

void command_info(Context& context, const Request& request) {
  if (request.args.size() == 2) return answer_infos(context, top_level(context.table));
  std::vector<const Command*> rows;
  for (const auto name : request.args.subspan(2)) rows.push_back(context.table.find_row(name));
  answer_infos(context, rows);
}

void command_docs(Context& context, const Request& request) {
  std::vector<const Command*> rows;
  if (request.args.size() == 2) rows = top_level(context.table);
  for (const auto name : request.args.subspan(2)) {
    const Command* const row = context.table.find_row(name);
    if (row != nullptr) rows.push_back(row);
  }
  context.steps += rows.size() * kStepsPerDocs;
  context.reply.begin_map(static_cast<std::uint32_t>(rows.size()));
  for (const auto* row : rows) answer_docs(context.reply, context.table, *row);
  context.reply.end();
}

/// Which rows COMMAND LIST names.
struct Filter {
  enum class By : std::uint8_t { none, module, category, pattern };
  By by = By::none;
  std::string_view value;
};

// False: the words are no filter.
bool read_filter(Args args, Filter& filter) {
  if (args.size() == 2) return true;
  if (args.size() != 5 || !equals_ignoring_case(args[2], "FILTERBY")) return false;
  filter.value = args[4];
  if (equals_ignoring_case(args[3], "MODULE")) {
    filter.by = Filter::By::module;
  } else if (equals_ignoring_case(args[3], "ACLCAT")) {
    filter.by = Filter::By::category;
  } else if (equals_ignoring_case(args[3], "PATTERN")) {
    filter.by = Filter::By::pattern;
  }
  return filter.by != Filter::By::none;
}

std::vector<std::string> filtered_names(Context& context, const Filter& filter) {
  if (filter.by == Filter::By::module) return {};  // There are none.
  if (filter.by == Filter::By::category) return names_in_category(context.table, filter.value);
  Pattern pattern(filter.by == Filter::By::pattern ? lower_case(filter.value) : "*");
  std::vector<std::string> names;
  for (const auto* row : context.table.all()) {
    std::string name = lower_case(row->name);
    if (pattern.matches(name)) names.push_back(std::move(name));
  }
  context.steps += pattern.steps();
  return names;
}

void command_list(Context& context, const Request& request) {
  Filter filter;
  if (!read_filter(request.args, filter)) {
    return context.reply.error(Status::error, kSyntaxError);
  }
  if (filter.value.size() > kPatternBytesMax) return answer_names(context.reply, {});
  answer_names(context.reply, filtered_names(context, filter));
}

// The row and the keys of the request in `args`; null when an error was answered.
const Command* keys_of(Context& context, Args args, KeyRange& keys) {
  const Command* const row = row_of(context.table, args);
  const auto refuse = [&](std::string_view text) -> const Command* {
    context.reply.error(Status::error, text);
    return nullptr;
  };
  if (row == nullptr) return refuse("Invalid command specified");
  if (row->keys.first == 0) return refuse("The command has no key arguments");
  if (!arity_fits(*row, args.size())) {
    return refuse("Invalid number of arguments specified for command");
  }
  keys = key_range(*row, args.size());
  return row;
}

void command_getkeys(Context& context, const Request& request) {
  const Args args = request.args.subspan(2);
  KeyRange keys;
  if (keys_of(context, args, keys) == nullptr) return;
  context.reply.begin_list(static_cast<std::uint32_t>(keys.count()));
  for (std::size_t i = keys.first; i < keys.end; i += keys.step) context.reply.bytes(args[i]);
  context.reply.end();
}

void command_getkeysandflags(Context& context, const Request& request) {
  const Args args = request.args.subspan(2);
  KeyRange keys;
  const Command* const row = keys_of(context, args, keys);
  if (row == nullptr) return;
  context.reply.begin_list(static_cast<std::uint32_t>(keys.count()));
  for (std::size_t i = keys.first; i < keys.end; i += keys.step) {
    const KeyUse use = key_use(*row, args, i);
    context.reply.begin_list(2);
    context.reply.bytes(args[i]);
    context.reply.begin_set(static_cast<std::uint32_t>(use.size()));
    for (const auto word : use) context.reply.line(word);
    context.reply.end();
    context.reply.end();
  }
  context.reply.end();
}

void command_help(Context& context, const Request&) {
  answer_container_help(context, "COMMAND");
}

// HELP @string: a group.
void help_of_group(Context& context, std::string_view name) {
  const std::string group = lower_case(name.substr(1));
  const std::string lines = help_group(context.table, group);
  if (!lines.empty()) return context.reply.text(lines);
  context.reply.error(Status::error,
                      fmt::format("no group '{}': HELP lists all", printable(group)));
}

void help(Context& context, const Request& request) {
  const Args& args = request.args;
  if (args.size() == 1) return context.reply.text(help_overview(context.table));
  if (args.size() > 3) {
    return context.reply.error(Status::error, wrong_arity_text("help"));
  }
  const bool is_group = args.size() == 2 && args[1].starts_with('@');
  if (is_group) return help_of_group(context, args[1]);
  const Command* row = context.table.find(args[1]);
  if (row != nullptr && args.size() == 3) row = context.table.find_subcommand(*row, args[2]);
  if (row != nullptr) return context.reply.text(help_page(context.table, *row));
  std::string name = printable(args[1]);
  if (args.size() == 3) name += " " + printable(args[2]);
  context.reply.error(Status::error, fmt::format("no command '{}': HELP lists all", name));
}

constexpr auto kCommands = std::to_array<Command>({
    {.name = "COMMAND",
     .arity = -1,
     .flags = Flags::container,
     .usage = "COMMAND",
     .summary = "Answers the entries of all commands: name, arity, flags, positions of keys, "
                "categories, tips, key specifications and subcommands.",
     .since = "0.1",
     .example = "COMMAND => [[...]]",
     .run = command},
    {.name = "COMMAND|COUNT",
     .arity = 2,
     .usage = "COMMAND COUNT",
     .summary = "Answers the number of commands, without subcommands.",
     .since = "0.1",
     .example = "COMMAND COUNT => (integer) ...",
     .run = command_count},
    {.name = "COMMAND|DOCS",
     .arity = -2,
     .usage = "COMMAND DOCS [command-name ...]",
     .summary = "Answers what the documentation says of commands, all or those named: summary, "
                "version, group, arguments and subcommands. Unknown names are left out.",
     .since = "0.1",
     .example = "COMMAND DOCS nothing => {}",
     .run = command_docs},
    {.name = "COMMAND|GETKEYS",
     .arity = -4,
     .usage = "COMMAND GETKEYS command [arg ...]",
     .summary = "Answers the keys in a whole request, without executing it.",
     .since = "0.1",
     .example = "COMMAND GETKEYS MSET a 1 b 2 => [\"a\", \"b\"]",
     .run = command_getkeys},
    {.name = "COMMAND|GETKEYSANDFLAGS",
     .arity = -4,
     .usage = "COMMAND GETKEYSANDFLAGS command [arg ...]",
     .summary = "As COMMAND GETKEYS, with how each key is used.",
     .since = "0.1",
     .example = "COMMAND GETKEYSANDFLAGS GET a => [[\"a\", [RO, access]]]",
     .run = command_getkeysandflags},
    {.name = "COMMAND|HELP",
     .arity = 2,
     .usage = "COMMAND HELP",
     .summary = "Answers the subcommands and what they do.",
     .since = "0.1",
     .example = "COMMAND HELP => [COMMAND <subcommand> ...]",
     .run = command_help},
    {.name = "COMMAND|INFO",
     .arity = -2,
     .usage = "COMMAND INFO [command-name ...]",
     .summary = "As COMMAND, for the commands named; nil for what is none.",
     .since = "0.1",
     .example = "COMMAND INFO nothing => [(nil)]",
     .run = command_info},
    {.name = "COMMAND|LIST",
     .arity = -2,
     .usage = "COMMAND LIST [FILTERBY <MODULE module-name | ACLCAT category | PATTERN pattern>]",
     .summary = "Answers the names of all commands and subcommands, or of those in a category or "
                "that match a pattern. There are no modules.",
     .since = "0.1",
     .example = "COMMAND LIST FILTERBY PATTERN mge* => [\"mget\"]",
     .run = command_list},
    {.name = "HELP",
     .arity = -1,
     .flags = Flags::before_auth,
     .usage = "HELP [command [subcommand] | @group]",
     .summary = "Answers all commands in a line each, those of one group, or the page of one "
                "command.",
     .since = "0.1",
     .example = "HELP PING => PING [message]\\n  Answers PONG, or the message.\\n...",
     .run = help},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> introspection_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
