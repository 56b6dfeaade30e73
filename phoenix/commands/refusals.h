// What is answered to requests that name no command, no subcommand, or too few or too many words:
// Redis's texts, which clients compare. Both protocols put the prefix "ERR" before them.
#pragma once

#include <string>
#include <string_view>

#include "phoenix/commands/command.h"

namespace phoenix::commands {

// What many commands say of their words.
inline constexpr std::string_view kSyntaxError = "syntax error";
inline constexpr std::string_view kNoReplicas = "Not enough good replicas to write.";
inline constexpr std::string_view kNotAnInteger = "value is not an integer or out of range";

/// Of a request whose first word is no command. Shows at most 128 bytes of it, and of its
/// arguments as many as begin within 128 bytes. Has no line ends, and ends with a blank, as Redis's
/// text does. `args` is empty of a request in short form whose type is unknown.
std::string unknown_command_text(Args args);

/// Of a request whose second word is no subcommand of `container`.
std::string unknown_subcommand_text(const Command& container, std::string_view word);

/// Of a subcommand whose words its own handler refuses, where Redis says no more than this.
std::string misused_subcommand_text(const Command& container, std::string_view word);

/// Of a request with another number of words than the row takes: "... for 'client|kill' command".
std::string wrong_arity_text(const Command& command);
/// Of a name in lower case.
std::string wrong_arity_text(std::string_view name);

}  // namespace phoenix::commands
