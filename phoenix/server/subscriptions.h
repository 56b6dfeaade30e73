// Who of this core's sessions has subscribed to what. A message costs a look-up of its channel, a
// match against every pattern, and a copy into the output of each subscriber; to unsubscribe takes
// constant time, whatever the number of subscribers.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/channels.h"
#include "phoenix/commands/command.h"
#include "phoenix/commands/pattern.h"
#include "phoenix/server/budget.h"

namespace phoenix::server {

class Session;
class Push;
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
  std::uint64_t bytes = 0;  // That all of them have taken.
};

/// A name that somebody has subscribed to; it goes with its last subscriber.
struct Channel {
  struct Member {
    Session* session = nullptr;
    Subscription* subscription = nullptr;
  };

  std::string_view name;  // The key under which it is filed.
  std::unique_ptr<commands::Pattern> pattern;
  std::vector<Member> members;
};

/// Takes a message to one session. False: it is closing.
using Deliver = std::function<bool(Session&, Push&)>;

class Subscriptions final : public commands::Channels {
 public:
  using Subscribed = commands::SessionControl::Subscribed;

  /// `budget` and `buffers` are the core's, and outlive this.
  Subscriptions(Deliver deliver, BufferBytes& buffers, const MemoryBudget* budget)
      : deliver_(std::move(deliver)), buffers_(buffers), budget_(budget) {}

  Subscribed subscribe(Session& session, ChannelKind kind, std::string_view name);
  void unsubscribe(Session& session, ChannelKind kind, std::string_view name);
  /// The session ends, or begins anew.
  void forget(Session& session);

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
  std::vector<std::string_view> names(ChannelKind kind) const override;
  std::uint64_t subscribers(ChannelKind kind, std::string_view name) const override;

 private:
  using ByName = std::map<std::string, Channel, std::less<>>;

  ByName& of(ChannelKind kind) { return by_kind_[static_cast<std::size_t>(kind)]; }
  const ByName& of(ChannelKind kind) const { return by_kind_[static_cast<std::size_t>(kind)]; }
  void leave(ChannelKind kind, const Subscription& subscription);
  std::uint64_t hand_out(const Channel& channel, Push& push, std::uint64_t& steps);

  std::array<ByName, commands::kChannelKinds> by_kind_;
  Deliver deliver_;
  BufferBytes& buffers_;
  const MemoryBudget* budget_;
};

}  // namespace phoenix::server
