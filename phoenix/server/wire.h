// Which protocol a session speaks, and so how its replies are encoded.
#pragma once

#include <cstdint>
#include <string_view>

#include "phoenix/commands/client.h"

namespace phoenix::server {

using commands::Wire;

constexpr bool is_resp(Wire wire) {
  return wire != Wire::native;
}

/// What follows a large value that is sent from where it lies.
constexpr std::string_view tail_of(Wire wire) {
  return is_resp(wire) ? std::string_view("\r\n") : std::string_view();
}

/// Whose reply it is: RESP has no ids.
struct ReplyHead {
  Wire wire = Wire::native;
  std::uint32_t id = 0;
};

}  // namespace phoenix::server
