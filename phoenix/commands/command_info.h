// What COMMAND and COMMAND INFO tell of a row, in Redis's words and shapes: clients find keys by
// it, and choose where to send a request.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/table.h"

namespace phoenix::commands {

/// Redis's names of what a row's flags say ("readonly", "denyoom" ...), in Redis's order.
std::vector<std::string_view> flag_words(const Command& command);

/// All categories of ACL CAT, in Redis's order, those included that no command here has.
std::span<const std::string_view> acl_categories();

/// Of one command, in the same order, without the '@'.
std::vector<std::string_view> acl_categories_of(const Table& table, const Command& command);

/// Of the commands and subcommands in a category, in lower case; in any case.
std::vector<std::string> names_in_category(const Table& table, std::string_view category);

/// Rows that are no subcommands.
std::vector<const Command*> top_level(const Table& table);

/// Answers a list of names.
void answer_names(ReplySink& reply, const std::vector<std::string>& names);

/// Answers one command's entry: ten values, its subcommands' entries among them.
void answer_info(ReplySink& reply, const Table& table, const Command& command);

}  // namespace phoenix::commands
