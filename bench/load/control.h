// The few things that are not load: opening connections, and asking the server who it is.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "bench/load/run_options.h"
#include "phoenix/base/result.h"
#include "phoenix/uring/unique_fd.h"
#include "protocol/binary.h"

namespace phoenix::bench {

/// A connected, blocking socket (TCP without Nagle's delay), authenticated when there is a
/// password. The error names the target.
Result<uring::UniqueFd> connect_to(const Target& target);

struct ServerFacts {
  std::string name;     // "phoenix", "redis", "valkey", "memcached" ...
  std::string version;  // Empty when it does not say.
  std::uint32_t cores = 1;
  int pid = 0;  // On this machine; 0: another machine, or not known.
  bool same_machine = false;
};

/// Takes what a HELLO reply (a map) tells.
void take_hello(const protocol::Value& map, ServerFacts& facts);

/// Takes what the text of INFO tells, and that of Redis and its relatives.
void take_info(std::string_view info, ServerFacts& facts);

/// Takes what memcached answers to version and stats.
void take_memcached_stats(std::string_view lines, ServerFacts& facts);

/// Asks in the target's protocol: HELLO and INFO, INFO, or version and stats. An error when nobody
/// answers in it within 5 s. `known_pid`: 0 to find it.
Result<ServerFacts> ask_server(const Target& target, int known_pid);

}  // namespace phoenix::bench
