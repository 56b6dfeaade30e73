// What a connection carries, whichever protocol it speaks.
#pragma once

#include <cstdint>

#include "protocol/binary.h"

namespace phoenix::client {

enum class Wire : std::uint8_t {
  native,  // docs/PROTOCOL.md.
  resp,    // RESP2 and RESP3, to talk to Redis and its relatives.
};

/// One reply, or one part of a streamed one.
struct Reply {
  /// Its bytes are views that live until the next call on the connection.
  protocol::Value value;
  /// Another part of the same reply comes next.
  bool more_follows = false;

  bool is_error() const { return protocol::is_error(value.status); }
};

}  // namespace phoenix::client
