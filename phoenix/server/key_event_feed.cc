#include "phoenix/server/key_event_feed.h"

#include "phoenix/server/limits.h"

namespace phoenix::server {

bool KeyEventFeed::is_on() const {
  const commands::KeyEventSet ways = commands::key_event_bit('K') | commands::key_event_bit('E');
  return (classes_ & ways) != 0 && (classes_ & ~ways) != 0;
}

void KeyEventFeed::happened(char kind, std::string_view event, std::string_view key) {
  if (!has(kind)) return;
  Held held{position_(), std::string(event), std::string(key)};
  if (held_bytes_ + held.bytes() > kKeyEventBytesHeldMax) return metrics_.notices_dropped.add(1);
  held_bytes_ += held.bytes();
  buffers_.channels += held.bytes();
  held_.push_back(std::move(held));
}

void KeyEventFeed::deliver(log::Position committed, TurnWork& work) {
  while (has_work_left(committed) && !work.is_spent()) {
    const Held held = std::move(held_.front());
    held_.pop_front();
    held_bytes_ -= held.bytes();
    buffers_.channels -= held.bytes();
    work.take(tell_(held.event, held.key));
  }
}

}  // namespace phoenix::server
