// Texts made from the rows: HELP and docs/COMMANDS.md say what the table says.
#pragma once

#include <string>

#include "phoenix/commands/table.h"

namespace phoenix::commands {

/// A line per command.
std::string help_overview(const Table& table);

/// Usage, summary and example of one.
std::string help_page(const Command& command);

/// docs/COMMANDS.md.
std::string commands_markdown(const Table& table);

}  // namespace phoenix::commands
