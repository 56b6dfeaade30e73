// What COMMAND DOCS tells of a row: the texts and the arguments that clients make help and hints
// of.
#pragma once

#include "phoenix/commands/table.h"

namespace phoenix::commands {

/// Answers a name and what belongs to it: a pair of the map that COMMAND DOCS answers. Nests up to
/// protocol::kReplyDepthMax - 1 levels below that map.
void answer_docs(ReplySink& reply, const Table& table, const Command& command);

}  // namespace phoenix::commands
