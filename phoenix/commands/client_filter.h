// The words of CLIENT LIST and CLIENT KILL that say which clients are meant.
#pragma once

#include <string>

#include <tl/expected.hpp>

#include "phoenix/commands/clients.h"
#include "phoenix/commands/command.h"

namespace phoenix::commands {

struct Kill {
  ClientFilter filter;
  bool skips_caller = true;
  bool is_old_form = false;  // One address and nothing else.
};

/// A slice of CLIENT LIST on one core: the words are the client's, and behind the first two of them
/// the place to begin at. What it answers is [next place, lines]; 0 at the end of the core.
struct ListSlice {
  ClientFilter filter;
  std::uint64_t place = 0;
};
tl::expected<ListSlice, std::string> parse_list_slice(Args args);

/// Views into `args`. The error is the text of the reply.
tl::expected<ClientFilter, std::string> parse_list_filter(Args args);
tl::expected<Kill, std::string> parse_kill(Args args);

}  // namespace phoenix::commands
