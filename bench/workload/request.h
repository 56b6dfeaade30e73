// One request, before any protocol has seen it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace phoenix::bench {

enum class Verb : std::uint8_t { get, set, del, multi_get, replayed };
inline constexpr std::size_t kVerbs = 5;
inline constexpr std::array<std::string_view, kVerbs> kVerbNames{"get", "set", "del", "multi-get",
                                                                 "replayed"};

struct Request {
  Verb verb = Verb::get;
  std::uint8_t keys = 1;  // multi_get: the key and those that follow it in number.
  std::uint64_t key = 0;  // Its number; for replayed that of the command.
};

}  // namespace phoenix::bench
