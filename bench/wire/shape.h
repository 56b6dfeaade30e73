// What all requests of a run have in common: what keys, values and expiries look like on the wire.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "bench/wire/protocol.h"
#include "bench/workload/keys.h"
#include "bench/workload/options.h"
#include "bench/workload/request.h"
#include "bench/workload/sizes.h"

namespace phoenix::bench {

using Command = std::vector<std::string>;

struct RequestShape {
  Keys keys;
  Sizes values;
  TtlRange ttl;
  std::uint16_t set_flags = 0;    // protocol::RequestFlags of every SET, in the native protocol.
  std::vector<Command> replayed;  // What Verb::replayed sends.

  /// Bytes that no request over keys exceeds. `verb_keys`: the most keys of one request.
  std::size_t keyed_bytes_max(std::size_t verb_keys) const;

  /// As above, of what is replayed too: goes through all of it.
  std::size_t request_bytes_max(std::size_t verb_keys) const;

  /// "GET key:0042", for messages.
  std::string describe(const Request& request) const;
};

}  // namespace phoenix::bench
