// One client as commands see it: what it said of itself, and what it asked of its connection.
#pragma once

#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

namespace phoenix::commands {

/// Which protocol a session's replies are in.
enum class Wire : std::uint8_t { native, resp2, resp3 };

/// What is kept of a client beside its bytes. Lives in its session.
struct Client {
  std::uint64_t id = 0;  // Of one server, over all cores: later ones have larger ids.
  std::string name;      // CLIENT SETNAME, HELLO.
  std::string library_name;
  std::string library_version;
  bool is_monitor = false;           // Sees every request that is executed.
  bool is_evictable = true;          // CLIENT NO-EVICT; nothing is evicted, so it is only shown.
  bool touches_keys = true;          // CLIENT NO-TOUCH; likewise.
  bool replies_are_off = false;      // CLIENT REPLY OFF.
  std::uint8_t replies_to_skip = 0;  // CLIENT REPLY SKIP: its own, and that of the next request.

  /// Asked once for each reply: whether it is left out.
  bool mutes_reply() {
    if (replies_to_skip == 0) [[likely]]
      return replies_are_off;
    --replies_to_skip;
    return true;
  }
};

/// Whether what a client gives as its name may stand in a line of a list: no blanks, and nothing
/// that does not print.
inline bool is_client_text(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= '!' && c <= '~'; });
}

}  // namespace phoenix::commands
