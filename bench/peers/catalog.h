// The servers that the bench tool knows how to start, and how any other is described.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "bench/wire/protocol.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// always: an acknowledged write is on disk; interval: within 100 ms (Phoenix) or a second (Redis);
/// off: in memory alone.
enum class PeerDurability : std::uint8_t { always, interval, off };

/// What to start, and how to speak to it. In the words, {port} {dir} {cpu} {threads} stand for what
/// is known when it is started: its port, its own empty directory, the first CPU it is pinned to
/// (-1: none) and how many threads it should have.
struct PeerSpec {
  std::string name;
  Protocol protocol = Protocol::native;
  std::vector<std::string> words;
  std::string
      durability;  // What it promises, in a word or two for a table; "none": it has no disk.
  bool keeps_values = true;  // False: the ceiling, whose answers are always the same.
};

struct CatalogOptions {
  PeerDurability durability = PeerDurability::always;
  std::string phoenix_server;      // Its path; empty: beside this program.
  std::size_t value_bytes = 64;    // Of what the ceiling answers.
  std::uint32_t connections = 50;  // That will be opened at once.
};

/// The names that find_peer() knows, in the order in which they are shown.
const std::vector<std::string>& known_peers();

/// How to start one of the known servers. "memcached" and "memcached-meta" are the same program
/// spoken to in two ways: its text protocol sends every answer to a pipelined GET by itself.
/// `unsupported` when it is not installed, `invalid` when there is no such name.
Result<PeerSpec> find_peer(std::string_view name, const CatalogOptions& options);

/// "NAME=PROTOCOL:COMMAND", PROTOCOL being native, resp, memcached or memcached-meta. The command
/// is split at spaces, which single or double quotes keep; no shell sees it. It must use {port}.
Result<PeerSpec> parse_peer(std::string_view text);

/// The path of a program: itself when it holds a '/', else where PATH or the system's usual places
/// have it; empty when nowhere.
std::string find_program(std::string_view name);

/// The path of this program; empty when the kernel does not tell.
std::string own_path();

}  // namespace phoenix::bench
