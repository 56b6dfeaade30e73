// Which refusals of a server concern one row, and which all that would follow.
#pragma once

#include <string>

#include "phoenix/client/connection.h"

namespace phoenix::cli::transfer {

/// What the server said, for a terminal.
[[nodiscard]] inline std::string error_text(const protocol::Value& error) {
  return protocol::printable(protocol::error_line(error));
}

/// Another row may do better. Everything else (no memory, no password, a server that stops or only
/// reads) would meet the next row, too.
[[nodiscard]] inline bool is_about_row(const protocol::Value& error) {
  if (error.status == protocol::Status::too_large) return true;
  const bool is_general = protocol::error_line(error).starts_with("ERR ");
  return error.status == protocol::Status::error && is_general;
}

}  // namespace phoenix::cli::transfer
