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
  channel.members.push_back({&session, &subscription, deliveries_.newest()});
  session.subscriptions->bytes = bytes_then;
  buffers_.channels += bytes;
  return Subscribed::done;
}

void Subscriptions::unsubscribe(Session& session, ChannelKind kind, std::string_view name) {
  if (!session.subscriptions) return;
  auto& own = session.subscriptions->by_kind[static_cast<std::size_t>(kind)];
  const auto found = own.find(name);
  if (found == own.end()) return;
  catch_up(session);
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
  if (deliveries_.empty()) {
    of(kind).erase(filed);
  } else {
    retired_.push_back({of(kind).extract(filed), deliveries_.newest()});
  }
}

void Subscriptions::catch_up(Session& session) {
  if (session.subscriptions) deliveries_.catch_up(session);
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

// All that the message is for, in the order in which they get it.
void Subscriptions::find_channels(ChannelKind kind, std::string_view name, std::uint64_t& steps) {
  found_.clear();
  const auto found = of(kind).find(name);
  if (found != of(kind).end()) found_.push_back(&found->second);
  if (kind != ChannelKind::plain) return;
  for (auto& [pattern_name, channel] : of(ChannelKind::pattern)) {
    const std::uint64_t before = channel.pattern->steps();
    if (channel.pattern->matches(name)) found_.push_back(&channel);
    steps += channel.pattern->steps() - before + 1;
  }
}

std::uint64_t Subscriptions::publish(ChannelKind kind, std::string_view channel,
                                     std::string_view message, std::uint64_t& steps) {
  constexpr std::uint64_t kStepsEach = 64;
  find_channels(kind, channel, steps);
  std::uint64_t receivers = 0;
  for (const auto* found : found_) receivers += found->members.size();
  if (receivers == 0) return 0;
  if (!deliveries_.empty() || receivers > kReceiversAtOnceMax) {
    // Where publishers could not be made to wait: the bound holds all the same.
    while (deliveries_.is_full()) steps += deliveries_.finish_oldest();
    deliveries_.add(kind, channel, message, found_);
    steps += kStepsEach * found_.size() + message.size();
    return receivers;
  }
  steps += receivers * (kStepsEach + message.size());
  std::uint64_t reached = 0;
  for (const auto* found : found_) {
    const MessageWords words(*found, kind, channel, message);
    Push push(words.words());
    for (const auto& member : found->members) {
      if (deliver_(*member.session, push)) ++reached;
    }
  }
  return reached;
}

void Subscriptions::deliver(TurnWork& work) {
  deliveries_.step(work);
  drop_retired();
}

void Subscriptions::drop_retired() {
  while (!retired_.empty() &&
         (deliveries_.empty() || deliveries_.oldest() > retired_.front().newest)) {
    retired_.pop_front();
  }
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
