#include "tests/sim/lister.h"

#include <string>

#include "protocol/binary.h"
#include "tests/sim/process.h"

namespace phoenix::simtest {

void Lister::act() {
  // Seldom enough for a turn with one slice to keep up: connections must not pile up.
  if (random_.below(60) != 0) return;
  if (client_.state() == sim::ClientState::connecting) return;
  if (!client_.open()) {
    io::Endpoint endpoint;
    endpoint.address = "127.0.0.1";
    endpoint.port = kPort;
    return client_.connect(endpoint);
  }
  (void)client_.take();
  switch (random_.below(4)) {
    case 0:
      return client_.reset();
    case 1:
      return client_.close();
    default:
      ask();
  }
}

void Lister::ask() {
  const std::uint64_t listings = 1 + random_.below(4);
  std::string bytes;
  for (std::uint32_t id = 1; id <= listings; ++id) {
    protocol::append_argv_request(bytes, 0, id, {"LIST", "nothing*"});
  }
  client_.send(bytes);
}

}  // namespace phoenix::simtest
