// One port serves every protocol, so the first bytes of a connection decide which one it speaks.
// What is sure to be something else is named, so that the server can say so and close: above all
// HTTP, because a browser that could reach this port must not be able to smuggle commands in.
//
// Invariants: pure; a decision depends on at most kDetectBytesMax bytes; once a decision is made,
// no further byte would change it; a whole line always decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace phoenix::protocol {

/// With this many bytes detect() never asks for more.
inline constexpr std::size_t kDetectBytesMax = 16;

enum class Detected : std::uint8_t {
  need_more,             // Too few bytes to tell: call again with all of them and some more.
  native,                // Magic 0xF1: the version of binary.h.
  native_other_version,  // 0xF0, 0xF2 to 0xFF: a native client of a version unknown here.
  resp,                  // '*', or the text of an inline command.
  http,                  // A request line or a Host header: not served on this port.
  tls,                   // A TLS hello: this port speaks plain text.
  garbage,               // Nothing that is known.
};

/// Judges the first bytes of a connection: all that arrived so far, or at least the first
/// kDetectBytesMax of them.
[[nodiscard]] Detected detect(std::string_view first_bytes);

}  // namespace phoenix::protocol
