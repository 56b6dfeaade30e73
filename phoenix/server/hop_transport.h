// Carries batches of requests (hop.h) between this core and the others: fills and posts those of
// this core's sessions, gives those of other cores back when their replies may leave, and wakes
// the cores that sleep. What is done with the requests is the router's affair.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "phoenix/commands/command.h"
#include "phoenix/io/ring.h"
#include "phoenix/server/hop.h"
#include "phoenix/server/shared.h"

namespace phoenix::server {

class HopTransport final {
 public:
  /// All outlive this. What batches hold on this core is counted in `buffers`.
  HopTransport(unsigned core, Shared& shared, io::Ring& ring, BufferBytes& buffers);
  HopTransport(const HopTransport&) = delete;
  HopTransport& operator=(const HopTransport&) = delete;

  /// Room for another request to that core in this turn.
  bool has_room(unsigned owner) const {
    const HopBatch* const batch = filling_[owner];
    return (batch != nullptr && batch->has_room()) ||
           away_[owner] < shared_.config.bounds.hops_per_pair;
  }
  /// There must be room. The part is valid until the next one is added.
  HopPart& add_part(unsigned owner, Session& session, const commands::Command& command,
                    const commands::Request& request, ReplyHead head);
  /// Gives the part that was just added a transaction that takes so many bytes.
  void add_job(HopPart& part, unsigned owner, std::unique_ptr<TransactionJob> job,
               std::size_t size_bytes) {
    filling_[owner]->add_job(part, std::move(job), size_bytes);
  }
  /// A batch of this core is back as a whole, and all its replies were taken.
  void reuse(HopBatch& batch);

  bool has_mail() const;
  /// The next that core `from` has sent: a batch of its own, or one of ours. False: nothing.
  bool receive(unsigned from, HopMessage& message) {
    return shared_.mailbox(from, core_).pop(message);
  }
  /// A batch of another core came, or holds more than it did.
  void count(HopBatch& batch);
  /// All its parts were executed here. What waits for the log goes when post() says that it may.
  void give_back(HopBatch& batch);

  /// End of a turn: posts what goes to other cores, returns replies whose position is durable, and
  /// wakes the cores that sleep.
  void post(log::Position committed);
  /// Something else than a hop was put into a mailbox of that core: it is woken with the others.
  void note_posted(unsigned core) { has_posted_to_[core] = true; }

  /// Requests of other cores that wait here for the log, or own requests that are away.
  bool has_hops() const { return hops_away_ > 0 || !held_.empty(); }

 private:
  HopBatch& outgoing(unsigned owner);
  void push(unsigned to, HopMessage message);
  void uncount(HopBatch& batch);

  unsigned core_;
  Shared& shared_;
  io::Ring& ring_;
  BufferBytes& buffers_;

  std::vector<HopBatch*> filling_;   // Per owner: the newest batch of this turn, or null.
  std::vector<HopBatch*> to_post_;   // In the order in which they were begun.
  std::vector<std::size_t> away_;    // Per owner: batches begun and not back.
  std::vector<bool> has_posted_to_;  // Per core: mail was pushed this turn.
  std::deque<HopBatch*> held_;       // Executed here; replies wait for the commit position.
  std::vector<std::unique_ptr<HopBatch>> batches_;
  std::vector<HopBatch*> free_batches_;
  std::size_t hops_away_ = 0;
};

}  // namespace phoenix::server
