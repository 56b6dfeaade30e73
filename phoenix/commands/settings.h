// What CONFIG tells and changes: one object for all cores of a server.
//
// Values that change while the server runs are numbers that any core may read at any time; whoever
// needs one often keeps a copy and looks at version() once per turn. Of two changes at the same
// time each parameter has one of both values. Everything else is a fact of the start.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/commands/command.h"

namespace phoenix::commands {

/// What can be changed.
enum class Setting : std::uint8_t {
  memory_bytes_max,      // Of all cores together; 0: no limit.
  clients_max,           // Connections.
  client_timeout_s,      // Idle ones are closed after this; 0: never.
  slow_log_us,           // Requests that take as long are kept; below 0: none.
  slow_log_entries_max,  // In all.
  tells_latencies,       // INFO has how long commands took.
  latency_ms,            // Events that take as long are kept; 0: none.
  key_events,            // KeyEventSet: which changes of keys are told.
  pubsub_output_bytes,   // A subscriber with as much unread is cut off; 0: no limit.
  pubsub_soft_bytes,     // As much, for as long as this: cut off as well; 0: no limit.
  pubsub_soft_s,
  replica_output_bytes,  // Likewise of replicas: there are none.
  replica_soft_bytes,
  replica_soft_s,
  replicas_least,     // To write; there are none: above 0 nothing is written,
  replica_lag_s_max,  // unless this is 0.
  active_expiry,      // 0: what has expired goes only when it was asked for (DEBUG).
  unused_first,       // From here on nothing looks at them (settings_table.cc).
  count = unused_first + 48,
};

/// Redis's letters for classes of events, as bits.
using KeyEventSet = std::uint32_t;
/// The bit of a letter: K and E say how it is told, the others (g $ x ...) of what. 0: no such.
KeyEventSet key_event_bit(char letter);
/// What "KEA" says; nothing when a letter is unknown.
std::optional<KeyEventSet> parse_key_events(std::string_view letters);
std::string format_key_events(KeyEventSet events);

/// Bytes as "100mb", "1k" (1000), "1kb" (1024), as Redis takes them; saturates at 2^63 - 1.
std::optional<std::int64_t> parse_memory(std::string_view word);

/// Of what AUTH asks for.
inline constexpr std::size_t kPasswordBytesMax = 512;

class Settings final {
 public:
  Settings();
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  std::int64_t get(Setting setting) const {
    return values_[static_cast<std::size_t>(setting)].load(std::memory_order_relaxed);
  }
  KeyEventSet key_events() const { return static_cast<KeyEventSet>(get(Setting::key_events)); }
  /// Whether writes are to be refused: with fewer replicas than asked for.
  bool lacks_replicas() const {
    return get(Setting::replicas_least) > 0 && get(Setting::replica_lag_s_max) > 0;
  }
  /// Another number after each change. What was changed before is seen by who sees it.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  void set(Setting setting, std::int64_t value);

  /// What AUTH asks for; empty: nothing.
  std::string password() const { return text(Text::password); }
  bool has_password() const { return has_password_.load(std::memory_order_acquire); }
  void set_password(std::string_view password) { set_text(Text::password, password); }

  /// Of the times of each command, those that INFO tells: from 0 to 100.
  std::vector<double> percentiles() const;

  // Before the server serves:
  /// From here on a password can be changed, but not removed.
  void keep_password() { keeps_password_ = true; }
  /// What CONFIG tells and never changes.
  void set_fact(std::string_view name, std::string value);
  /// What the system has room for.
  void set_clients_most(std::int64_t clients) { clients_most_ = clients; }

  /// The parameters that `patterns` name, in pairs of name and value, each once. A name without
  /// wildcards is shown as it was asked for.
  std::vector<std::pair<std::string, std::string>> matching(Args patterns) const;

  /// Sets pairs of name and value: all of them, or none and the error's text.
  tl::expected<void, std::string> change(Args pairs);

 private:
  struct Change {
    Setting setting;
    std::int64_t value;
  };
  enum class Text : std::uint8_t {
    password,
    replica_password,
    replica_user,
    snapshots,
    percentiles,
    count
  };
  static std::optional<Text> text_named(std::string_view name);
  std::string text(Text which) const;
  void set_text(Text which, std::string_view value);

  using Refusal = std::optional<std::string>;

  std::string value_of(std::string_view name) const;
  bool is_known(std::string_view name) const;
  Refusal check_names(Args pairs) const;
  Refusal read(std::string_view name, std::string_view word, std::vector<Change>& changes) const;
  Refusal check_text(Text which, std::string_view word) const;
  Refusal read_limits(std::string_view word, std::vector<Change>& changes) const;

  std::array<std::atomic<std::int64_t>, static_cast<std::size_t>(Setting::count)> values_{};
  std::atomic<std::uint64_t> version_{1};
  std::map<std::string, std::string, std::less<>> facts_;
  std::int64_t clients_most_;
  // Whoever has read one keeps it, while another takes its place.
  using SharedText = std::atomic<std::shared_ptr<const std::string>>;
  std::array<SharedText, static_cast<std::size_t>(Text::count)> texts_{};
  std::atomic<bool> has_password_{false};
  bool keeps_password_ = false;
};

}  // namespace phoenix::commands
