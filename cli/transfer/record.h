// What import and export move: a key, its value and when it expires; and how rows of it look.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/limits.h"

namespace phoenix::cli::transfer {

enum class RowFormat : std::uint8_t { csv, json_lines };

struct Record {
  std::string key;
  std::string value;
  std::uint64_t expires_at_ms = 0;  // Unix time; 0: never.
};

/// The longest row: one largest value in base64, or as text whose escapes take less than that.
inline constexpr std::size_t kRowBytesMax = std::size_t{1} << 30U;

/// Names of columns and fields.
inline constexpr std::string_view kKey = "key";
inline constexpr std::string_view kValue = "value";
inline constexpr std::string_view kExpiresAtMs = "expires_at_ms";
inline constexpr std::string_view kBase64 = "base64";             // CSV: which of the two are.
inline constexpr std::string_view kKeyBase64 = "key_base64";      // JSON: in place of "key".
inline constexpr std::string_view kValueBase64 = "value_base64";  // JSON: in place of "value".

}  // namespace phoenix::cli::transfer
