#include "phoenix/commands/reply_sink.h"

#include <array>
#include <charconv>
#include <cmath>

namespace phoenix::commands {

std::string_view format_real(double value, std::span<char, 40> room) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  const auto [end, error] = std::to_chars(room.data(), room.data() + room.size(), value);
  return {room.data(), static_cast<std::size_t>(end - room.data())};
}

void ReplySink::real(double value) {
  std::array<char, 40> room{};
  bytes(format_real(value, room));
}

}  // namespace phoenix::commands
