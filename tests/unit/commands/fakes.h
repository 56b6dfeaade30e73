// What a core does for handlers, without a server: see harness.h.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/channels.h"
#include "phoenix/commands/clients.h"

namespace phoenix::commands::test {

/// Answers what the test has put in, and keeps what was published.
class FakeChannels final : public Channels {
 public:
  std::uint64_t publish(ChannelKind kind, std::string_view channel, std::string_view message,
                        std::uint64_t& steps) override {
    published += std::string(kind == ChannelKind::shard ? "shard " : "") + std::string(channel) +
                 "=" + std::string(message) + ";";
    ++steps;
    return receivers;
  }
  bool has_room() const override { return true; }
  std::vector<std::string_view> names(ChannelKind) const override {
    return {known.begin(), known.end()};
  }
  std::uint64_t subscribers(ChannelKind, std::string_view name) const override {
    return name == "news" ? receivers : 0;
  }

  std::vector<std::string> known;
  std::uint64_t receivers = 0;
  std::string published;
};

/// Keeps what was asked of it.
class FakeClients final : public Clients {
 public:
  std::uint64_t list(const ClientFilter& filter, std::uint64_t place, std::string& page,
                     std::uint64_t&) override {
    last_filter = filter;
    page += "id=1 addr=here\n";
    return place == 0 ? 64 : 0;
  }
  std::uint64_t kill(const ClientFilter& filter, SessionControl* caller, bool skips) override {
    last_filter = filter;
    last_caller = caller;
    skips_caller = skips;
    return killed;
  }
  void pause(std::uint64_t duration_ms, bool only_writes) override {
    pauses += std::to_string(duration_ms) + (only_writes ? "w;" : ";");
  }
  void unpause() override { pauses += "on;"; }

  ClientFilter last_filter;
  SessionControl* last_caller = nullptr;
  bool skips_caller = false;
  std::uint64_t killed = 0;
  std::string pauses;
};

}  // namespace phoenix::commands::test
