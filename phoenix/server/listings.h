// The listings (listing.h) of a core's sessions: begins them, has their slices made on whichever
// core has the keys, in turn and as far as the turn's work and the clients' outputs allow, and
// files what they answer.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "phoenix/base/clock.h"
#include "phoenix/server/command_meter.h"
#include "phoenix/server/connections.h"
#include "phoenix/server/hop_transport.h"
#include "phoenix/server/listing.h"
#include "phoenix/server/reply_writers.h"
#include "phoenix/server/shard.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

class Listings final {
 public:
  /// The parts of a core, which outlive this. What is collected counts in `buffers`.
  struct Parts {
    unsigned core;
    Shared& shared;
    Shard& shard;
    Connections& connections;
    BufferBytes& buffers;
    const Clock& clock;
    CommandMeter& meter;
    ReplyWriters& writers;
    HopTransport& hops;
    TurnWork& work;
  };
  explicit Listings(const Parts& parts);
  Listings(const Listings&) = delete;
  Listings& operator=(const Listings&) = delete;

  /// Of a row with Flags::scan. Answers an error at once if its words are wrong.
  void start(const PendingRequest& pending);
  /// Streams the next slices of the listings whose clients take them, in turn.
  void step(std::uint64_t now_ns);
  /// The reply frame of a slice of the session's listing, which another core made.
  void take_slice(Session& session, std::string_view frame);
  /// Whether some could go on at once.
  bool has_work_left() const;

 private:
  void refuse(const PendingRequest& pending, std::string_view text);
  void draw_core(ListingSetup& setup);
  bool run_slice(Session& session);
  void send_part(Session& session);
  void send_sign_of_life(Session& session, std::uint64_t now_ns);
  void drop_dead();
  void finish(std::size_t index);

  unsigned core_;
  Shared& shared_;
  Shard& shard_;
  Connections& connections_;
  BufferBytes& buffers_;
  const Clock& clock_;
  CommandMeter& meter_;
  ReplyWriters& writers_;
  HopTransport& hops_;
  TurnWork& work_;

  std::vector<Session*> sessions_;  // Of those that have one, and of some that had.
  std::size_t next_ = 0;            // Whose turn it is.
};

}  // namespace phoenix::server
