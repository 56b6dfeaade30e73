// The connections of one Client: the first one, to the server as a whole, and one to each core that
// has a port of its own, all opened when they are needed. Knows which key goes where, and opens
// anew what broke.
//
// Requests are made in rounds. Within a round a connection that was handed out stays where it is,
// also when the server turns out to have been started anew with other cores.
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "phoenix/client/client_options.h"
#include "phoenix/client/connection.h"

namespace phoenix::client {

class Links final {
 public:
  explicit Links(ClientOptions options);
  Links(const Links&) = delete;
  Links& operator=(const Links&) = delete;

  /// Connections that have ended since the last round are opened anew in this one.
  void begin_round();

  /// A connection for a request with this key, or without one.
  Result<Connection*> to(std::optional<std::string_view> key);

  /// A further connection to the server as a whole, for the caller alone.
  Result<std::unique_ptr<Connection>> open_extra() const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Link {
    std::unique_ptr<Connection> connection;
    bool is_checked = false;       // In this round.
    Clock::time_point retry_at{};  // Of a core that could not be reached.
  };

  Result<Connection*> first();
  Result<std::unique_ptr<Connection>> open_patiently();
  Result<void> pause(std::chrono::milliseconds time) const;
  void adopt(const std::optional<CoreMap>& map);
  void retire(Link& link);
  static bool is_usable(Link& link);

  const ClientOptions options_;
  Link first_;
  bool was_connected_ = false;
  std::optional<Error> failure_;       // Of this round: nobody answers.
  std::optional<CoreMap> map_;         // None: the first connection serves all keys.
  std::vector<std::uint16_t> owners_;  // Slot -> core, when there is a map.
  std::vector<Link> cores_;
  std::vector<std::unique_ptr<Connection>> retired_;  // May be in use until the round ends.
};

}  // namespace phoenix::client
