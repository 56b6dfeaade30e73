// A request that walks over the keys (or the clients) of all cores: shard after shard, slice after
// slice, at the pace at which its client takes the answer and its turn has time. LIST streams over
// the native protocol; what must be one reply is collected, within bounds. The command's row tells
// which it is.
//
// A listing knows neither sessions nor protocols: it makes the words of slices, takes what shards
// answered (natively), and writes to a sink.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "phoenix/base/result.h"
#include "phoenix/commands/command.h"
#include "phoenix/log/log.h"
#include "phoenix/server/wire.h"
#include "protocol/binary.h"

namespace phoenix::server {

/// A client's cursor: where to go on in a shard, and in which. The lower half of a place is zero,
/// so that the number on the wire stays below 2^48, which every client can hold: the place, how
/// many cores there are (less one), and which of them.
struct ListCursor {
  std::uint64_t place = 0;
  unsigned core = 0;

  std::uint64_t to_wire(unsigned cores) const;
  /// Nothing for a cursor that was answered with another number of cores: keys live elsewhere then,
  /// and it would pass over some of them.
  static std::optional<ListCursor> from_wire(std::uint64_t cursor, unsigned cores);
};

/// What a listing has to know of the server and its session.
struct ListingSetup {
  ReplyHead head;
  std::uint16_t flags = 0;
  unsigned cores = 1;
  engine::LargeMeterRef meter;  // Counts what is collected.
  // For RANDOMKEY: a number that was drawn, and how many keys each core has, about.
  std::uint64_t chance = 0;
  std::vector<std::uint64_t> keys_of_cores;
  bool is_item = false;  // Of a transaction's reply: one value in any protocol.
  bool skips = false;    // For a canary only (Mutations::scans_skip).
};

class Listing {
 public:
  Listing(const Listing&) = delete;
  Listing& operator=(const Listing&) = delete;
  virtual ~Listing() = default;

  /// Of a row with Flags::scan. The error is for the client.
  static Result<std::unique_ptr<Listing>> begin(const commands::Command& command,
                                                commands::Args args, const ListingSetup& setup);

  /// Whose row does a slice.
  const commands::Command& command() const { return command_; }
  ReplyHead head() const { return head_; }
  std::uint16_t flags() const { return flags_; }

  /// A slice is being made (perhaps on another core): no second one until it came back.
  bool is_waiting = false;
  /// What its answer has to wait for, of this core's slices.
  log::Position position = 0;
  /// All of its slices so far.
  std::uint64_t took_ns = 0;
  /// Of the request that began it: a part of its session's input until it is done.
  std::size_t request_bytes = 0;

  /// Where the next slice is made, and the words of the request for it; views into this object.
  virtual unsigned core() const = 0;
  virtual const std::vector<std::string_view>& next_slice() = 0;

  /// Takes the reply frame of a slice, which must live until write_part() and write_end() were
  /// called where there is something to write. With `memory_is_full` little is collected.
  void take_slice(std::string_view frame, bool memory_is_full);

  /// There is something to send before the end, in a frame behind which more follows.
  virtual bool has_part() const { return false; }
  virtual void write_part(commands::ReplySink& reply) { reply.nil(); }
  /// Whether there is an empty part to send, since nothing has been for a while.
  virtual bool has_sign_of_life(std::uint64_t) { return false; }

  /// It has taken enough: it ends with what it has where there is a cursor to go on from, else as
  /// an error.
  virtual void cut_short() {}

  /// The rest of the answer, or all of it, can be written.
  bool is_complete() const { return is_complete_; }
  void write_end(commands::ReplySink& reply);

 protected:
  Listing(const commands::Command& command, const ListingSetup& setup)
      : command_(command), head_(setup.head), flags_(setup.flags) {}

  virtual void take(protocol::Value& slice, bool memory_is_full) = 0;
  virtual void write_result(commands::ReplySink& reply) = 0;
  void complete() { is_complete_ = true; }
  void fail_with(protocol::Status status, std::string_view text);

 private:
  const commands::Command& command_;
  ReplyHead head_;
  std::uint16_t flags_;
  bool is_complete_ = false;
  protocol::Status status_ = protocol::Status::ok;
  std::string error_;
};

}  // namespace phoenix::server
