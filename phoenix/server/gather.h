// Joins the answers of several shards to one reply, as the command's row tells.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/command.h"
#include "phoenix/server/output.h"

namespace phoenix::server {

class Session;

/// One request whose keys live on several cores, until its last part has come back.
struct Gathering {
  const commands::Command* command = nullptr;
  Session* session = nullptr;
  Run* run = nullptr;
  std::uint32_t id = 0;
  std::uint32_t parts_missing = 0;
  std::size_t place = 0;       // In the router's list.
  std::uint64_t bytes = 0;     // Of the frames that it took, in the core's sum.
  log::Position position = 0;  // Of the part that ran on the home core.

  std::int64_t sum = 0;
  bool has_success = false;                           // At least one part was executed.
  std::string error;                                  // The first error's whole reply frame.
  std::vector<std::vector<std::uint32_t>> key_order;  // Per part: which keys it has, by their rank.
  std::vector<std::string> items;                     // Per key: its item, encoded.
  std::vector<std::string> frames;                    // By core, for the row's own merge.
};

/// Takes the reply frame of part `part`.
void gather_part(Gathering& gathering, std::uint32_t part, std::string_view frame);

/// What an error says whose request was executed in part: "nothing was changed" would be untrue.
inline constexpr std::string_view kPartlyRefused =
    "a core had no room for its part: the other keys may have been changed; make room, and repeat "
    "the request";

/// The reply frame, once no part is missing.
std::string gathered_reply(const Gathering& gathering);

}  // namespace phoenix::server
