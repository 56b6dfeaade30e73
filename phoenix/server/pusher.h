// Appends pushes to the outputs of one core's sessions, and cuts off those that do not read.
#pragma once

#include "phoenix/commands/settings.h"
#include "phoenix/server/connections.h"
#include "phoenix/server/push.h"

namespace phoenix::server {

class Pusher final {
 public:
  Pusher(Connections& connections, const MemoryBudget& budget, const commands::Settings& settings,
         const Clock& clock, Metrics& metrics)
      : connections_(connections),
        budget_(budget),
        settings_(settings),
        clock_(clock),
        metrics_(metrics) {}

  /// False: the session is closing, or was cut off now, and does not get it.
  bool send(Session& session, Push& push);

 private:
  bool has_too_much(Session& session, std::size_t more_bytes);

  Connections& connections_;
  const MemoryBudget& budget_;
  const commands::Settings& settings_;
  const Clock& clock_;
  Metrics& metrics_;
};

}  // namespace phoenix::server
