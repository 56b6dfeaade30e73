// A request of Client, and what the client knows about commands: which have one key, so that it can
// go to the core that owns it, and which only read, so that they can be repeated. What it does not
// know is served all the same: by any core, and once.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/client/pipeline.h"

namespace phoenix::client {

struct Request {
  std::vector<std::string_view> words;
  std::uint16_t flags = 0;  // Of protocol::RequestFlags those for durability.

  /// The key when there is exactly one.
  std::optional<std::string_view> only_key() const;
  /// Asking twice does no more than asking once.
  bool only_reads() const;
  /// The reply has several parts.
  bool streams() const;
};

std::uint16_t flags_of(Durability durability);

/// The words of a SET; `ttl_ms` is where the text of a time to live is kept.
std::vector<std::string_view> set_words(std::string_view key, std::string_view value,
                                        const SetOptions& options, std::string& ttl_ms);

}  // namespace phoenix::client
