// A command of many keys while it is run slice by slice (router_slices.cc).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "phoenix/server/session.h"

namespace phoenix::server {

/// Its words are in its session's input, which lives until it is answered (Session::hops), and its
/// session runs nothing else meanwhile.
struct SlicedRequest {
  explicit SlicedRequest(const PendingRequest& request)
      : pending(request),
        words(request.session->words_in_slices()),
        keys(key_range(*request.command, words.count()).count()) {}

  bool has_slice() const { return error.empty() && !words.empty(); }
  bool is_complete() const { return away == 0 && !has_slice(); }

  PendingRequest pending;
  WordSlices& words;      // Those that are still to be run.
  std::size_t keys;       // Of all of it.
  std::size_t place = 0;  // In the router's list.
  std::uint32_t begun = 0;
  std::size_t away = 0;  // Slices that were begun, and of which a part is on another core.
  // The last attempt found no room, in the log or on the way to a core, until Router::retry_slices.
  bool is_blocked = false;
  std::uint64_t took_ns = 0;

  // What came of it so far.
  bool has_success = false;
  std::string error;           // The first one's whole reply frame: no further slice is begun.
  log::Position position = 0;  // Of this core's parts.
  std::int64_t sum = 0;
  std::vector<std::string> items;  // By slice: its items, as the client gets them.
  std::uint64_t bytes = 0;         // Of items, in the core's sum.
};

}  // namespace phoenix::server
