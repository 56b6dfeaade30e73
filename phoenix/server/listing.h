// A LIST that is being streamed to a session: shard after shard, slice after slice, as fast as the
// client takes it. The whole listing is never in memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/commands/list.h"
#include "protocol/binary.h"

namespace phoenix::server {

/// A client's cursor: where to go on in a shard (its low 16 bits are free), and which shard. On the
/// wire it also tells of how many.
struct ListCursor {
  std::uint64_t place = 0;
  unsigned core = 0;
};

class Listing final {
 public:
  /// Refuses a cursor that was answered with another number of cores.
  static Result<std::unique_ptr<Listing>> begin(commands::Args args, std::uint32_t id,
                                                unsigned cores);

  std::uint32_t id() const { return id_; }
  std::uint16_t flags() const { return flags_; }
  void set_flags(std::uint16_t flags) { flags_ = flags; }
  unsigned core() const { return cursor_.core; }

  /// A slice is being made (perhaps on another core): no second one until it came back.
  bool is_waiting = false;

  /// Words of the request for the next slice; views into this object.
  const std::vector<std::string_view>& next_slice();

  /// Takes the reply frame of a slice and returns the frames for the client: perhaps one with keys,
  /// and the last one when the listing is complete.
  std::string take_slice(std::string_view frame);
  bool is_complete() const { return is_complete_; }

  /// A frame without keys when there has been none for a while, else nothing.
  std::string sign_of_life(std::uint64_t now_ns);

 private:
  Listing() = default;
  std::string part_of(std::span<const protocol::Value> keys);
  void append_end(std::string& frames, std::uint64_t cursor);

  std::uint32_t id_ = 0;
  std::uint16_t flags_ = 0;
  unsigned cores_ = 1;
  std::string pattern_;
  std::uint64_t left_ = 0;  // Keys until LIMIT.
  ListCursor cursor_;
  bool is_complete_ = false;
  std::uint64_t silent_since_ns_ = 0;  // 0: since the next look.
  std::string cursor_word_;
  std::string limit_word_;
  std::vector<std::string_view> words_;
};

}  // namespace phoenix::server
