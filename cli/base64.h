// Base64 (RFC 4648, with padding): how bytes that are no text travel in text. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace phoenix::cli {

[[nodiscard]] std::string base64(std::string_view bytes);

/// None unless `text` is exactly what base64() makes of some bytes: no blanks, all of the padding,
/// no stray bits in the last digit.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);

}  // namespace phoenix::cli
