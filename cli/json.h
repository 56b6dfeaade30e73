// Values as JSON (RFC 8259), one line each; characters that could steer a terminal are escaped.
// Pure.
#pragma once

#include <string>
#include <string_view>

#include "protocol/binary.h"

namespace phoenix::cli {

/// Without a newline. Text and bytes are strings when they are UTF-8 and {"base64": "..."} (RFC
/// 4648) when not; a map is an object when all its keys are UTF-8 and different, and otherwise a
/// list of pairs.
[[nodiscard]] std::string to_json(const protocol::Value& value);

/// A string, in quotes.
[[nodiscard]] std::string json_string(std::string_view text);

/// The same with no more escapes than JSON needs, for what no terminal gets to see.
[[nodiscard]] std::string json_file_string(std::string_view text);

/// {"error": text}
[[nodiscard]] std::string json_error(std::string_view text);

}  // namespace phoenix::cli
