#include "phoenix/server/hop_transport.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/server/session.h"

namespace phoenix::server {

namespace {

// Batches that keep their memory between uses; more of them are away only in a burst.
constexpr std::size_t kFreeBatchesKept = 8;

}  // namespace

HopTransport::HopTransport(unsigned core, Shared& shared, io::Ring& ring, BufferBytes& buffers)
    : core_(core),
      shared_(shared),
      ring_(ring),
      buffers_(buffers),
      filling_(shared.cores()),
      away_(shared.cores()),
      has_posted_to_(shared.cores()) {}

HopBatch& HopTransport::outgoing(unsigned owner) {
  HopBatch*& filling = filling_[owner];
  if (filling != nullptr && filling->has_room()) return *filling;
  PHX_CHECK(away_[owner] < shared_.config.bounds.hops_per_pair);
  if (free_batches_.empty()) {
    batches_.push_back(std::make_unique<HopBatch>());
    free_batches_.push_back(batches_.back().get());
  }
  filling = free_batches_.back();
  free_batches_.pop_back();
  filling->home = core_;
  filling->owner = owner;
  filling->parts_max = shared_.config.bounds.parts_per_hop;
  to_post_.push_back(filling);
  ++away_[owner];
  ++hops_away_;
  return *filling;
}

HopPart& HopTransport::add_part(unsigned owner, Session& session, const commands::Command& command,
                                const commands::Request& request, ReplyHead head) {
  HopBatch& batch = outgoing(owner);
  HopPart& part = batch.parts.emplace_back();
  part.command = &command;
  part.session = &session;
  part.head = head;
  part.flags = request.flags;
  part.ttl_ms = request.ttl_ms;
  part.hash = request.first_key_hash;
  part.words_begin = static_cast<std::uint32_t>(batch.words.size());
  part.words_count = static_cast<std::uint32_t>(request.args.size());
  const bool has_large = request.large != nullptr && *request.large != nullptr;
  if (has_large) part.large = *request.large;
  for (const auto word : request.args) {
    if (has_large && word.data() == part.large->view().data()) {
      batch.words.push_back(word);
    } else {
      batch.add_word(word);
    }
  }
  ++session.hops;
  return part;
}

void HopTransport::reuse(HopBatch& batch) {
  --away_[batch.owner];
  --hops_away_;
  batch.clear();
  if (free_batches_.size() >= kFreeBatchesKept) batch.release_memory();
  count(batch);
  free_batches_.push_back(&batch);
}

bool HopTransport::has_mail() const {
  for (unsigned from = 0; from < shared_.cores(); ++from) {
    if (from != core_ && !shared_.mailbox(from, core_).empty()) return true;
  }
  return false;
}

// A batch counts for the core that has it; on its way it counts for none.
void HopTransport::count(HopBatch& batch) {
  const std::uint64_t bytes = batch.memory_bytes();
  buffers_.hops += bytes - batch.counted_bytes;
  batch.counted_bytes = bytes;
}

void HopTransport::uncount(HopBatch& batch) {
  buffers_.hops -= std::exchange(batch.counted_bytes, 0U);
}

void HopTransport::give_back(HopBatch& batch) {
  if (batch.position_max == 0) return push(batch.home, {&batch, HopMessage::Kind::whole});
  held_.push_back(&batch);
  batch.was_given_back_in_part = std::any_of(batch.parts.begin(), batch.parts.end(),
                                             [](const auto& part) { return part.position == 0; });
  if (batch.was_given_back_in_part) push(batch.home, {&batch, HopMessage::Kind::partial});
}

void HopTransport::post(log::Position committed) {
  while (!held_.empty() && held_.front()->position_max <= committed) {
    HopBatch& batch = *held_.front();
    held_.pop_front();
    push(batch.home, {&batch, batch.was_given_back_in_part ? HopMessage::Kind::complete
                                                           : HopMessage::Kind::whole});
  }
  for (auto* batch : to_post_) {
    push(batch->owner, {batch, HopMessage::Kind::request});
    filling_[batch->owner] = nullptr;
  }
  to_post_.clear();
  for (unsigned to = 0; to < shared_.cores(); ++to) {
    if (!has_posted_to_[to]) continue;
    has_posted_to_[to] = false;
    // Ordered against the sleeper, who sets its flag, fences, and looks at its mail again.
    std::atomic_thread_fence(std::memory_order_seq_cst);
    CoreDoor& door = shared_.doors[to];
    if (!door.is_asleep.load(std::memory_order_relaxed) || !door.is_asleep.exchange(false))
      continue;
    if (shared_.config.mutations.wakes_are_lost) continue;
    io::Operation wake;
    wake.kind = io::Operation::Kind::wake;
    wake.fd = door.wake_handle.load();
    ring_.submit(wake);
  }
}

void HopTransport::push(unsigned to, HopMessage message) {
  // The last return does not touch what the first one brought, and both belong to the owner.
  if (message.kind != HopMessage::Kind::partial) uncount(*message.batch);
  PHX_CHECK(shared_.mailbox(core_, to).push(message));
  has_posted_to_[to] = true;
}

}  // namespace phoenix::server
