#include "phoenix/server/deliveries.h"

#include <algorithm>

#include "phoenix/server/session.h"

namespace phoenix::server {

using commands::ChannelKind;

namespace {

constexpr std::uint64_t kWorkPerSend = 4000;    // The kernel does most of it.
constexpr std::uint64_t kWorkPerMessage = 100;  // Beside the send that it leads to.
constexpr std::uint64_t kWorkPerPlace = 16;     // Of who has it, or is not to get it.

// What is looked at for one session in a step.
constexpr std::size_t kMessagesAtOnce = 64;
constexpr std::size_t kChannelsAtOnce = 4;

}  // namespace

MessageWords::MessageWords(const Channel& channel, ChannelKind kind, std::string_view name,
                           std::string_view text) {
  if (channel.pattern) {
    words_ = {"pmessage", channel.name, name, text};
    count_ = 4;
  } else {
    words_ = {kind == ChannelKind::shard ? "smessage" : "message", name, text, {}};
    count_ = 3;
  }
}

std::uint64_t Deliveries::Waiting::bytes() const {
  return sizeof(Waiting) + name.size() + text.size() + channels.size() * sizeof(Channel*);
}

void Deliveries::add(ChannelKind kind, std::string_view name, std::string_view text,
                     const std::vector<Channel*>& channels) {
  Waiting& message = waiting_.emplace_back();
  message.number = ++newest_;
  message.kind = kind;
  message.name = name;
  message.text = text;
  message.channels = channels;
  bytes_ += message.bytes();
  buffers_.channels += message.bytes();
}

Push& Deliveries::Waiting::push_for(std::size_t index) {
  const std::size_t place = index - channel;
  if (pushes.size() <= place) pushes.resize(place + 1);
  auto& pushed = pushes[place];
  if (!pushed) pushed = std::make_unique<Pushed>(*channels[index], kind, name, text);
  return pushed->push;
}

// Members are walked over from the last to the first. Who leaves is replaced by the last one, which
// has been visited, or came later: so nobody is passed over, and numbers tell who comes up twice.
std::uint64_t Deliveries::give_next(Waiting& message) {
  Channel& channel = *message.channels[message.channel];
  message.places = std::min(message.places, channel.members.size());
  if (message.places == 0) {
    if (!message.pushes.empty()) message.pushes.pop_front();
    message.places = kAll;
    ++message.channel;
    return kWorkPerPlace;
  }
  const Channel::Member& member = channel.members[--message.places];
  if (member.seen >= message.number) return kWorkPerPlace;
  return kWorkPerSend + give_all(*member.session, kMessagesAtOnce, kChannelsAtOnce);
}

// All that waits for a session, in order, but nothing behind a message that more channels get.
std::uint64_t Deliveries::give_all(Session& session, std::size_t messages_max,
                                   std::size_t channels_max) {
  std::uint64_t work = 0;
  const std::size_t messages = std::min(messages_max, waiting_.size());
  for (std::size_t i = 0; i < messages; ++i) {
    Waiting& message = waiting_[i];
    const std::size_t channels = message.channels.size() - message.channel;
    const std::size_t end = message.channel + std::min(channels, channels_max);
    for (std::size_t index = message.channel; index < end; ++index) {
      work += kWorkPerPlace;
      if (give(session, message, index)) work += kWorkPerMessage + message.text.size();
    }
    if (channels > channels_max) break;
  }
  return work;
}

bool Deliveries::give(Session& session, Waiting& message, std::size_t index) {
  Channel& channel = *message.channels[index];
  const ChannelKind kind = channel.pattern ? ChannelKind::pattern : message.kind;
  const auto& own = session.subscriptions->by_kind[static_cast<std::size_t>(kind)];
  const auto found = own.find(channel.name);
  if (found == own.end() || found->second.channel != &channel) return false;
  Channel::Member& member = channel.members[found->second.place];
  if (member.seen >= message.number) return false;
  member.seen = message.number;
  (void)deliver_(session, message.push_for(index));  // It was counted when it was published.
  return true;
}

void Deliveries::step(TurnWork& work) {
  while (!waiting_.empty() && !work.is_spent()) {
    if (waiting_.front().is_done()) {
      drop_done();
    } else {
      work.take(give_next(waiting_.front()));
    }
  }
}

std::uint64_t Deliveries::finish_oldest() {
  std::uint64_t work = 0;
  Waiting& message = waiting_.front();
  while (!message.is_done()) work += give_next(message);
  drop_done();
  return work;
}

void Deliveries::drop_done() {
  const std::uint64_t bytes = waiting_.front().bytes();
  bytes_ -= bytes;
  buffers_.channels -= bytes;
  waiting_.pop_front();
}

void Deliveries::catch_up(Session& session) {
  std::uint64_t& caught_up = session.subscriptions->caught_up;
  if (waiting_.empty() || caught_up == newest_) return;
  caught_up = newest_;
  (void)give_all(session, kAll, kAll);
}

}  // namespace phoenix::server
