// Commands of more keys than one step may have (DEL of 100,000 keys): run slice by slice, each like
// a request of its own, and answered once. See router.h and slices.h.
#include <algorithm>
#include <utility>

#include "phoenix/base/check.h"
#include "phoenix/server/router.h"
#include "phoenix/server/slices.h"

namespace phoenix::server {

using commands::Gather;
using protocol::Status;

namespace {

/// A frame's, or a line's, and the number of items.
std::string begin_of_list(ReplyHead head, std::size_t items, std::size_t bytes) {
  std::string begin;
  if (is_resp(head.wire)) {
    protocol::append_resp_number(begin, '*', static_cast<std::int64_t>(items));
    return begin;
  }
  begin.resize(protocol::kHeaderBytes + sizeof(std::uint32_t));
  protocol::ReplyHeader header;
  header.kind = protocol::Kind::list;
  header.id = head.id;
  header.value_bytes = static_cast<std::uint32_t>(sizeof(std::uint32_t) + bytes);
  protocol::store_reply_header(begin.data(), header);
  protocol::store_le(begin.data() + protocol::kHeaderBytes, static_cast<std::uint32_t>(items));
  return begin;
}

}  // namespace

void Router::begin_in_slices(PendingRequest pending) {
  Session& session = *pending.session;
  if (is_paused(pending)) {
    session.put_back(pending);
    return connections_.hold(session);
  }
  session.last_command = pending.command;
  session.partial_since_ns = 0;
  metrics_.requests.add(1);
  if (pending.fault == Fault::none) pending.fault = fault_now(pending);
  if (pending.fault != Fault::none) {
    answer_fault(pending);
    return session.large_input_done();
  }
  metrics_.calls[pending.command->index].count();
  if (messaging_.has_monitors()) show_to_monitors(pending);
  session.awaits_core = true;
  ++session.hops;  // Like parts that are away, it keeps the session alive.
  auto sliced = std::make_unique<SlicedRequest>(pending);
  sliced->place = sliced_.size();
  sliced_.push_back(std::move(sliced));
}

// As much of it as their line may hold.
void Router::show_to_monitors(PendingRequest pending) {
  std::vector<std::string_view> words{pending.command->name};
  pending.session->words_in_slices().append_slice_to(words);
  pending.request.args = words;
  messaging_.show(pending);
}

bool Router::can_go_on(const SlicedRequest& sliced) const {
  if (is_paused(sliced.pending)) return false;
  const bool is_list = sliced.pending.command->gather == Gather::in_key_order;
  return sliced.has_slice() && sliced.away < (is_list ? kListSlicesAwayMax : kSlicesAwayMax);
}

void Router::step_slices() {
  std::size_t in_vain = 0;  // So many in a row could not go on.
  while (in_vain < sliced_.size() && !work_.is_spent()) {
    next_sliced_ = (next_sliced_ + 1) % sliced_.size();
    in_vain = run_slice(*sliced_[next_sliced_]) ? 0 : in_vain + 1;
  }
}

void Router::retry_slices() {
  for (const auto& sliced : sliced_) sliced->is_blocked = false;
}

// False: it has to wait. Else it may have ended.
bool Router::run_slice(SlicedRequest& sliced) {
  if (sliced.is_blocked || !can_go_on(sliced)) return false;
  const commands::Command& command = *sliced.pending.command;
  slice_words_.assign(1, command.name);
  sliced.words.append_slice_to(slice_words_);
  PendingRequest pending = sliced.pending;
  pending.request.args = slice_words_;
  pending.request.large = sliced.words.large_of_slice();
  Split split = split_by_owner(command, slice_words_);
  auto gathering = std::make_unique<Gathering>();
  gathering->session = pending.session;
  gathering->sliced = &sliced;
  gathering->slice = sliced.begun;
  std::string frame;
  const std::uint64_t begin_ns = watch_.clock().monotonic_ns();
  const bool has_room = has_room_for(split);
  const auto verdict =
      has_room ? run_own_part(pending, split, *gathering, frame) : Shard::Verdict::wait;
  sliced.is_blocked = verdict == Shard::Verdict::wait;
  if (sliced.is_blocked) {
    work_.take(slice_words_.size() * kWorkPerWord);
    return false;
  }
  if (verdict == Shard::Verdict::refused) {  // The others are not asked.
    for (unsigned core = 0; core < shared_.cores(); ++core) {
      if (core != core_) split.words[core].clear();
    }
  }
  work_.take(slice_words_.size() * kWorkPerWord + frame.size());
  sliced.took_ns += watch_.clock().monotonic_ns() - begin_ns;
  ++sliced.begun;
  ++sliced.away;
  connections_.touch(*pending.session);  // Its input becomes less.
  send_parts(pending, split, *gathering);
  Gathering& added = gatherings_.add(std::move(gathering), pending.request);
  sliced.words.drop_slice();
  if (!frame.empty()) gatherings_.join(added, core_, frame);
  if (added.parts_missing == 0) finish_slice(added);
  return true;
}

void Router::finish_slice(Gathering& gathering) {
  SlicedRequest& sliced = *gathering.sliced;
  --sliced.away;
  sliced.has_success = sliced.has_success || gathering.has_success;
  sliced.position = std::max(sliced.position, gathering.position);
  if (!sliced.error.empty()) {
    // The first one counts.
  } else if (!gathering.error.empty()) {
    sliced.error = gathering.error;
  } else if (gathering.command->gather == Gather::in_key_order) {
    keep_items(sliced, gathering);
  } else {
    sliced.sum += gathering.sum;
  }
  gatherings_.drop(gathering);
  if (sliced.is_complete()) end_slices(sliced);
}

// A list without its begin, in the protocol of its client.
void Router::keep_items(SlicedRequest& sliced, const Gathering& gathering) {
  ReplyHead head = sliced.pending.head();
  head.is_part = true;
  std::string list;
  Encoder& encoder = writers_.begin_encoder(head, list);
  answer_gathered(gathering, encoder);
  (void)encoder.finish();  // Items were copied.
  const bool is_refused = encoder.is_refused();
  list.erase(
      0, is_resp(head.wire) ? list.find('\n') + 1 : protocol::kHeaderBytes + sizeof(std::uint32_t));
  const std::uint64_t bytes = sliced.bytes + list.size();
  const bool is_out_of_memory =
      bytes > kReplyBytesWhenFullMax && shard_.budget().is_full(list.size());
  if (is_refused || is_out_of_memory || bytes > kReplyBytesMax) {
    Encoder& refusal = writers_.begin_encoder(part_head(), sliced.error);
    if (is_out_of_memory) {
      refusal.error(Status::out_of_memory, shard_.budget().refusal());
    } else {
      refusal.error(Status::too_large, Encoder::kTooLarge);
    }
    (void)refusal.finish();  // An error has no large value.
    return;
  }
  buffers_.hops += list.size();
  sliced.bytes = bytes;
  if (sliced.items.size() <= gathering.slice) sliced.items.resize(gathering.slice + 1);
  sliced.items[gathering.slice] = std::move(list);
}

// One answer for all of it, which waits for the last of this core's changes; those of the others
// are durable.
void Router::end_slices(SlicedRequest& sliced) {
  Session& session = *sliced.pending.session;
  const commands::Command& command = *sliced.pending.command;
  meter_.name(&command);
  if (sliced.error.empty() && command.gather == Gather::in_key_order) {
    send_items(sliced);
  } else {
    actions_.act_for(session);
    SessionSink& sink = writers_.begin_sink(sliced.pending.head());
    if (!sliced.error.empty()) {
      const bool is_partly_done = has(command.flags, commands::Flags::write) && sliced.has_success;
      answer_error_frame(sliced.error, is_partly_done, sink);
    } else if (command.gather == Gather::sum) {
      sink.integer(sliced.sum);
    } else {
      sink.ok();
    }
    file(sink, session, sliced.position);
  }
  meter_.end_naming();
  if (!sliced.error.empty() && !sliced.has_success) meter_.was_refused(command);
  meter_.of(command).record(sliced.took_ns);
  buffers_.hops -= sliced.bytes;
  --session.hops;
  session.awaits_core = false;
  session.large_input_done();
  connections_.touch(session);
  connections_.make_ready(session);
  const std::size_t place = sliced.place;
  sliced_.back()->place = place;
  std::swap(sliced_[place], sliced_.back());
  sliced_.pop_back();
}

void Router::send_items(SlicedRequest& sliced) {
  Session& session = *sliced.pending.session;
  if (session.client.mutes_reply()) return;
  Output& output = session.output;
  output.append_owned(begin_of_list(sliced.pending.head(), sliced.keys, sliced.bytes), {},
                      sliced.position);
  for (auto& items : sliced.items) output.append_owned(std::move(items), {}, sliced.position);
  take_for_reply(work_, session, kChunkBytes);
}

bool Router::has_slices_to_run() const {
  return std::any_of(sliced_.begin(), sliced_.end(), [this](const auto& sliced) {
    return !sliced->is_blocked && can_go_on(*sliced);
  });
}

}  // namespace phoenix::server
