// The few things that are not load: opening connections, and asking the server who it is.
#pragma once

#include <cstdint>
#include <string>

#include "bench/load/run_options.h"
#include "phoenix/base/result.h"
#include "phoenix/uring/unique_fd.h"
#include "protocol/binary.h"

namespace phoenix::bench {

/// A connected, blocking socket (TCP without Nagle's delay), authenticated when there is a
/// password. The error names the target.
Result<uring::UniqueFd> connect_to(const Target& target);

struct ServerFacts {
  std::string name;     // "server" of HELLO.
  std::string version;  // Empty when it does not say.
  std::uint32_t cores = 1;
  int pid = 0;  // On this machine; 0: another machine, or not known.
  bool same_machine = false;
};

/// Takes what a HELLO reply (a map) tells.
void take_hello(const protocol::Value& map, ServerFacts& facts);

/// The number behind "process_id:" in INFO's text; 0 when there is none.
int process_id_in(std::string_view info);

/// HELLO, and INFO where it is needed. An error when nobody answers in the native protocol within
/// 5 s. `known_pid`: 0 to find it.
Result<ServerFacts> ask_server(const Target& target, int known_pid);

}  // namespace phoenix::bench
