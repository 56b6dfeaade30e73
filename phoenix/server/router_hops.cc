// The owner's side of a hop, and its way back. See router.h.
#include <algorithm>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/server/router.h"

namespace phoenix::server {

namespace {

// What is kept of the memory that a list for another core took.
constexpr std::size_t kKeptListBytes = std::size_t{256} << 10U;

}  // namespace

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
  while (!work_.is_spent() && hops_.receive(from, message)) {
    received = true;
    if (message.kind == HopMessage::Kind::request) {
      hops_.count(*message.batch);
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
    hops_.count(batch);
    metrics_.requests_from_other_cores.add(batch.executed - before);
    if (!is_done) return;  // Waits for the log or the next turn; all behind it keep their order.
    inbox.pop_front();
    work_.take(batch.bytes());
    hops_.give_back(batch);
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
  Encoder& encoder = writers_.begin_encoder(part.head, is_list ? list_ : batch.replies);
  const auto verdict =
      part.job ? shard_.admit(*part.job, encoder) : shard_.admit(*part.command, request, encoder);
  if (verdict == Shard::Verdict::wait) return false;
  if (verdict == Shard::Verdict::execute) {
    if (part.job) {
      part.position = run_job(*part.job, encoder, nullptr);
      if (part.job->has_slow) part.took_ns = 1;  // EXEC itself may not be.
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
  hops_.reuse(batch);
}

void Router::deliver(HopPart& part, std::string_view frame) {
  Session& session = *part.session;
  PHX_CHECK(session.hops > 0);
  --session.hops;
  connections_.touch(session);
  work_.take(kWorkPerWord);
  take_for_reply(work_, session, frame.size());
  if (part.watches) take_watches(session, std::move(*part.watches));
  if (part.gathering != nullptr) {
    gatherings_.join(*part.gathering, part.gathering_part,
                     part.reply_large ? part.reply_large->view() : frame);
    if (part.gathering->parts_missing == 0) finish(*part.gathering);
  } else if (part.run == nullptr) {
    if (part.job) {
      go_on_at_home(part, part.reply_large ? part.reply_large->view() : frame);
    } else if (session.listing) {  // Else the client is gone.
      listings_.take_slice(session, frame);
    }
  } else if (part.reply_large || frame.size() > kChunkBytes / 2) {
    session.output.fill(*part.run, std::string(frame), std::move(part.reply_large), 0,
                        part.answers_list() ? std::string_view() : tail_of(part.head.wire));
  } else {
    session.output.fill_copy(*part.run, frame);
  }
}

}  // namespace phoenix::server
