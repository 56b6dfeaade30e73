// How the ceiling is told from servers that keep what they are given.
#pragma once

namespace phoenix::bench {

/// HELLO's "server" of the ceiling, by which the load generator knows that values mean nothing.
inline constexpr char kCeilingName[] = "phoenix-ceiling";

}  // namespace phoenix::bench
