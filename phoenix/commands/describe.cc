#include "phoenix/commands/describe.h"

#include <algorithm>
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

std::string wire_form(const Command& command) {
  if (command.opcode == protocol::Opcode::argv) return "argv";
  return fmt::format("short form (type {}) and argv", static_cast<unsigned>(command.opcode));
}

constexpr std::size_t kColumns = 100;  // As all text of the tree.

}  // namespace

std::string wrapped(std::string_view text, std::string_view indent, std::size_t columns) {
  std::string lines;
  std::size_t column = 0;
  while (!text.empty()) {
    const auto word = text.substr(0, text.find(' '));
    if (column > 0 && column + 1 + word.size() > columns) {
      lines += fmt::format("\n{}", indent);
      column = indent.size();
    } else if (column > 0) {
      lines += ' ';
      ++column;
    }
    lines += word;
    column += word.size();
    text.remove_prefix(std::min(word.size() + 1, text.size()));
  }
  return lines;
}

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
      "edit.\nExamples are run as tests; in them `...` stands for anything.\n";
  for (const auto* command : table.all()) {
    text +=
        fmt::format("\n## {}\n\n```\n{}\n```\n\n{}\n\nSince {}. Native protocol: {}.\n\n```\n",
                    command->name, wrapped(command->usage, "    ", kColumns),
                    wrapped(command->summary, "", kColumns), command->since, wire_form(*command));
    for (const auto line : example_lines(command->example)) text += fmt::format("{}\n", line);
    text += "```\n";
  }
  return text;
}

}  // namespace phoenix::commands
