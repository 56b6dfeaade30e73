// The answer to "CLIENT HELP" and its like: the subcommands of a container, from their rows.
#pragma once

#include <string_view>

#include "phoenix/commands/command.h"

namespace phoenix::commands {

/// Answers a list of lines, as Redis does: a head, then each subcommand's usage and, indented, what
/// it does. `container` is a name of the table. For the row of its HELP.
void answer_container_help(Context& context, std::string_view container);

}  // namespace phoenix::commands
