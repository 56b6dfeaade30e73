// Who of this core's sessions has subscribed to what. A message costs a look-up of its channel, a
// match against every pattern, and a place in the output of each subscriber: at once for a few, in
// slices for many (deliveries.h). To unsubscribe takes constant time, whatever the number of
// subscribers.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/channels.h"
#include "phoenix/commands/command.h"
#include "phoenix/commands/pattern.h"
#include "phoenix/server/budget.h"
#include "phoenix/server/deliveries.h"

namespace phoenix::server {

class Session;
using commands::ChannelKind;

struct Channel;

/// One session's part in one channel.
struct Subscription {
  Channel* channel = nullptr;
  std::size_t place = 0;  // Among the channel's members.
};

/// A session's subscriptions, by name; the names are the channels' own.
struct SessionSubscriptions {
  using ByName = std::map<std::string_view, Subscription>;

  std::size_t count() const { return by_kind[0].size() + by_kind[1].size() + by_kind[2].size(); }

  std::array<ByName, commands::kChannelKinds> by_kind;
  std::uint64_t bytes = 0;      // That all of them have taken.
  std::uint64_t caught_up = 0;  // The newest message there was when it was given all that waited.
};

/// A name that somebody has subscribed to; it goes with its last subscriber.
struct Channel {
  struct Member {
    Session* session = nullptr;
    Subscription* subscription = nullptr;
    std::uint64_t seen = 0;  // The number of the last message that it got or was too late for.
  };

  std::string_view name;  // The key under which it is filed.
  std::unique_ptr<commands::Pattern> pattern;
  std::vector<Member> members;
};

class Subscriptions final : public commands::Channels {
 public:
  using Subscribed = commands::SessionControl::Subscribed;
  /// Subscribers that a message reaches at once, if no other one waits.
  static constexpr std::uint64_t kReceiversAtOnceMax = 128;

  /// `budget` and `buffers` are the core's, and outlive this.
  Subscriptions(Deliver deliver, BufferBytes& buffers, const MemoryBudget* budget)
      : deliver_(deliver),
        buffers_(buffers),
        budget_(budget),
        deliveries_(std::move(deliver), buffers) {}

  Subscribed subscribe(Session& session, ChannelKind kind, std::string_view name);
  void unsubscribe(Session& session, ChannelKind kind, std::string_view name);
  /// The session ends, or begins anew: it gets nothing more.
  void forget(Session& session);
  /// Sends it what has been published and not yet delivered to it.
  void catch_up(Session& session);

  /// Whether messages of plain channels may reach anybody here.
  bool has_listeners() const {
    return !of(ChannelKind::plain).empty() || !of(ChannelKind::pattern).empty();
  }

  /// How many names somebody here has subscribed to.
  std::size_t names_count(ChannelKind kind) const { return of(kind).size(); }
  /// Likewise of shard channels.
  bool has_shard_listeners() const { return !of(ChannelKind::shard).empty(); }

  std::uint64_t publish(ChannelKind kind, std::string_view channel, std::string_view message,
                        std::uint64_t& steps) override;
  bool has_room() const override { return !deliveries_.is_full(); }

  /// Whether messages are on their way to their subscribers; takes them further.
  bool has_deliveries() const { return !deliveries_.empty(); }
  void deliver(TurnWork& work);
  /// What they hold meanwhile.
  std::uint64_t held_bytes() const { return deliveries_.bytes(); }

  std::vector<std::string_view> names(ChannelKind kind) const override;
  std::uint64_t subscribers(ChannelKind kind, std::string_view name) const override;

 private:
  using ByName = std::map<std::string, Channel, std::less<>>;

  ByName& of(ChannelKind kind) { return by_kind_[static_cast<std::size_t>(kind)]; }
  const ByName& of(ChannelKind kind) const { return by_kind_[static_cast<std::size_t>(kind)]; }
  void leave(ChannelKind kind, const Subscription& subscription);
  void find_channels(ChannelKind kind, std::string_view name, std::uint64_t& steps);
  void drop_retired();

  /// A channel that nobody has subscribed to any more, while a message may still name it.
  struct Retired {
    ByName::node_type channel;
    std::uint64_t newest = 0;  // Of the messages that there were then.
  };

  std::array<ByName, commands::kChannelKinds> by_kind_;
  Deliver deliver_;
  BufferBytes& buffers_;
  const MemoryBudget* budget_;
  std::deque<Retired> retired_;
  Deliveries deliveries_;
  std::vector<Channel*> found_;  // By find_channels, of the message that is published.
};

}  // namespace phoenix::server
