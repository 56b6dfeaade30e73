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
  constexpr ReplyHead() = default;
  constexpr ReplyHead(Wire its_wire, std::uint32_t its_id) : wire(its_wire), id(its_id) {}

  Wire wire = Wire::native;
  bool is_part = false;  // It will be joined with others: what it says is not said to a client.
  std::uint32_t id = 0;
};
static_assert(sizeof(ReplyHead) == 8);  // Each request hands it on: in one register.

/// Of parts: they are encoded natively.
constexpr ReplyHead part_head() {
  ReplyHead head;
  head.is_part = true;
  return head;
}

}  // namespace phoenix::server
