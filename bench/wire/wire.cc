#include "bench/wire/wire.h"

#include <array>
#include <utility>

#include <fmt/format.h>

#include "bench/wire/wires.h"

namespace phoenix::bench {
namespace {

constexpr std::array<std::pair<Protocol, std::string_view>, 4> kNames{{
    {Protocol::native, "native"},
    {Protocol::resp, "resp"},
    {Protocol::memcached_text, "memcached"},
    {Protocol::memcached_meta, "memcached-meta"},
}};

}  // namespace

std::string_view name_of(Protocol protocol) {
  for (const auto& [each, name] : kNames) {
    if (each == protocol) return name;
  }
  return {};
}

Result<Protocol> parse_protocol(std::string_view name) {
  for (const auto& [protocol, each] : kNames) {
    if (each == name) return protocol;
  }
  return fail(
      ErrorCode::invalid,
      fmt::format("--protocol {}: it takes native, resp, memcached or memcached-meta", name));
}

std::vector<std::string> multi_get_words(const Keys& keys, const Request& request) {
  std::vector<std::string> words{"MGET"};
  for (std::uint64_t i = 0; i < request.keys; ++i) {
    const std::uint64_t number = keys.behind(request.key, i);
    std::string& key = words.emplace_back(keys.bytes_of(number), '\0');
    keys.write(key.data(), number);
  }
  return words;
}

std::unique_ptr<Wire> make_wire(Protocol protocol, const RequestShape& shape) {
  switch (protocol) {
    case Protocol::native:
      break;
    case Protocol::resp:
      return make_resp_wire(shape);
    case Protocol::memcached_text:
      return make_memcached_text_wire(shape);
    case Protocol::memcached_meta:
      return make_memcached_meta_wire(shape);
  }
  return make_native_wire(shape);
}

}  // namespace phoenix::bench
