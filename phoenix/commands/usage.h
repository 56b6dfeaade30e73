// A row's usage as a tree of arguments: what COMMAND DOCS tells, so that clients can build hints,
// checks and help of their own. The notation is Redis's:
//
//   key value       in this order; words in upper case are tokens, typed as they are
//   EX seconds      a token and what stands behind it up to the next token are one argument
//   [a b]           may be left out
//   a | b, <a | b>  one of these
//   key [key ...]   one or more; [key ...] alone: none or more; a | b [a | b ...]: a choice
//                   that may be made again
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/result.h"

namespace phoenix::commands {

/// Levels of arguments that hold arguments. COMMAND DOCS takes two levels of a reply for each, and
/// five beside them; protocol::kReplyDepthMax has room for one more around it.
inline constexpr std::size_t kArgumentDepthMax = 5;

enum class ArgumentType : std::uint8_t {
  string,
  integer,
  key,
  pattern,
  unix_time,
  pure_token,  // The token alone.
  oneof,       // One of `parts`.
  block,       // All `parts`, in order.
};

struct Argument {
  ArgumentType type = ArgumentType::string;
  std::string name;        // In lower case; of a oneof or block its parts' names, joined.
  std::string_view token;  // Comes before it; empty: none. A view into the usage.
  bool is_optional = false;
  bool is_multiple = false;
  bool repeats_token = false;  // Where there are several, each has the token.
  std::vector<Argument> parts;
};

/// The arguments in a usage, without the command's name. The error tells what cannot be understood.
Result<std::vector<Argument>> parse_usage(std::string_view arguments);

/// As COMMAND DOCS names it: "pure-token".
std::string_view type_name(ArgumentType type);

}  // namespace phoenix::commands
