// Strings as Redis serializes them for DUMP and RESTORE: a type byte, the string in one of its
// forms, and a footer with the version and a checksum. Payloads come from anybody: nothing that
// they declare is believed before it was held against its bounds.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "phoenix/engine/value.h"

namespace phoenix::commands {

/// The string of a payload; views into it.
struct SerializedString {
  enum class Form : std::uint8_t {
    plain,       // `bytes` is the value.
    integer,     // `integer` is, in decimal digits.
    compressed,  // `bytes` is its LZF form.
  };
  Form form = Form::plain;
  std::string_view bytes;
  std::int32_t integer = 0;
  std::uint64_t size_bytes = 0;  // Of the value; of an integer an upper bound.
};

/// Whether version and checksum are there, right, and no newer than Redis 7.0's.
bool has_valid_footer(std::string_view payload);

/// The string of a payload, whose footer need not have been looked at. Nothing for other types and
/// for what is malformed or over its bounds (512 MiB).
std::optional<SerializedString> read_payload(std::string_view payload);

/// Whether it is of a type that Redis has and this server has not.
bool is_of_other_type(std::string_view payload);

/// Decompresses into `out`, which is empty: exactly size_bytes, or false for a malformed one and
/// when the system has no memory.
bool decompress(const SerializedString& string, engine::LargeValue& out);

/// The payload of a value.
std::string serialize(std::string_view value);

/// A payload in its parts: this, the value, and a footer with a checksum (crc64) over all before
/// it.
std::string serialized_head(std::size_t value_bytes);
std::string serialized_footer(std::uint64_t crc);
inline constexpr std::size_t kSerializedFooterBytes = 10;

/// As has_valid_footer, of which `crc` is that of all bytes but the last kSerializedCrcBytes.
bool has_valid_footer(std::string_view payload, std::uint64_t crc);
inline constexpr std::size_t kSerializedCrcBytes = 8;

}  // namespace phoenix::commands
