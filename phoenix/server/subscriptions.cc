#include "phoenix/server/subscriptions.h"

#include "phoenix/base/check.h"
#include "phoenix/server/push.h"
#include "phoenix/server/session.h"

namespace phoenix::server {
namespace {

// What a subscription takes: its nodes in both maps, its place among the members, and for a pattern
// the rows that it was read into (2 KiB per 64 elements).
std::uint64_t bytes_of(ChannelKind kind, std::string_view name) {
  constexpr std::uint64_t kNodes = 256;
  constexpr std::uint64_t kElements = 64;
  constexpr std::uint64_t kRows = 2048;
  const std::uint64_t rows =
      kind == ChannelKind::pattern ? (name.size() / kElements + 1) * kRows : 0;
  return kNodes + name.size() + rows;
}

}  // namespace

Subscriptions::Subscribed Subscriptions::subscribe(Session& session, ChannelKind kind,
                                                   std::string_view name) {
  if (!session.subscriptions) session.subscriptions = std::make_unique<SessionSubscriptions>();
  auto& own = session.subscriptions->by_kind[static_cast<std::size_t>(kind)];
  if (own.contains(name)) return Subscribed::done;
  const std::uint64_t bytes = bytes_of(kind, name);
  const std::uint64_t bytes_then = session.subscriptions->bytes + bytes;
  const bool is_too_many = session.subscriptions->count() >= kSessionSubscriptionsMax ||
                           bytes_then > kSessionSubscriptionBytesMax;
  if (is_too_many) return Subscribed::too_many;
  if (budget_ != nullptr && budget_->is_full(bytes)) return Subscribed::out_of_memory;
  auto& channels = of(kind);
  auto found = channels.find(name);
  if (found == channels.end()) {
    found = channels.emplace(std::string(name), Channel()).first;
    found->second.name = found->first;
    if (kind == ChannelKind::pattern) {
      found->second.pattern = std::make_unique<commands::Pattern>(name);
    }
  }
  Channel& channel = found->second;
  Subscription& subscription = own[channel.name];
  subscription = {&channel, channel.members.size()};
  channel.members.push_back({&session, &subscription});
  session.subscriptions->bytes = bytes_then;
  buffers_.channels += bytes;
  return Subscribed::done;
}

void Subscriptions::unsubscribe(Session& session, ChannelKind kind, std::string_view name) {
  if (!session.subscriptions) return;
  auto& own = session.subscriptions->by_kind[static_cast<std::size_t>(kind)];
  const auto found = own.find(name);
  if (found == own.end()) return;
  const std::uint64_t bytes = bytes_of(kind, name);
  session.subscriptions->bytes -= bytes;
  buffers_.channels -= bytes;
  const Subscription subscription = found->second;
  own.erase(found);
  leave(kind, subscription);
}

// The last member takes the place that becomes free.
void Subscriptions::leave(ChannelKind kind, const Subscription& subscription) {
  Channel& channel = *subscription.channel;
  channel.members[subscription.place] = channel.members.back();
  channel.members.pop_back();
  if (subscription.place < channel.members.size()) {
    channel.members[subscription.place].subscription->place = subscription.place;
  }
  if (!channel.members.empty()) return;
  const auto filed = of(kind).find(channel.name);
  PHX_CHECK(filed != of(kind).end());
  of(kind).erase(filed);
}

void Subscriptions::forget(Session& session) {
  if (!session.subscriptions) return;
  buffers_.channels -= session.subscriptions->bytes;
  for (std::size_t kind = 0; kind < commands::kChannelKinds; ++kind) {
    // Names may go with their channels: nothing is looked up in here any more.
    for (const auto& [name, subscription] : session.subscriptions->by_kind[kind]) {
      leave(static_cast<ChannelKind>(kind), subscription);
    }
  }
  session.subscriptions.reset();
}

std::uint64_t Subscriptions::hand_out(const Channel& channel, Push& push, std::uint64_t& steps) {
  constexpr std::uint64_t kStepsEach = 64;
  steps += channel.members.size() * (kStepsEach + push.size_bytes_min());
  std::uint64_t receivers = 0;
  for (const auto& member : channel.members) {
    if (deliver_(*member.session, push)) ++receivers;
  }
  return receivers;
}

std::uint64_t Subscriptions::publish(ChannelKind kind, std::string_view channel,
                                     std::string_view message, std::uint64_t& steps) {
  std::uint64_t receivers = 0;
  const auto found = of(kind).find(channel);
  if (found != of(kind).end()) {
    const std::string_view head = kind == ChannelKind::shard ? "smessage" : "message";
    const std::array<std::string_view, 3> words{head, channel, message};
    Push push(words);
    receivers += hand_out(found->second, push, steps);
  }
  if (kind != ChannelKind::plain) return receivers;
  for (auto& [name, filed] : of(ChannelKind::pattern)) {
    const std::uint64_t before = filed.pattern->steps();
    const bool matches = filed.pattern->matches(channel);
    steps += filed.pattern->steps() - before + 1;
    if (!matches) continue;
    const std::array<std::string_view, 4> words{"pmessage", name, channel, message};
    Push push(words);
    receivers += hand_out(filed, push, steps);
  }
  return receivers;
}

std::vector<std::string_view> Subscriptions::names(ChannelKind kind) const {
  std::vector<std::string_view> names;
  names.reserve(of(kind).size());
  for (const auto& [name, channel] : of(kind)) names.push_back(name);
  return names;
}

std::uint64_t Subscriptions::subscribers(ChannelKind kind, std::string_view name) const {
  const auto found = of(kind).find(name);
  return found == of(kind).end() ? 0 : found->second.members.size();
}

}  // namespace phoenix::server
