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

/// Views into `args`. The error is the text of the reply.
tl::expected<ClientFilter, std::string> parse_list_filter(Args args);
tl::expected<Kill, std::string> parse_kill(Args args);

}  // namespace phoenix::commands
