// Texts made from the rows: HELP and docs/COMMANDS.md say what the table says.
#pragma once

#include <string>

#include "phoenix/commands/table.h"

namespace phoenix::commands {

/// A line per command, by group. Containers are told of by their subcommands.
std::string help_overview(const Table& table);

/// The lines of one group; empty when there is none of that name.
std::string help_group(const Table& table, std::string_view group);

/// Usage, summary and example of one; of a container also what its subcommands do.
std::string help_page(const Table& table, const Command& command);

/// `text` in lines of at most `columns`, as far as its words allow; those after the first start
/// with `indent`.
std::string wrapped(std::string_view text, std::string_view indent, std::size_t columns);

/// docs/COMMANDS.md.
std::string commands_markdown(const Table& table);

}  // namespace phoenix::commands
