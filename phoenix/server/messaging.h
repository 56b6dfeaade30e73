// All that leaves a core without being the answer to a request: messages of channels, changes of
// keys, lines of monitors; and what sessions tell and are told of each other. The core's turn
// drives it; handlers reach its parts through CoreControl.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "phoenix/commands/core_control.h"
#include "phoenix/server/client_list.h"
#include "phoenix/server/connections.h"
#include "phoenix/server/key_event_feed.h"
#include "phoenix/server/notices.h"
#include "phoenix/server/pusher.h"
#include "phoenix/server/shard.h"
#include "phoenix/server/shared.h"
#include "phoenix/server/subscriptions.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

struct PendingRequest;

class Messaging final : public SessionObserver {
 public:
  /// The parts of one core, which outlive this. Puts itself into `control`.
  struct Parts {
    unsigned core;
    Shared& shared;
    Shard& shard;
    Connections& connections;
    ChunkPool& pool;
    io::Host& host;
    const Clock& clock;
    Metrics& metrics;
    commands::CoreControl& control;
  };
  explicit Messaging(const Parts& parts);
  ~Messaging() override;

  ClientList& clients() { return clients_; }
  Subscriptions& subscriptions() { return subscriptions_; }

  /// What CONFIG has changed.
  void apply(const commands::Settings& settings);

  /// Whether anybody monitors; then each request that was run is to be shown.
  bool has_monitors() const { return board_.is_wanted_anywhere(Notice::Kind::request); }
  void show(const PendingRequest& pending);
  void start_monitoring(Session& session);
  void stop_monitoring(Session& session);

  /// Begin of a turn: takes what other cores have told.
  void receive();
  /// Its end: takes messages further to their subscribers, and publishes the changes of keys that
  /// are durable, as far as `work` allows.
  void deliver(log::Position committed, TurnWork& work);
  /// And then: sends the other cores what is for them. `posted` is called with each that got some.
  void post(const std::function<void(unsigned)>& posted);

  bool has_mail() const { return notices_.has_mail(); }
  bool has_work_left(log::Position committed) const {
    return events_.has_work_left(committed) || subscriptions_.has_deliveries();
  }

  /// What waits to be told, here or elsewhere.
  std::uint64_t held_bytes() const {
    return events_.held_bytes() + notices_.kept_bytes() + subscriptions_.held_bytes();
  }
  /// Of a transaction: this core's subscribers have it, those of the others get it.
  void tell_message(commands::ChannelKind channels, std::string_view channel,
                    std::string_view message);

  void closing(Session& session) override;
  void subscriptions_changed();

 private:
  log::Position position_of_change() const;
  std::uint64_t tell(std::string_view event, std::string_view key);
  void publish_event(std::string_view event, std::string_view key);
  void show_line(std::string_view line);
  void take(const Notice& notice);

  unsigned core_;
  Shared& shared_;
  Shard& shard_;
  NoticeBoard& board_;
  const Clock& clock_;
  Metrics& metrics_;
  Pusher pusher_;
  Subscriptions subscriptions_;
  ClientList clients_;
  Notices notices_;
  KeyEventFeed events_;
  commands::KeyEventSet event_classes_ = 0;
  std::vector<Session*> monitors_;
  std::uint64_t steps_ = 0;  // Of what was published since the work was last told.
};

}  // namespace phoenix::server
