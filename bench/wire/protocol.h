// The protocols that servers are loaded over.
#pragma once

#include <cstdint>
#include <string_view>

#include "phoenix/base/result.h"

namespace phoenix::bench {

enum class Protocol : std::uint8_t { native, resp, memcached_text, memcached_meta };

/// "native", "resp", "memcached" or "memcached-meta".
std::string_view name_of(Protocol protocol);
Result<Protocol> parse_protocol(std::string_view name);

constexpr bool is_memcached(Protocol protocol) {
  return protocol == Protocol::memcached_text || protocol == Protocol::memcached_meta;
}

}  // namespace phoenix::bench
