#include "phoenix/server/monitor_line.h"

#include <fmt/format.h>

#include "phoenix/commands/words.h"
#include "protocol/limits.h"

namespace phoenix::server {
namespace {

// A reader of RESP takes no longer line; what is cut ends in an open quote and dots.
constexpr std::size_t kLineBytesMax = protocol::kRespLineBytesMax - 1024;

void append_escaped(std::string& line, char c) {
  const auto byte = static_cast<unsigned char>(c);
  switch (c) {
    case '\\':
      line += "\\\\";
      return;
    case '"':
      line += "\\\"";
      return;
    case '\n':
      line += "\\n";
      return;
    case '\r':
      line += "\\r";
      return;
    case '\t':
      line += "\\t";
      return;
    case '\a':
      line += "\\a";
      return;
    case '\b':
      line += "\\b";
      return;
    default:
      break;
  }
  if (byte >= 0x20 && byte < 0x7F) {
    line += c;
  } else {
    line += fmt::format("\\x{:02x}", byte);
  }
}

// Passwords: all words of AUTH, and the two that follow the word AUTH in a HELLO.
bool is_secret(const commands::Command& command, commands::Args args, std::size_t index) {
  if (command.name == "AUTH") return index > 0;
  if (command.name != "HELLO") return false;
  for (std::size_t back = 1; back <= 2 && index >= back + 2; ++back) {
    if (commands::equals_ignoring_case(args[index - back], "AUTH")) return true;
  }
  return false;
}

}  // namespace

bool is_shown_to_monitors(const commands::Command& command) {
  return !has(command.flags, commands::Flags::admin);
}

std::string monitor_line(const commands::Command& command, commands::Args args,
                         std::string_view address, std::int64_t wall_ms) {
  std::string line = fmt::format("{}.{:06} [0 {}]", wall_ms / 1000, wall_ms % 1000 * 1000, address);
  for (std::size_t i = 0; i < args.size(); ++i) {
    line += " \"";
    if (is_secret(command, args, i)) {
      line += "(redacted)\"";
      continue;
    }
    for (const char c : args[i]) {
      if (line.size() > kLineBytesMax) return line + "...";
      append_escaped(line, c);
    }
    line += '"';
  }
  return line;
}

}  // namespace phoenix::server
