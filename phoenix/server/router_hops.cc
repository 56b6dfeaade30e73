// The owner's side of a hop, and its way back. See router.h.
#include <algorithm>
#include <atomic>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/server/router.h"

namespace phoenix::server {

namespace {

// Batches that keep their memory between uses; more of them are away only in a burst.
constexpr std::size_t kFreeBatchesKept = 8;
constexpr std::size_t kKeptListBytes = std::size_t{256} << 10U;

}  // namespace

bool Router::has_mail() const {
  for (unsigned from = 0; from < shared_.cores(); ++from) {
    if (from != core_ && !shared_.mailbox(from, core_).empty()) return true;
  }
  return false;
}

bool Router::receive_hops() {
  bool received = false;
  was_cut_short_ = false;
  const unsigned cores = shared_.cores();
  first_inbox_ = (first_inbox_ + 1) % cores;
  for (unsigned i = 0; i < cores; ++i) {
    const unsigned from = (first_inbox_ + i) % cores;
    if (from == core_) continue;
    received = take_mail(from) || received;
    execute_inbox(inboxes_[from]);
  }
  return received;
}

// What is left of it is found by has_mail.
bool Router::take_mail(unsigned from) {
  bool received = false;
  HopMessage message;
  while (!work_.is_spent() && shared_.mailbox(from, core_).pop(message)) {
    received = true;
    if (message.kind == HopMessage::Kind::request) {
      count(*message.batch);
      inboxes_[from].push_back(message.batch);
    } else {
      take_back(*message.batch, message.kind);
    }
  }
  return received;
}

void Router::execute_inbox(std::deque<HopBatch*>& inbox) {
  while (!inbox.empty()) {
    HopBatch& batch = *inbox.front();
    const std::size_t before = batch.executed;
    const bool is_done = execute_parts(batch);
    count(batch);
    metrics_.requests_from_other_cores.add(batch.executed - before);
    if (!is_done) return;  // Waits for the log or the next turn; all behind it keep their order.
    inbox.pop_front();
    work_.take(batch.bytes());
    give_back(batch);
  }
}

bool Router::execute_parts(HopBatch& batch) {
  meter_.execute(&batch);
  const bool is_done = execute_all(batch);
  meter_.execute(nullptr);
  return is_done;
}

bool Router::execute_all(HopBatch& batch) {
  auto& keyspace = shard_.keyspace();
  while (batch.executed < batch.parts.size()) {
    was_cut_short_ = was_cut_short_ || work_.is_spent();
    if (was_cut_short_) return false;
    const std::size_t begin = batch.executed;
    const std::size_t end = std::min(begin + kRequestsPerBatch, batch.parts.size());
    for (std::size_t i = begin; i < end; ++i) keyspace.prefetch_index(batch.parts[i].hash);
    for (std::size_t i = begin; i < end; ++i) keyspace.prefetch_entry(batch.parts[i].hash);
    watch_.begin();
    for (std::size_t i = begin; i < end;) {
      const std::size_t sample = i + watch_.before_sample(end - i);
      if (!execute_some(batch, i, sample)) return false;
      if (sample == end) break;
      watch_.begin_sample();
      if (!execute_some(batch, sample, sample + 1)) return false;
      watch_.end_sample();
      i = sample + 1;
    }
  }
  return true;
}

bool Router::execute_some(HopBatch& batch, std::size_t begin, std::size_t end) {
  for (std::size_t i = begin; i < end; ++i) {
    was_cut_short_ = work_.is_spent();
    if (was_cut_short_ || !execute_part(batch, batch.parts[i], i - begin)) return false;
  }
  return true;
}

bool Router::execute_part(HopBatch& batch, HopPart& part, std::size_t place) {
  commands::Request request;
  request.args = batch.words_of(part);
  request.flags = part.flags;
  request.ttl_ms = part.ttl_ms;
  request.first_key_hash = part.hash;
  if (part.large) request.large = &part.large;
  part.reply_begin = batch.replies.size();
  const bool is_list = part.answers_list();
  Encoder& encoder = begin_encoder(part.head, is_list ? list_ : batch.replies);
  const auto verdict =
      part.job ? shard_.admit(*part.job, encoder) : shard_.admit(*part.command, request, encoder);
  if (verdict == Shard::Verdict::wait) return false;
  if (verdict == Shard::Verdict::execute) {
    if (part.job) {
      part.position = run_job(*part.job, encoder, nullptr);
    } else {
      part.position = shard_.execute(*part.command, request, encoder, nullptr);
      work_.take(shard_.steps_of_last());
    }
  } else if (!part.head.is_part) {
    meter_.was_refused(*part.command);
  }
  if (has(part.command->flags, commands::Flags::watches)) {
    part.watches = std::make_unique<std::vector<Watch>>(watches_of(request.args.subspan(1)));
  }
  part.reply_large = encoder.finish();
  const std::size_t list_bytes = list_.size();
  if (is_list) keep_list(batch, part);
  part.reply_bytes = batch.replies.size() - part.reply_begin;
  work_.take(request.args.size() * kWorkPerWord + part.reply_bytes + list_bytes);
  const std::uint64_t work =
      shard_.steps_of_last() + request.args.size() * kWorkPerWord + part.reply_bytes + list_bytes;
  const CommandFigures& figures = meter_.of(*part.command);
  if (watch_.looks_at(work, figures.is_first(figures.timed.get(), figures.timed_each))) [[unlikely]]
    keep_time(part, work, place);
  batch.position_max = std::max(batch.position_max, part.position);
  ++batch.executed;
  return true;
}

// A long one goes home as a block, which counts here until it was sent there.
void Router::keep_list(HopBatch& batch, HopPart& part) {
  if (list_.size() <= kChunkBytes / 2) {
    batch.replies += list_;
  } else {
    const auto block = std::make_shared<engine::LargeValue>(buffers_.large);
    PHX_CHECK(block->reserve(list_.size()));
    PHX_CHECK(block->append(list_));
    part.reply_large = block;
  }
  list_.clear();
  if (list_.capacity() > kKeptListBytes) list_.shrink_to_fit();
}

// A batch counts for the core that has it; on its way it counts for none.
void Router::count(HopBatch& batch) {
  const std::uint64_t bytes = batch.memory_bytes();
  buffers_.hops += bytes - batch.counted_bytes;
  batch.counted_bytes = bytes;
}

void Router::uncount(HopBatch& batch) {
  buffers_.hops -= std::exchange(batch.counted_bytes, 0U);
}

void Router::give_back(HopBatch& batch) {
  if (batch.position_max == 0) return push(batch.home, {&batch, HopMessage::Kind::whole});
  held_.push_back(&batch);
  batch.was_given_back_in_part = std::any_of(batch.parts.begin(), batch.parts.end(),
                                             [](const auto& part) { return part.position == 0; });
  if (batch.was_given_back_in_part) push(batch.home, {&batch, HopMessage::Kind::partial});
}

void Router::take_back(HopBatch& batch, HopMessage::Kind kind) {
  using Kind = HopMessage::Kind;
  for (auto& part : batch.parts) {
    const bool is_in_partial = part.position == 0;
    if (kind == Kind::partial && !is_in_partial) continue;
    if (kind == Kind::complete && is_in_partial) continue;
    if (part.took_ns != 0) [[unlikely]]
      keep_slow(batch, part);
    deliver(part, std::string_view(batch.replies).substr(part.reply_begin, part.reply_bytes));
  }
  if (kind == Kind::partial) return;
  --away_[batch.owner];
  --hops_away_;
  batch.clear();
  if (free_batches_.size() >= kFreeBatchesKept) batch.release_memory();
  count(batch);
  free_batches_.push_back(&batch);
}

void Router::deliver(HopPart& part, std::string_view frame) {
  Session& session = *part.session;
  PHX_CHECK(session.hops > 0);
  --session.hops;
  connections_.touch(session);
  work_.take(kWorkPerWord);
  take_for_reply(session, frame.size());
  if (part.watches) take_watches(session, std::move(*part.watches));
  if (part.gathering != nullptr) {
    join(*part.gathering, part.gathering_part, part.reply_large ? part.reply_large->view() : frame);
    if (part.gathering->parts_missing == 0) finish_gathering(*part.gathering);
  } else if (part.run == nullptr) {
    if (part.job) {
      go_on_at_home(part, part.reply_large ? part.reply_large->view() : frame);
    } else if (session.listing) {  // Else the client is gone.
      take_slice(session, frame);
    }
  } else if (part.reply_large || frame.size() > kChunkBytes / 2) {
    session.output.fill(*part.run, std::string(frame), std::move(part.reply_large), 0,
                        part.answers_list() ? std::string_view() : tail_of(part.head.wire));
  } else {
    session.output.fill_copy(*part.run, frame);
  }
}

void Router::post_hops(log::Position committed) {
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

void Router::push(unsigned to, HopMessage message) {
  // The last return does not touch what the first one brought, and both belong to the owner.
  if (message.kind != HopMessage::Kind::partial) uncount(*message.batch);
  PHX_CHECK(shared_.mailbox(core_, to).push(message));
  has_posted_to_[to] = true;
}

}  // namespace phoenix::server
