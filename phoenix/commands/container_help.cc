#include "phoenix/commands/container_help.h"

#include <string>
#include <vector>

#include <fmt/format.h>

#include "phoenix/commands/describe.h"
#include "phoenix/commands/table.h"

namespace phoenix::commands {
namespace {

constexpr std::string_view kIndent = "    ";

void append_subcommand(std::vector<std::string>& lines, const Command& row, std::size_t prefix) {
  lines.emplace_back(row.usage.substr(prefix));
  constexpr std::size_t kColumns = 76;
  const std::string summary = wrapped(row.summary, "", kColumns);
  for (std::string_view rest = summary; !rest.empty();) {
    const auto line = rest.substr(0, rest.find('\n'));
    lines.push_back(fmt::format("{}{}", kIndent, line));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
  }
}

}  // namespace

void answer_container_help(Context& context, std::string_view container) {
  std::vector<std::string> lines;
  lines.push_back(
      fmt::format("{} <subcommand> [<arg> [value] [opt] ...]. Subcommands are:", container));
  const Command* help = nullptr;
  for (const auto* row : context.table.subcommands_of(container)) {
    if (row->name.substr(container.size()) == "|HELP") {
      help = row;  // Comes last, as the reader has found it already.
    } else {
      append_subcommand(lines, *row, container.size() + 1);
    }
  }
  if (help != nullptr) append_subcommand(lines, *help, container.size() + 1);
  context.reply.begin_list(static_cast<std::uint32_t>(lines.size()));
  for (const auto& line : lines) context.reply.line(line);
  context.reply.end();
}

}  // namespace phoenix::commands
