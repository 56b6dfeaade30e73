// Channels: messages from whoever publishes to whoever has subscribed. Nothing is kept of them.
#include <algorithm>
#include <array>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "phoenix/commands/container_help.h"
#include "phoenix/commands/core_control.h"
#include "phoenix/commands/pattern.h"
#include "phoenix/commands/table.h"

namespace phoenix::commands {
namespace {

using protocol::Status;

struct KindNames {
  std::string_view subscribed;
  std::string_view unsubscribed;
};

constexpr KindNames names_of(ChannelKind kind) {
  if (kind == ChannelKind::plain) return {"subscribe", "unsubscribe"};
  if (kind == ChannelKind::pattern) return {"psubscribe", "punsubscribe"};
  return {"ssubscribe", "sunsubscribe"};
}

// As clients are told it: channels and patterns count together, shard channels alone.
std::size_t told_count(const SessionControl& session, ChannelKind kind) {
  if (kind == ChannelKind::shard) return session.subscriptions(kind);
  return session.subscriptions(ChannelKind::plain) + session.subscriptions(ChannelKind::pattern);
}

void subscribe_one(Context& context, ChannelKind kind, std::string_view name) {
  switch (context.session->subscribe(kind, name)) {
    case SessionControl::Subscribed::too_many:
      return context.reply.error(Status::error,
                                 "too many subscriptions of one connection: open another");
    case SessionControl::Subscribed::out_of_memory:
      return context.reply.error(Status::out_of_memory,
                                 "command not allowed when used memory > 'maxmemory'.");
    case SessionControl::Subscribed::done:
      break;
  }
  context.reply.begin_push(3);
  context.reply.bytes(names_of(kind).subscribed);
  context.reply.bytes(name);
  context.reply.integer(static_cast<std::int64_t>(told_count(*context.session, kind)));
  context.reply.end();
}

template <ChannelKind kKind>
void subscribe(Context& context, const Request& request) {
  const Args names = request.args.subspan(1);
  context.reply.begin_replies(static_cast<std::uint32_t>(names.size()));
  for (const auto name : names) subscribe_one(context, kKind, name);
  context.reply.end_replies();
}

void tell_unsubscribed(Context& context, ChannelKind kind, const std::string* name) {
  context.reply.begin_push(3);
  context.reply.bytes(names_of(kind).unsubscribed);
  if (name != nullptr) {
    context.reply.bytes(*name);
  } else {
    context.reply.nil();
  }
  context.reply.integer(static_cast<std::int64_t>(told_count(*context.session, kind)));
  context.reply.end();
}

void unsubscribe_one(Context& context, ChannelKind kind, const std::string& name) {
  context.session->unsubscribe(kind, name);
  tell_unsubscribed(context, kind, &name);
}

void unsubscribe_all(Context& context, ChannelKind kind) {
  const std::size_t count = context.session->subscriptions(kind);
  constexpr std::uint64_t kStepsEach = 200;
  context.steps += count * kStepsEach;
  context.reply.begin_replies(static_cast<std::uint32_t>(std::max<std::size_t>(count, 1)));
  if (count == 0) tell_unsubscribed(context, kind, nullptr);
  while (context.session->subscriptions(kind) > 0) {
    unsubscribe_one(context, kind, std::string(context.session->first_subscription(kind)));
  }
  context.reply.end_replies();
}

template <ChannelKind kKind>
void unsubscribe(Context& context, const Request& request) {
  const Args names = request.args.subspan(1);
  if (names.empty()) return unsubscribe_all(context, kKind);
  context.reply.begin_replies(static_cast<std::uint32_t>(names.size()));
  for (const auto name : names) unsubscribe_one(context, kKind, std::string(name));
  context.reply.end_replies();
}

template <ChannelKind kKind>
void publish(Context& context, const Request& request) {
  const std::uint64_t receivers =
      context.core->channels->publish(kKind, request.args[1], request.args[2], context.steps);
  context.reply.integer(static_cast<std::int64_t>(receivers));
}

template <ChannelKind kKind>
void list_channels(Context& context, const Request& request) {
  if (request.args.size() > 3) {
    return context.reply.error(Status::error,
                               fmt::format("unknown subcommand or wrong number of arguments for "
                                           "'{}'. Try PUBSUB HELP.",
                                           request.args[1].substr(0, 128)));
  }
  std::vector<std::string_view> names = context.core->channels->names(kKind);
  if (request.args.size() == 3) {
    Pattern pattern(request.args[2]);
    std::erase_if(names, [&pattern](std::string_view name) { return !pattern.matches(name); });
    context.steps += pattern.steps();
  }
  context.reply.begin_list(static_cast<std::uint32_t>(names.size()));
  for (const auto name : names) context.reply.bytes(name);
  context.reply.end();
}

// What the cores know, each name once.
std::vector<std::string_view> united(std::span<const protocol::Value> parts) {
  std::vector<std::string_view> names;
  for (const auto& part : parts) {
    for (const auto& item : part.items) names.push_back(item.bytes);
  }
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  return names;
}

void unite_channels(std::span<const protocol::Value> parts, ReplySink& reply) {
  const auto names = united(parts);
  reply.begin_list(static_cast<std::uint32_t>(names.size()));
  for (const auto name : names) reply.bytes(name);
  reply.end();
}

template <ChannelKind kKind>
void count_subscribers(Context& context, const Request& request) {
  const Args names = request.args.subspan(2);
  context.reply.begin_list(static_cast<std::uint32_t>(2 * names.size()));
  for (const auto name : names) {
    context.reply.bytes(name);
    context.reply.integer(
        static_cast<std::int64_t>(context.core->channels->subscribers(kKind, name)));
  }
  context.reply.end();
}

// All parts have the same names in the same order.
void add_subscribers(std::span<const protocol::Value> parts, ReplySink& reply) {
  const std::size_t items = parts.front().items.size();
  reply.begin_list(static_cast<std::uint32_t>(items));
  for (std::size_t i = 0; i + 1 < items; i += 2) {
    std::int64_t sum = 0;
    for (const auto& part : parts) sum += part.items[i + 1].integer;
    reply.bytes(parts.front().items[i].bytes);
    reply.integer(sum);
  }
  reply.end();
}

// Several cores may have the same pattern: only with all names at hand can they be counted.
void count_patterns(Context& context, const Request&) {
  const auto names = context.core->channels->names(ChannelKind::pattern);
  if (context.core->cores == 1) {
    return context.reply.integer(static_cast<std::int64_t>(names.size()));
  }
  context.reply.begin_list(static_cast<std::uint32_t>(names.size()));
  for (const auto name : names) context.reply.bytes(name);
  context.reply.end();
}

void count_united(std::span<const protocol::Value> parts, ReplySink& reply) {
  reply.integer(static_cast<std::int64_t>(united(parts).size()));
}

void pubsub_help(Context& context, const Request&) {
  answer_container_help(context, "PUBSUB");
}

constexpr Flags kSubscribes =
    Flags::session | Flags::when_subscribed | Flags::not_in_multi | Flags::pubsub;

constexpr auto kCommands = std::to_array<Command>({
    {.name = "PSUBSCRIBE",
     .arity = -2,
     .flags = kSubscribes,
     .usage = "PSUBSCRIBE pattern [pattern ...]",
     .summary = "Sends this connection the messages of all channels whose names match.",
     .since = "0.1",
     .example = "PSUBSCRIBE news.* => [[\"psubscribe\", \"news.*\", (integer) 1]]",
     .run = subscribe<ChannelKind::pattern>},
    {.name = "PUBLISH",
     .arity = 3,
     .flags = Flags::every_core | Flags::paused_as_write | Flags::pubsub | Flags::fast,
     .gather = Gather::sum,
     .usage = "PUBLISH channel message",
     .summary =
         "Sends a message to whoever has subscribed to the channel, or to a pattern that its "
         "name matches; answers how many.",
     .since = "0.1",
     .example = "PUBLISH news hello => (integer) 0",
     .run = publish<ChannelKind::plain>},
    {.name = "PUBSUB",
     .arity = -2,
     .flags = Flags::container,
     .usage = "PUBSUB",
     .summary = "Tells who has subscribed to what.",
     .since = "0.1",
     .example = "PUBSUB NUMPAT => (integer) 0",
     .run = pubsub_help},
    {.name = "PUBSUB|CHANNELS",
     .arity = -2,
     .flags = Flags::every_core | Flags::pubsub,
     .gather = Gather::by_row,
     .usage = "PUBSUB CHANNELS [pattern]",
     .summary = "Answers the channels that somebody has subscribed to, or those that match.",
     .since = "0.1",
     .example = "PUBSUB CHANNELS news.* => []",
     .run = list_channels<ChannelKind::plain>,
     .merge = unite_channels},
    {.name = "PUBSUB|HELP",
     .arity = 2,
     .flags = Flags::none,
     .usage = "PUBSUB HELP",
     .summary = "Answers the subcommands and what they do.",
     .since = "0.1",
     .example = "PUBSUB HELP => [PUBSUB...]",
     .run = pubsub_help},
    {.name = "PUBSUB|NUMPAT",
     .arity = 2,
     .flags = Flags::every_core | Flags::pubsub,
     .gather = Gather::by_row,
     .usage = "PUBSUB NUMPAT",
     .summary = "Answers how many different patterns have been subscribed to.",
     .since = "0.1",
     .example = "PUBSUB NUMPAT => (integer) 0",
     .run = count_patterns,
     .merge = count_united},
    {.name = "PUBSUB|NUMSUB",
     .arity = -2,
     .flags = Flags::every_core | Flags::pubsub,
     .gather = Gather::by_row,
     .usage = "PUBSUB NUMSUB [channel [channel ...]]",
     .summary = "Answers how many have subscribed to each of the channels, patterns not counted.",
     .since = "0.1",
     .example = "PUBSUB NUMSUB news => [\"news\", (integer) 0]",
     .run = count_subscribers<ChannelKind::plain>,
     .merge = add_subscribers},
    {.name = "PUBSUB|SHARDCHANNELS",
     .arity = -2,
     .flags = Flags::every_core | Flags::pubsub,
     .gather = Gather::by_row,
     .usage = "PUBSUB SHARDCHANNELS [pattern]",
     .summary = "As PUBSUB CHANNELS, of shard channels.",
     .since = "0.1",
     .example = "PUBSUB SHARDCHANNELS => []",
     .run = list_channels<ChannelKind::shard>,
     .merge = unite_channels},
    {.name = "PUBSUB|SHARDNUMSUB",
     .arity = -2,
     .flags = Flags::every_core | Flags::pubsub,
     .gather = Gather::by_row,
     .usage = "PUBSUB SHARDNUMSUB [shardchannel [shardchannel ...]]",
     .summary = "As PUBSUB NUMSUB, of shard channels.",
     .since = "0.1",
     .example = "PUBSUB SHARDNUMSUB => []",
     .run = count_subscribers<ChannelKind::shard>,
     .merge = add_subscribers},
    {.name = "PUNSUBSCRIBE",
     .arity = -1,
     .flags = kSubscribes,
     .usage = "PUNSUBSCRIBE [pattern [pattern ...]]",
     .summary = "Takes back a PSUBSCRIBE, or all of them.",
     .since = "0.1",
     .example = "PUNSUBSCRIBE => [[\"punsubscribe\", (nil), (integer) 0]]",
     .run = unsubscribe<ChannelKind::pattern>},
    {.name = "SPUBLISH",
     .arity = 3,
     .flags = Flags::every_core | Flags::paused_as_write | Flags::pubsub | Flags::fast,
     .gather = Gather::sum,
     .usage = "SPUBLISH shardchannel message",
     .summary = "Sends a message to whoever has subscribed to the shard channel; answers how many.",
     .since = "0.1",
     .example = "SPUBLISH news hello => (integer) 0",
     .run = publish<ChannelKind::shard>},
    {.name = "SSUBSCRIBE",
     .arity = -2,
     .flags = kSubscribes,
     .usage = "SSUBSCRIBE shardchannel [shardchannel ...]",
     .summary = "Sends this connection the messages of the shard channels.",
     .since = "0.1",
     .example = "SSUBSCRIBE news => [[\"ssubscribe\", \"news\", (integer) 1]]",
     .run = subscribe<ChannelKind::shard>},
    {.name = "SUBSCRIBE",
     .arity = -2,
     .flags = kSubscribes,
     .usage = "SUBSCRIBE channel [channel ...]",
     .summary = "Sends this connection the messages of the channels. A RESP2 connection may then "
                "only subscribe, unsubscribe, PING, QUIT and RESET.",
     .since = "0.1",
     .example = "SUBSCRIBE news => [[\"subscribe\", \"news\", (integer) 1]]",
     .run = subscribe<ChannelKind::plain>},
    {.name = "SUNSUBSCRIBE",
     .arity = -1,
     .flags = kSubscribes,
     .usage = "SUNSUBSCRIBE [shardchannel [shardchannel ...]]",
     .summary = "Takes back an SSUBSCRIBE, or all of them.",
     .since = "0.1",
     .example = "SUNSUBSCRIBE news => [[\"sunsubscribe\", \"news\", (integer) 0]]",
     .run = unsubscribe<ChannelKind::shard>},
    {.name = "UNSUBSCRIBE",
     .arity = -1,
     .flags = kSubscribes,
     .usage = "UNSUBSCRIBE [channel [channel ...]]",
     .summary = "Takes back a SUBSCRIBE, or all of them.",
     .since = "0.1",
     .example =
         "SUBSCRIBE news => [...]; UNSUBSCRIBE => [[\"unsubscribe\", \"news\", (integer) 0]]",
     .run = unsubscribe<ChannelKind::plain>},
});
static_assert(all_sound(kCommands), "a row is incomplete or contradicts itself");

}  // namespace

std::span<const Command> pubsub_commands() {
  return kCommands;
}

}  // namespace phoenix::commands
