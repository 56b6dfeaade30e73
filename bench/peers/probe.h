// Whether a server on this machine answers yet, and where one could listen.
#pragma once

#include <cstdint>

#include "bench/wire/protocol.h"
#include "phoenix/base/result.h"

namespace phoenix::bench {

/// A random TCP port of 127.0.0.1 that nobody listens on now, from those that the kernel gives to
/// no outgoing connection. Another server may take it before it is used.
Result<std::uint16_t> find_free_port();

/// Connects to 127.0.0.1, asks the smallest question of the protocol and waits up to `timeout_ms`
/// for the answer of a server that is ready: one that still loads its data says so and is not.
bool answers(Protocol protocol, std::uint16_t port, std::uint32_t timeout_ms);

}  // namespace phoenix::bench
