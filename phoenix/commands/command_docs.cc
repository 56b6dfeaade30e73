#include "phoenix/commands/command_docs.h"

#include <string>
#include <vector>

#include "phoenix/base/check.h"
#include "phoenix/commands/usage.h"
#include "phoenix/commands/words.h"

namespace phoenix::commands {
namespace {

void answer_field(ReplySink& reply, std::string_view name, std::string_view value) {
  reply.bytes(name);
  reply.bytes(value);
}

void answer_argument_flags(ReplySink& reply, const Argument& argument) {
  std::vector<std::string_view> flags;
  if (argument.is_optional) flags.emplace_back("optional");
  if (argument.is_multiple) flags.emplace_back("multiple");
  if (argument.repeats_token) flags.emplace_back("multiple_token");
  reply.bytes("flags");
  reply.begin_set(static_cast<std::uint32_t>(flags.size()));
  for (const auto flag : flags) reply.line(flag);
  reply.end();
}

// NOLINTNEXTLINE(misc-no-recursion): parse_usage holds it to kArgumentDepthMax.
void answer_arguments(ReplySink& reply, const std::vector<Argument>& arguments) {
  reply.bytes("arguments");
  reply.begin_list(static_cast<std::uint32_t>(arguments.size()));
  for (const auto& argument : arguments) {
    const bool is_key = argument.type == ArgumentType::key;
    const bool has_token = !argument.token.empty();
    const bool has_flags = argument.is_optional || argument.is_multiple;
    const bool has_parts = !argument.parts.empty();
    reply.begin_map(2U + (is_key ? 1 : 0) + (has_token ? 1 : 0) + (has_flags ? 1 : 0) +
                    (has_parts ? 1 : 0));
    answer_field(reply, "name", argument.name);
    answer_field(reply, "type", type_name(argument.type));
    if (is_key) {
      reply.bytes("key_spec_index");
      reply.integer(0);  // A row has one: see answer_info.
    }
    if (has_token) answer_field(reply, "token", argument.token);
    if (has_flags) answer_argument_flags(reply, argument);
    if (has_parts) answer_arguments(reply, argument.parts);
    reply.end();
  }
  reply.end();
}

}  // namespace

// NOLINTNEXTLINE(misc-no-recursion): subcommands have none of their own.
void answer_docs(ReplySink& reply, const Table& table, const Command& command) {
  // A row whose usage cannot be read fails a test; here it has no arguments.
  const auto arguments = parse_usage(command.usage.substr(command.name.size()));
  const auto subcommands = table.subcommands_of(command.name);
  const bool has_arguments = subcommands.empty() && arguments && !arguments->empty();
  reply.bytes(lower_case(command.name));
  reply.begin_map(3U + (has_arguments ? 1 : 0) + (subcommands.empty() ? 0 : 1));
  answer_field(reply, "summary", command.summary);
  answer_field(reply, "since", command.since);
  answer_field(reply, "group", table.group_of(command));
  if (has_arguments) answer_arguments(reply, *arguments);
  if (!subcommands.empty()) {
    reply.bytes("subcommands");
    reply.begin_map(static_cast<std::uint32_t>(subcommands.size()));
    for (const auto* row : subcommands) answer_docs(reply, table, *row);
    reply.end();
  }
  reply.end();
}

}  // namespace phoenix::commands
