// What CONFIG tells of the start, under the names that clients of Redis know.
#pragma once

#include "phoenix/commands/settings.h"
#include "phoenix/server/config.h"

namespace phoenix::server {

/// Sets the facts, and the first values of what can be changed. The port is told once it is known
/// (tell_port), and how many connections there may be by who knows the limits of the process.
void tell_start(const Config& config, commands::Settings& settings);
void tell_port(std::uint16_t port, commands::Settings& settings);

}  // namespace phoenix::server
