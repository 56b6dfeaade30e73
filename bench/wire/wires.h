// What the protocols have in common behind make_wire(), and nobody else needs.
#pragma once

#include <charconv>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "bench/wire/wire.h"

namespace phoenix::bench {

std::unique_ptr<Wire> make_native_wire(const RequestShape& shape);
std::unique_ptr<Wire> make_resp_wire(const RequestShape& shape);
std::unique_ptr<Wire> make_memcached_text_wire(const RequestShape& shape);
std::unique_ptr<Wire> make_memcached_meta_wire(const RequestShape& shape);

/// The request's keys, "MGET" before them.
std::vector<std::string> multi_get_words(const Keys& keys, const Request& request);

/// Copies text to a place with enough room; the end of what was written.
inline char* put(char* at, std::string_view text) {
  std::memcpy(at, text.data(), text.size());
  return at + text.size();
}
inline char* put_number(char* at, std::uint64_t number) {
  constexpr std::size_t kDigitsMax = 20;
  return std::to_chars(at, at + kDigitsMax, number).ptr;
}

}  // namespace phoenix::bench
