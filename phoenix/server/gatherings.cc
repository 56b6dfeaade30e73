#include "phoenix/server/gatherings.h"

#include <algorithm>
#include <string>
#include <utility>

namespace phoenix::server {

using protocol::Status;

namespace {

// Longer than any server runs.
constexpr std::int64_t kPatienceMsMax = std::int64_t{1} << 42U;

}  // namespace

Gatherings::Gatherings(const Parts& parts)
    : shard_(parts.shard),
      connections_(parts.connections),
      buffers_(parts.buffers),
      clock_(parts.clock),
      meter_(parts.meter),
      writers_(parts.writers) {}

Gathering& Gatherings::add(std::unique_ptr<Gathering> gathering, const commands::Request& request) {
  Gathering& added = *gathering;
  added.place = gatherings_.size();
  gatherings_.push_back(std::move(gathering));
  if (added.command->patience_ms != nullptr) begin_wait(added, added.command->patience_ms(request));
  return added;
}

// A list that has become long while memory is full ends as an error.
void Gatherings::join(Gathering& gathering, std::uint32_t part, std::string_view frame) {
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

void Gatherings::finish(Gathering& gathering) {
  if (gathering.deadline_ns != 0 && goes_on_waiting(gathering)) return;
  std::string reply;
  Encoder& encoder = writers_.begin_encoder(gathering.head, reply);
  meter_.name(gathering.command);
  answer_gathered(gathering, encoder);
  meter_.end_naming();
  (void)encoder.finish();  // Items were copied.
  gathering.session->output.fill(*gathering.run, std::move(reply), {}, gathering.position);
  drop(gathering);
}

void Gatherings::drop(Gathering& gathering) {
  buffers_.hops -= gathering.bytes;
  const std::size_t place = gathering.place;
  gatherings_.back()->place = place;
  std::swap(gatherings_[place], gatherings_.back());
  gatherings_.pop_back();
}

// Like parts that are away, it keeps the session alive.
void Gatherings::begin_wait(Gathering& gathering, std::int64_t patience_ms) {
  if (patience_ms < 0) return;
  const auto ms = static_cast<std::uint64_t>(std::min(patience_ms, kPatienceMsMax));
  gathering.deadline_ns = clock_.monotonic_ns() + ms * kNanosPerMs;
  waits_by_end_.emplace(gathering.deadline_ns, &gathering);
  ++gathering.session->hops;
}

// All parts of it are here.
bool Gatherings::goes_on_waiting(Gathering& gathering) {
  const bool is_late = gathering.run == nullptr;
  const bool is_durable = gathering.position <= shard_.log().commit_position();
  if (!is_late && !is_durable && gathering.error.empty()) {
    waits_by_position_.emplace(gathering.position, &gathering);
    return true;
  }
  waits_by_end_.erase({gathering.deadline_ns, &gathering});
  --gathering.session->hops;
  connections_.touch(*gathering.session);
  if (is_late) drop(gathering);
  return is_late;
}

void Gatherings::end_waits(std::uint64_t now_ns, log::Position committed) {
  while (!waits_by_position_.empty() && waits_by_position_.begin()->first <= committed) {
    Gathering& gathering = *waits_by_position_.begin()->second;
    waits_by_position_.erase(waits_by_position_.begin());
    finish(gathering);
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
    finish(gathering);
  }
}

std::uint64_t Gatherings::next_wait_ns() const {
  return waits_by_end_.empty() ? io::kNoDeadline : waits_by_end_.begin()->first;
}

}  // namespace phoenix::server
