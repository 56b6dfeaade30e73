#include "phoenix/server/messaging.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "phoenix/server/monitor_line.h"

namespace phoenix::server {

using commands::ChannelKind;

namespace {

// What turns take of deliveries to many subscribers: some hundred, with the sends.
constexpr std::size_t kDeliveryWorkPerTurn = std::size_t{512} << 10U;

}  // namespace

Messaging::Messaging(const Parts& parts)
    : core_(parts.core),
      shared_(parts.shared),
      shard_(parts.shard),
      board_(parts.shared.notices),
      clock_(parts.clock),
      metrics_(parts.metrics),
      pusher_(parts.connections, parts.shard.budget(), parts.shared.settings, parts.clock,
              parts.metrics),
      subscriptions_([this](Session& session, Push& push) { return pusher_.send(session, push); },
                     parts.pool.buffers(), &parts.shard.budget()),
      clients_(parts.connections, parts.host, parts.clock),
      notices_(parts.core, board_, parts.pool.buffers(), parts.metrics),
      events_([this] { return position_of_change(); },
              [this](std::string_view event, std::string_view key) { return tell(event, key); },
              parts.pool.buffers(), parts.metrics) {
  parts.control.channels = &subscriptions_;
  parts.control.clients = &clients_;
  parts.control.cores = parts.shared.cores();
  parts.connections.set_observer(this);
}

Messaging::~Messaging() {
  shard_.set_events(nullptr);
  shard_.keyspace().set_expiry_listener(nullptr);
}

void Messaging::apply(const commands::Settings& settings) {
  event_classes_ = settings.key_events();
  events_.set_classes(event_classes_);
  shard_.set_events(events_.is_on() ? &events_ : nullptr);
  const bool tells_of_expiry = events_.is_on() && events_.tells_of_expiry();
  shard_.keyspace().set_expiry_listener(tells_of_expiry ? &events_ : nullptr);
}

// Where answers do not wait for the disk, neither do events.
log::Position Messaging::position_of_change() const {
  const bool waits = shared_.config.log.durability == log::Durability::always &&
                     !shared_.config.mutations.notices_do_not_wait;
  return waits ? shard_.log().emitted_position() : 0;
}

// What other cores tell waits there while too much waits here.
void Messaging::receive() {
  if (!subscriptions_.has_room()) return;
  notices_.receive([this](const Notice& notice) { take(notice); });
}

void Messaging::take(const Notice& notice) {
  switch (notice.kind) {
    case Notice::Kind::request:
      return show_line(notice.text);
    case Notice::Kind::key_event:
      return publish_event(notice.name, notice.text);
    case Notice::Kind::message:
      subscriptions_.publish(ChannelKind::plain, notice.name, notice.text, steps_);
      return;
    case Notice::Kind::shard_message:
      subscriptions_.publish(ChannelKind::shard, notice.name, notice.text, steps_);
      return;
  }
}

void Messaging::tell_message(ChannelKind channels, std::string_view channel,
                             std::string_view message) {
  const bool is_shard = channels == ChannelKind::shard;
  const Notice::Kind kind = is_shard ? Notice::Kind::shard_message : Notice::Kind::message;
  if (notices_.are_wanted_elsewhere(kind)) notices_.add(kind, channel, message);
}

void Messaging::deliver(log::Position committed, TurnWork& work) {
  const bool has_events = events_.has_work_left(committed);
  if (!has_events && steps_ == 0 && !subscriptions_.has_deliveries()) [[likely]]
    return;
  work.grant(kDeliveryWorkPerTurn);
  work.take(std::exchange(steps_, 0U));
  subscriptions_.deliver(work);
  work.grant(kEventWorkPerTurn);
  if (subscriptions_.has_room()) events_.deliver(committed, work);
}

void Messaging::post(const std::function<void(unsigned)>& posted) {
  notices_.post(posted);
}

std::uint64_t Messaging::tell(std::string_view event, std::string_view key) {
  publish_event(event, key);
  if (notices_.are_wanted_elsewhere(Notice::Kind::key_event)) {
    notices_.add(Notice::Kind::key_event, event, key);
  }
  constexpr std::uint64_t kWorkToTell = 500;
  return kWorkToTell + std::exchange(steps_, 0U);
}

void Messaging::publish_event(std::string_view event, std::string_view key) {
  if (!subscriptions_.has_listeners()) return;
  if ((event_classes_ & commands::key_event_bit('K')) != 0) {
    subscriptions_.publish(ChannelKind::plain, fmt::format("__keyspace@0__:{}", key), event,
                           steps_);
  }
  if ((event_classes_ & commands::key_event_bit('E')) != 0) {
    subscriptions_.publish(ChannelKind::plain, fmt::format("__keyevent@0__:{}", event), key,
                           steps_);
  }
}

void Messaging::show(const PendingRequest& pending) {
  const commands::Command* const command = pending.command;
  if (command == nullptr || pending.fault != Fault::none) return;
  if (!is_shown_to_monitors(*command)) return;
  const std::string line = monitor_line(*command, pending.request.args,
                                        clients_.address_of(*pending.session), clock_.wall_ms());
  show_line(line);
  if (notices_.are_wanted_elsewhere(Notice::Kind::request)) {
    notices_.add(Notice::Kind::request, {}, line);
  }
}

void Messaging::show_line(std::string_view line) {
  if (monitors_.empty()) return;
  const std::array<std::string_view, 1> words{line};
  Push push(words, Push::Form::line);
  for (auto* session : monitors_) (void)pusher_.send(*session, push);  // It may be closing.
}

void Messaging::start_monitoring(Session& session) {
  if (session.client.is_monitor) return;
  session.client.is_monitor = true;
  monitors_.push_back(&session);
  board_.set_wanted(core_, Notice::Kind::request, true);
}

void Messaging::stop_monitoring(Session& session) {
  if (!session.client.is_monitor) return;
  session.client.is_monitor = false;
  monitors_.erase(std::find(monitors_.begin(), monitors_.end(), &session));
  if (monitors_.empty()) board_.set_wanted(core_, Notice::Kind::request, false);
}

void Messaging::subscriptions_changed() {
  metrics_.channels.set(subscriptions_.names_count(ChannelKind::plain));
  metrics_.patterns.set(subscriptions_.names_count(ChannelKind::pattern));
  using Kind = Notice::Kind;
  board_.set_wanted(core_, Kind::key_event, subscriptions_.has_listeners());
  board_.set_wanted(core_, Kind::message, subscriptions_.has_listeners());
  board_.set_wanted(core_, Kind::shard_message, subscriptions_.has_shard_listeners());
}

void Messaging::closing(Session& session) {
  stop_monitoring(session);
  if (!session.subscriptions) return;
  if (!session.ignores_input) subscriptions_.catch_up(session);  // It goes on: see Core::reset.
  subscriptions_.forget(session);
  subscriptions_changed();
}

}  // namespace phoenix::server
