#include "phoenix/commands/describe.h"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

#include "phoenix/commands/words.h"

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

// A container that answers nothing by itself is told of by its subcommands.
bool answers(const Command& command) {
  return !has(command.flags, Flags::container) || command.arity == -1;
}

std::vector<std::string_view> groups_of(const Table& table) {
  std::vector<std::string_view> groups;
  for (const auto* command : table.all()) groups.push_back(table.group_of(*command));
  std::sort(groups.begin(), groups.end());
  groups.erase(std::unique(groups.begin(), groups.end()), groups.end());
  return groups;
}

std::string usages(const Table& table, std::string_view group) {
  std::string lines;
  for (const auto* command : table.all()) {
    const bool is_shown = table.group_of(*command) == group && answers(*command);
    if (is_shown) lines += fmt::format("{}\n", command->usage);
  }
  return lines;
}

// "CLIENT KILL", as it is typed.
std::string typed_name(const Command& command) {
  std::string name(command.name);
  std::replace(name.begin(), name.end(), '|', ' ');
  return name;
}

void append_markdown(std::string& text, const Command& command) {
  text += fmt::format("\n### {}\n\n```\n{}\n```\n\n{}\n\nSince {}. Native protocol: {}.\n\n```\n",
                      typed_name(command), wrapped(command.usage, "    ", kColumns),
                      wrapped(command.summary, "", kColumns), command.since, wire_form(command));
  for (const auto line : example_lines(command.example)) text += fmt::format("{}\n", line);
  text += "```\n";
}

// The names of a group, each a link to its part of the page.
std::string markdown_index(const std::vector<const Command*>& commands) {
  std::string links;
  for (const auto* command : commands) {
    std::string anchor = lower_case(typed_name(*command));
    std::replace(anchor.begin(), anchor.end(), ' ', '-');
    // Words of a link stay together: lines are broken at blanks.
    std::string name = typed_name(*command);
    std::replace(name.begin(), name.end(), ' ', '\x1f');
    links += fmt::format("{}[{}](#{})", links.empty() ? "" : ", ", name, anchor);
  }
  std::string lines = wrapped(links, "", kColumns);
  std::replace(lines.begin(), lines.end(), '\x1f', ' ');
  return lines;
}

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
  for (const auto group : groups_of(table)) {
    text += fmt::format("@{}\n{}\n", group, usages(table, group));
  }
  text += "HELP command tells more about one, HELP @group lists a group.\n";
  return text;
}

std::string help_group(const Table& table, std::string_view group) {
  return usages(table, group);
}

std::string help_page(const Table& table, const Command& command) {
  std::string text = fmt::format("{}\n  {}\n  Since {}. Example:\n", command.usage, command.summary,
                                 command.since);
  for (const auto line : example_lines(command.example)) text += fmt::format("    {}\n", line);
  const auto subcommands = table.subcommands_of(command.name);
  if (!subcommands.empty()) text += "\n";
  for (const auto* row : subcommands) text += fmt::format("{}\n  {}\n", row->usage, row->summary);
  return text;
}

std::string commands_markdown(const Table& table) {
  std::string text =
      "# Commands\n\nPrinted from the command table by `phoenix-server --print-commands`; do not "
      "edit.\nExamples are run as tests; in them `...` stands for anything.\n";
  std::string pages;
  for (const auto group : groups_of(table)) {
    std::vector<const Command*> commands;
    for (const auto* command : table.all()) {
      if (table.group_of(*command) == group && answers(*command)) commands.push_back(command);
    }
    text += fmt::format("\n**{}**:\n{}\n", group, markdown_index(commands));
    pages += fmt::format("\n## {} commands\n", group);
    for (const auto* command : commands) append_markdown(pages, *command);
  }
  return text + pages;
}

}  // namespace phoenix::commands
