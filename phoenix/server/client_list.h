// CLIENT LIST, KILL and PAUSE over the sessions of one core.
#pragma once

#include <string>

#include "phoenix/commands/clients.h"
#include "phoenix/io/host.h"
#include "phoenix/server/connections.h"

namespace phoenix::server {

class ClientList final : public commands::Clients {
 public:
  ClientList(Connections& connections, io::Host& host, const Clock& clock)
      : connections_(connections), host_(host), clock_(clock) {}

  std::uint64_t list(const commands::ClientFilter& filter, std::uint64_t place, std::string& page,
                     std::uint64_t& steps) override;
  std::uint64_t kill(const commands::ClientFilter& filter, commands::SessionControl* caller,
                     bool skips_caller) override;
  void pause(std::uint64_t duration_ms, bool only_writes) override;
  void unpause() override;

  /// The session's line.
  void describe(Session& session, std::string& line);
  /// "ip:port" of the client; found out once.
  const std::string& address_of(Session& session);

  /// Whether a request of this kind has to wait now. Cheap where nothing is paused.
  bool is_paused(bool writes) const {
    return paused_until_ns_ != 0 && (writes || !only_writes_are_paused_);
  }
  /// When the pause ends by itself; 0: there is none.
  std::uint64_t paused_until_ns() const { return paused_until_ns_; }
  void end_pause_when_due(std::uint64_t now_ns) {
    if (paused_until_ns_ != 0 && now_ns >= paused_until_ns_) unpause();
  }
  /// What is being run: the sessions' bytes of it are still theirs. Outlives this.
  void watch_batch(const RequestBatch& batch) { batch_ = &batch; }
  /// Sees that the session knows both its addresses.
  void find_addresses(Session& session);

 private:
  std::size_t input_bytes(const Session& session) const;
  bool fits(Session& session, const commands::ClientFilter& filter);

  Connections& connections_;
  io::Host& host_;
  const Clock& clock_;
  const RequestBatch* batch_ = nullptr;
  std::uint64_t paused_until_ns_ = 0;
  bool only_writes_are_paused_ = false;
};

}  // namespace phoenix::server
