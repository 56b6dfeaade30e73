// What a Client is told when it is made.
#pragma once

#include <chrono>

#include "phoenix/client/connection.h"

namespace phoenix::client {

struct ClientOptions {
  /// Where the server is, the password, the timeouts.
  Options connection;
  /// Send a key's requests straight to the core that owns it, where the server offers a port per
  /// core (phoenix-server --core-port-base): a connection for each core that is needed.
  bool uses_core_ports = true;
  /// A server that has answered before may be in the middle of a restart: for so long a call tries
  /// to connect, with pauses that grow from 10 to 500 ms. 0: once. The very first attempt is never
  /// repeated.
  std::chrono::milliseconds reconnect_for{2'000};
};

}  // namespace phoenix::client
