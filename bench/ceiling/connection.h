// One connection of the ceiling, and where its replies wait until they are sent.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "bench/wire/frame_walker.h"

namespace phoenix::bench {

/// A range of an Arena.
struct ArenaPart {
  std::size_t offset = 0;
  std::size_t bytes = 0;
};

struct CeilingConnection {
  FrameWalker walker;
  std::uint8_t current_type = 0;  // Of the request that is being read.
  std::uint32_t current_id = 0;
  std::uint32_t file = 0;  // Its direct descriptor, and its place in the table.
  std::uint32_t generation = 0;
  bool open = false;
  bool receiving = false;
  bool sending = false;  // From `in_flight`.
  bool closing = false;
  bool dirty = false;  // In the list of those that have something to send.

  ArenaPart part;         // This turn's replies.
  ArenaPart sent;         // The last turn's, given to the kernel.
  std::string pending;    // Replies that could not stay in the arena; come after `in_flight`.
  std::string in_flight;  // Bytes that the kernel is sending, with a wait for room.
};

}  // namespace phoenix::bench
