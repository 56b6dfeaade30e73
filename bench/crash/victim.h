// The server under a crash test: started, asked until it answers a read, and killed.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "bench/peers/peer.h"
#include "phoenix/base/clock.h"
#include "phoenix/base/result.h"
#include "phoenix/client/connection.h"

namespace phoenix::bench::crash {

class Victim final {
 public:
  Victim(Peer& peer, const Clock& clock, std::string key_to_ask);

  /// A start that ended in a first answered read.
  struct Start {
    std::unique_ptr<client::Connection> connection;
    std::uint64_t took_ns = 0;  // From the launch of the process to the answer.
  };
  /// The error has the end of the server's output. Asks `gives_up` meanwhile; once it is true there
  /// is an error, too. For the main thread (see Child).
  Result<Start> start(bool (*gives_up)());

  /// Starts it and kills it after so long, on its way or not.
  Result<void> start_and_kill(double after_ms);

  /// SIGKILL; returns when it is gone.
  void kill() { peer_.kill_now(); }

  const client::Options& connection_options() const { return options_; }

  /// An error of one of its connections, with what it printed.
  Error with_output(const std::string& what) const;

 private:
  /// None: it is not ready yet.
  std::unique_ptr<client::Connection> ask() const;

  Peer& peer_;
  const Clock& clock_;
  std::string key_to_ask_;
  client::Options options_;
};

}  // namespace phoenix::bench::crash
