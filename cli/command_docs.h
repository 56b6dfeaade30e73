// What a server tells of its commands, as an index for completion and hints: Phoenix in HELP, Redis
// and its relatives in COMMAND DOCS.
#pragma once

#include "cli/help_index.h"
#include "cli/result.h"
#include "cli/session.h"
#include "protocol/binary.h"

namespace phoenix::cli {

/// Asks over the session's connection; no reply is due there. An empty index when the server has
/// neither, or wants a password first.
Result<HelpIndex> ask_help(Session& session);

/// The reply to COMMAND DOCS: a map, or a list of names and values in turn. What is not understood
/// is left out. Pure.
HelpIndex index_of_docs(const protocol::Value& docs);

}  // namespace phoenix::cli
