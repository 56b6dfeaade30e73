// The connections of one core, as CLIENT sees them. The server implements it; a command that is for
// all of them runs on every core.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace phoenix::commands {

class SessionControl;

/// Which clients a CLIENT LIST or CLIENT KILL means: those that fit everything that is set.
struct ClientFilter {
  enum class Type : std::uint8_t { any, normal, pubsub, none };  // none: replicas, masters.

  std::vector<std::uint64_t> ids;           // Sorted. Empty: any.
  std::optional<std::string_view> address;  // "ip:port". Unset: any.
  std::optional<std::string_view> local_address;
  Type type = Type::any;
};

class Clients {
 public:
  Clients() = default;
  Clients(const Clients&) = delete;
  Clients& operator=(const Clients&) = delete;
  virtual ~Clients() = default;

  /// Appends a line per client, as CLIENT LIST shows them: a slice of them, from a place on that is
  /// 0 at first. Returns the next one, 0 at the end. Adds to `steps` what it took.
  virtual std::uint64_t list(const ClientFilter& filter, std::uint64_t place, std::string& page,
                             std::uint64_t& steps) = 0;

  /// Closes the connections of this core that fit, without their last replies, and returns how many
  /// there were. The one of `caller` (null: it is on another core) gets its reply first, and is
  /// left alone when `skips_caller`.
  virtual std::uint64_t kill(const ClientFilter& filter, SessionControl* caller,
                             bool skips_caller) = 0;

  /// Holds the requests of this core's sessions (only those that write, or all) for `duration_ms`
  /// from now. Of two pauses the longer time and the stricter kind hold.
  virtual void pause(std::uint64_t duration_ms, bool only_writes) = 0;
  virtual void unpause() = 0;
};

}  // namespace phoenix::commands
