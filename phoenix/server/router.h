// Which core does what: runs requests whose keys live here, sends the others to their owners, and
// does the same for the other cores' requests. The way between cores is in hop_transport.h, what
// several cores answer to one request is joined in gatherings.h, and walks over all keys go on in
// listings.h. Only these rooms know that there are cores.
//
// Order: the replies of a session leave in the order of its requests, because each gets its place
// in the output when its turn comes, here or there. The parts that one core sends to another are
// executed in the order in which they were sent.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "phoenix/commands/command.h"
#include "phoenix/io/ring.h"
#include "phoenix/server/command_meter.h"
#include "phoenix/server/connections.h"
#include "phoenix/server/gatherings.h"
#include "phoenix/server/hop_transport.h"
#include "phoenix/server/listings.h"
#include "phoenix/server/messaging.h"
#include "phoenix/server/metrics.h"
#include "phoenix/server/reply_writers.h"
#include "phoenix/server/shard.h"
#include "phoenix/server/shared.h"
#include "phoenix/server/slices.h"
#include "phoenix/server/slow_watch.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

/// What handlers may do to the session that they answer.
class SessionActions : public commands::SessionControl {
 public:
  void act_for(Session& session) { session_ = &session; }
  /// What that session sent last; null before there was any.
  const commands::Command* served_command() const {
    return session_ == nullptr ? nullptr : session_->last_command;
  }

  bool begin_transaction() override;
  bool discard_transaction() override;
  void forget_watches() override;

 protected:
  Session* session_ = nullptr;
};

/// Why keys on several cores are refused, and the way out.
inline constexpr std::string_view kCrossSlot =
    "Keys in request don't hash to the same slot: give them one {hash tag}, as in {user1}:name";

class Router final {
 public:
  Router(unsigned core, Shared& shared, Shard& shard, Connections& connections,
         Messaging& messaging, ChunkPool& pool, SessionActions& actions, io::Ring& ring,
         Metrics& metrics, SlowWatch& watch);
  Router(const Router&) = delete;
  Router& operator=(const Router&) = delete;

  /// Executes or forwards the requests of a batch, in order.
  void run(RequestBatch& batch);

  /// Takes what other cores sent, as far as the turn's work allows. True when there was anything.
  bool receive_hops();

  /// Begins a request of so many keys that it is run in slices.
  void begin_in_slices(PendingRequest pending);
  /// Runs the next slices of such requests, as far as the turn's work allows, in turn.
  void step_slices();
  /// Something has happened that those may have waited for which found no room.
  void retry_slices();
  bool has_slices() const { return !sliced_.empty(); }

  /// What may still be done in this turn; all of the above takes from it, and listings() do.
  TurnWork& work() { return work_; }

  /// The way to the other cores and back.
  HopTransport& hops() { return hops_; }
  const HopTransport& hops() const { return hops_; }
  Gatherings& gatherings() { return gatherings_; }
  const Gatherings& gatherings() const { return gatherings_; }
  Listings& listings() { return listings_; }
  /// What is being answered is written by one of these.
  ReplyWriters& writers() { return writers_; }
  /// Listings or requests in slices that could go on at once, or requests of other cores for which
  /// a turn was too short.
  bool has_work_left() const {
    return was_cut_short_ || has_slices_to_run() || listings_.has_work_left();
  }

 private:
  void prefetch(RequestBatch& batch) const;
  std::size_t run_some(std::span<PendingRequest> requests);
  bool may_run(const Session& session) const;
  void put_back(const PendingRequest& pending);
  void put_off(const PendingRequest& pending);
  void note_run(const PendingRequest& pending, std::size_t work, std::size_t place);
  void keep_time(const PendingRequest& pending, std::uint64_t work, std::size_t place);
  void keep_time(HopPart& part, std::uint64_t work, std::size_t place);
  void keep_slow(const PendingRequest& pending, std::uint64_t took_ns);
  commands::SlowLog::Client client_of(Session& session);
  void keep_slow(const HopBatch& batch, const HopPart& part);
  void keep_slow(const TransactionJob& job, Session& session);
  void keep_slow(const QueuedRequest& queued, Session& session);
  static bool is_queued(const PendingRequest& pending);
  bool is_paused(const PendingRequest& pending) const {
    return messaging_.clients().paused_until_ns() != 0 && is_held_by_pause(pending);
  }
  bool is_held_by_pause(const PendingRequest& pending) const;
  bool run_one(PendingRequest& pending);
  bool run_command(PendingRequest& pending);
  Fault fault_now(const PendingRequest& pending) const;
  std::size_t file(SessionSink& sink, Session& session, log::Position position);
  std::pair<protocol::Status, std::string> error_of(const PendingRequest& pending) const;
  void answer_fault(const PendingRequest& pending);
  void reject(const PendingRequest& pending, protocol::Status status, std::string_view text);
  void answer(const PendingRequest& pending, protocol::Status status, std::string_view text);
  bool run_here(const PendingRequest& pending);
  bool run_keyed(PendingRequest& pending);
  bool has_keys_on_one_core(const PendingRequest& pending) const;
  bool run_away(const PendingRequest& pending, unsigned owner);
  /// The parts of a request whose keys live on several cores, by core.
  struct Split {
    std::vector<std::vector<std::string_view>> words;  // Empty: that core has no part.
    std::vector<std::vector<std::uint32_t>> ranks;     // Which keys it has, by their place.
    std::uint32_t keys = 0;
  };
  Split split_by_owner(const commands::Command& command, commands::Args args) const;
  commands::Request part_of(const PendingRequest& pending, commands::Args words) const;
  bool run_gathered(const PendingRequest& pending);
  void finish(Gathering& gathering);
  bool has_room_for(const Split& split) const;
  Shard::Verdict run_own_part(const PendingRequest& pending, const Split& split,
                              Gathering& gathering, std::string& frame);
  void send_parts(const PendingRequest& pending, Split& split, Gathering& gathering);

  // router_slices.cc
  void show_to_monitors(PendingRequest pending);
  bool can_go_on(const SlicedRequest& sliced) const;
  bool run_slice(SlicedRequest& sliced);
  void finish_slice(Gathering& gathering);
  void keep_items(SlicedRequest& sliced, const Gathering& gathering);
  void end_slices(SlicedRequest& sliced);
  void send_items(SlicedRequest& sliced);
  bool has_slices_to_run() const;

  // router_transactions.cc
  struct Refusal {
    protocol::Status status = protocol::Status::ok;
    std::string text;
  };
  bool run_in_transaction(PendingRequest& pending);
  Refusal queue(const PendingRequest& pending);
  bool run_exec(const PendingRequest& pending);
  bool exec_here(const PendingRequest& pending);
  bool exec_away(const PendingRequest& pending, unsigned owner);
  log::Position run_job(TransactionJob& job, Encoder& encoder, commands::SessionControl* session);
  void go_on_at_home(const HopPart& part, std::string_view frame);
  log::Position run_at_home(Session& session, TransactionJob& job, std::string_view others,
                            Encoder& encoder);
  bool run_watch(const PendingRequest& pending);
  Refusal refusal_of_watch(const Transaction& transaction, const PendingRequest& pending) const;
  std::vector<Watch> watches_of(commands::Args keys);
  void take_watches(Session& session, std::vector<Watch> watches);

  std::uint16_t core_of(std::string_view key) const;
  bool take_mail(unsigned from);
  void execute_inbox(std::deque<HopBatch*>& inbox);
  bool execute_parts(HopBatch& batch);
  bool execute_all(HopBatch& batch);
  bool execute_some(HopBatch& batch, std::size_t begin, std::size_t end);
  bool execute_part(HopBatch& batch, HopPart& part, std::size_t place);
  void keep_list(HopBatch& batch, HopPart& part);
  void take_back(HopBatch& batch, HopMessage::Kind kind);
  void deliver(HopPart& part, std::string_view frame);

  unsigned core_;
  Shared& shared_;
  Shard& shard_;
  Connections& connections_;
  Messaging& messaging_;
  SessionActions& actions_;
  Metrics& metrics_;
  SlowWatch& watch_;
  CommandMeter meter_;
  BufferBytes& buffers_;
  ReplyWriters writers_;
  HopTransport hops_;
  Gatherings gatherings_;
  Listings listings_;
  std::string list_;  // A reply for another core while it is encoded.
  const log::SlotMap& slots_;

  // Per home: what is still to be executed. The first may be done in part: it waits for the log.
  std::vector<std::deque<HopBatch*>> inboxes_;
  std::vector<std::unique_ptr<SlicedRequest>> sliced_;
  std::size_t next_sliced_ = 0;
  std::vector<std::string_view> slice_words_;  // Of the slice that is being run.
  unsigned first_inbox_ = 0;    // Each is the first in turn: the last one may come off badly.
  bool was_cut_short_ = false;  // The turn's work did not suffice for the inboxes.
  TurnWork work_;
  std::uint64_t batch_number_ = 0;
};

}  // namespace phoenix::server
