// A request as MONITOR shows it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "phoenix/commands/command.h"

namespace phoenix::server {

/// Whether monitors see it: what operators do is not shown, as it may hold secrets.
bool is_shown_to_monitors(const commands::Command& command);

/// `1339518083.107000 [0 127.0.0.1:60866] "keys" "*"`. Passwords are left out, and what is very
/// long is cut.
std::string monitor_line(const commands::Command& command, commands::Args args,
                         std::string_view address, std::int64_t wall_ms);

}  // namespace phoenix::server
