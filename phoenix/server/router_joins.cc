// Answers of several cores that become one, among them those of commands that wait for the disk,
// but not for ever (Command::patience_ms). See router.h.
#include <algorithm>
#include <string>
#include <utility>

#include "phoenix/server/router.h"

namespace phoenix::server {

using commands::Gather;
using commands::Request;
using protocol::Status;

namespace {

// Longer than any server runs.
constexpr std::int64_t kPatienceMsMax = std::int64_t{1} << 42U;

}  // namespace

void Router::send_parts(const PendingRequest& pending, Split& split, Gathering& gathering) {
  gathering.command = pending.command;
  gathering.head = pending.head();
  if (pending.command->gather == Gather::in_key_order) gathering.items.resize(split.keys);
  if (pending.command->gather == Gather::by_row) gathering.frames.resize(shared_.cores());
  gathering.key_order = std::move(split.ranks);
  for (unsigned core = 0; core < shared_.cores(); ++core) {
    const auto& words = split.words[core];
    if (words.empty()) continue;
    ++gathering.parts_missing;
    if (core == core_) continue;
    const Request request = part_of(pending, words);
    HopPart& part =
        hops_.add_part(core, *gathering.session, *pending.command, request, part_head());
    part.gathering = &gathering;
    part.gathering_part = core;
  }
}

// A list that has become long while memory is full ends as an error.
void Router::join(Gathering& gathering, std::uint32_t part, std::string_view frame) {
  const std::uint64_t bytes = gathering.bytes + frame.size();
  if (bytes > kReplyBytesWhenFullMax && shard_.budget().is_full(frame.size())) {
    std::string refusal;
    Encoder& encoder = writers_.begin_encoder(part_head(), refusal);
    encoder.error(Status::out_of_memory, shard_.budget().refusal());
    (void)encoder.finish();  // An error has no large value.
    return gather_part(gathering, part, refusal);
  }
  gather_part(gathering, part, frame);
  buffers_.hops += bytes - gathering.bytes;
  gathering.bytes = bytes;
}

void Router::finish_gathering(Gathering& gathering) {
  if (gathering.deadline_ns != 0 && goes_on_waiting(gathering)) return;
  std::string reply;
  Encoder& encoder = writers_.begin_encoder(gathering.head, reply);
  meter_.name(gathering.command);
  answer_gathered(gathering, encoder);
  meter_.end_naming();
  (void)encoder.finish();  // Items were copied.
  gathering.session->output.fill(*gathering.run, std::move(reply), {}, gathering.position);
  drop_gathering(gathering);
}

void Router::drop_gathering(Gathering& gathering) {
  buffers_.hops -= gathering.bytes;
  const std::size_t place = gathering.place;
  gatherings_.back()->place = place;
  std::swap(gatherings_[place], gatherings_.back());
  gatherings_.pop_back();
}

// Like parts that are away, it keeps the session alive.
void Router::begin_wait(Gathering& gathering, std::int64_t patience_ms) {
  if (patience_ms < 0) return;
  const auto ms = static_cast<std::uint64_t>(std::min(patience_ms, kPatienceMsMax));
  gathering.deadline_ns = watch_.clock().monotonic_ns() + ms * kNanosPerMs;
  waits_by_end_.emplace(gathering.deadline_ns, &gathering);
  ++gathering.session->hops;
}

// All parts of it are here.
bool Router::goes_on_waiting(Gathering& gathering) {
  const bool is_late = gathering.run == nullptr;
  const bool is_durable = gathering.position <= shard_.log().commit_position();
  if (!is_late && !is_durable && gathering.error.empty()) {
    waits_by_position_.emplace(gathering.position, &gathering);
    return true;
  }
  waits_by_end_.erase({gathering.deadline_ns, &gathering});
  --gathering.session->hops;
  connections_.touch(*gathering.session);
  if (is_late) drop_gathering(gathering);
  return is_late;
}

void Router::end_waits(std::uint64_t now_ns, log::Position committed) {
  while (!waits_by_position_.empty() && waits_by_position_.begin()->first <= committed) {
    Gathering& gathering = *waits_by_position_.begin()->second;
    waits_by_position_.erase(waits_by_position_.begin());
    finish_gathering(gathering);
  }
  while (!waits_by_end_.empty() && waits_by_end_.begin()->first <= now_ns) {
    Gathering& gathering = *waits_by_end_.begin()->second;
    waits_by_end_.erase(waits_by_end_.begin());
    std::string reply;
    Encoder& encoder = writers_.begin_encoder(gathering.head, reply);
    gathering.command->answer_late(encoder);
    (void)encoder.finish();  // It has no large value.
    gathering.session->output.fill(*std::exchange(gathering.run, nullptr), std::move(reply), {}, 0);
    connections_.touch(*gathering.session);
    if (gathering.parts_missing > 0) continue;
    waits_by_position_.erase({gathering.position, &gathering});
    finish_gathering(gathering);
  }
}

std::uint64_t Router::next_wait_ns() const {
  return waits_by_end_.empty() ? io::kNoDeadline : waits_by_end_.begin()->first;
}

}  // namespace phoenix::server
