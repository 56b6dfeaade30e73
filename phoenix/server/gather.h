// Joins the answers of several shards to one reply, as the command's row tells.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/commands/command.h"
#include "phoenix/server/output.h"
#include "phoenix/server/wire.h"

namespace phoenix::server {

class Session;
struct SlicedRequest;

/// One request whose keys live on several cores, until its last part has come back.
struct Gathering {
  const commands::Command* command = nullptr;
  Session* session = nullptr;
  Run* run = nullptr;
  SlicedRequest* sliced = nullptr;  // It is a slice of this, and has no run:
  std::uint32_t slice = 0;          // this one.
  ReplyHead head;                   // Of the joined reply; the parts are native frames.
  std::uint32_t parts_missing = 0;
  std::size_t place = 0;       // Among the core's Gatherings.
  std::uint64_t bytes = 0;     // Of the frames that it took, in the core's sum.
  log::Position position = 0;  // Of the part that ran on the home core.
  // 0: it is answered when it is complete. Else (Command::patience_ms) once it is durable, too, and
  // at this time at the latest; then `run` is null, and the rest is waited for in vain.
  std::uint64_t deadline_ns = 0;

  std::int64_t sum = 0;
  bool has_success = false;                           // At least one part was executed.
  std::string error;                                  // The first error's whole reply frame.
  std::vector<std::vector<std::uint32_t>> key_order;  // Per part: which keys it has, by their rank.
  std::vector<std::string> items;                     // Per key: its item, as a nested value.
  std::vector<std::string> frames;                    // By core, for the row's own merge.
};

/// Takes the reply frame of part `part`.
void gather_part(Gathering& gathering, std::uint32_t part, std::string_view frame);

/// What an error says whose request was executed in part: "nothing was changed" would be untrue.
inline constexpr std::string_view kPartlyRefused =
    "a core had no room for its part: the other keys may have been changed; make room, and repeat "
    "the request";

/// Answers what the reply frame of an error says, or that, when some of it was done.
void answer_error_frame(std::string_view frame, bool is_partly_done, commands::ReplySink& reply);

/// Answers the joined reply, once no part is missing.
void answer_gathered(const Gathering& gathering, commands::ReplySink& reply);

/// Says what a native reply frame of our own says.
void answer_frame(std::string_view frame, commands::ReplySink& reply);

}  // namespace phoenix::server
