#include "phoenix/commands/describe.h"

#include <vector>

#include <fmt/format.h>

namespace phoenix::commands {
namespace {

std::vector<std::string_view> example_lines(std::string_view example) {
  std::vector<std::string_view> lines;
  while (true) {
    const auto end = example.find("; ");
    lines.push_back(example.substr(0, end));
    if (end == std::string_view::npos) return lines;
    example.remove_prefix(end + 2);
  }
}

std::string_view short_form(const Command& command) {
  return command.opcode == protocol::Opcode::argv ? "argv" : "short form and argv";
}

}  // namespace

std::string help_overview(const Table& table) {
  std::string text;
  for (const auto* command : table.all()) text += fmt::format("{}\n", command->usage);
  text += "HELP command tells more about one.\n";
  return text;
}

std::string help_page(const Command& command) {
  std::string text = fmt::format("{}\n  {}\n  Since {}. Example:\n", command.usage, command.summary,
                                 command.since);
  for (const auto line : example_lines(command.example)) text += fmt::format("    {}\n", line);
  return text;
}

std::string commands_markdown(const Table& table) {
  std::string text =
      "# Commands\n\nPrinted from the command table by `phoenix-server --print-commands`; do not "
      "edit. Examples are run as tests.\n";
  for (const auto* command : table.all()) {
    text += fmt::format("\n## {}\n\n`{}`\n\n{}\n\nSince {}. Native protocol: {}", command->name,
                        command->usage, command->summary, command->since, short_form(*command));
    if (command->opcode != protocol::Opcode::argv) {
      text += fmt::format(" (type {})", static_cast<unsigned>(command->opcode));
    }
    text += ".\n\n```\n";
    for (const auto line : example_lines(command->example)) text += fmt::format("{}\n", line);
    text += "```\n";
  }
  return text;
}

}  // namespace phoenix::commands
