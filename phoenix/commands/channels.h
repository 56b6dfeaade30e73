// Channels as handlers see them: who has subscribed to what, and messages for them. The server
// implements it for the sessions of one core; a message for all is published on every core.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace phoenix::commands {

/// What a subscription names. Each has names of its own: a message for a shard channel does not
/// reach who subscribed to a plain one.
enum class ChannelKind : std::uint8_t { plain, pattern, shard };
inline constexpr std::size_t kChannelKinds = 3;

class Channels {
 public:
  Channels() = default;
  Channels(const Channels&) = delete;
  Channels& operator=(const Channels&) = delete;
  virtual ~Channels() = default;

  /// Hands a message to this core's subscribers, at once or bit by bit, and returns how many there
  /// are; one that has several patterns that match counts for each. A plain channel's message
  /// reaches patterns, too. Adds to `steps` what it took. `kind` is not `pattern`.
  virtual std::uint64_t publish(ChannelKind kind, std::string_view channel,
                                std::string_view message, std::uint64_t& steps) = 0;

  /// False: so many messages are on their way to their subscribers that whoever publishes should
  /// wait.
  virtual bool has_room() const = 0;

  /// What this core's sessions have subscribed to, each once, sorted. Valid until a change.
  virtual std::vector<std::string_view> names(ChannelKind kind) const = 0;

  /// Subscriptions of this core to one name.
  virtual std::uint64_t subscribers(ChannelKind kind, std::string_view name) const = 0;
};

}  // namespace phoenix::commands
