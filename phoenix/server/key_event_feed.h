// Keyspace notifications of one core: holds what handlers tell of changes of keys until the change
// is durable, then publishes it here and tells the other cores.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <string>

#include "phoenix/commands/command.h"
#include "phoenix/commands/settings.h"
#include "phoenix/engine/keyspace.h"
#include "phoenix/log/log.h"
#include "phoenix/server/budget.h"
#include "phoenix/server/metrics.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

class KeyEventFeed final : public commands::KeyEvents, public engine::ExpiryListener {
 public:
  /// What an event waits for: the position of the newest change, or 0 when nothing waits.
  using Position = std::function<log::Position()>;
  /// Returns the work that it took.
  using Tell = std::function<std::uint64_t(std::string_view event, std::string_view key)>;

  KeyEventFeed(Position position, Tell tell, BufferBytes& buffers, Metrics& metrics)
      : position_(std::move(position)),
        tell_(std::move(tell)),
        buffers_(buffers),
        metrics_(metrics) {}
  ~KeyEventFeed() override { buffers_.channels -= held_bytes_; }

  /// Which classes are told, by Redis's letters.
  void set_classes(commands::KeyEventSet classes) { classes_ = classes; }
  /// Whether anything is.
  bool is_on() const;
  bool tells_of_expiry() const { return has('x'); }

  void happened(char kind, std::string_view event, std::string_view key) override;
  void expired(std::string_view key) override { happened('x', "expired", key); }

  /// Tells what is durable, as far as `work` allows.
  void deliver(log::Position committed, TurnWork& work);
  /// Events that could be told at once.
  bool has_work_left(log::Position committed) const {
    return !held_.empty() && held_.front().position <= committed;
  }

  std::uint64_t held_bytes() const { return held_bytes_; }

 private:
  struct Held {
    log::Position position = 0;
    std::string event;
    std::string key;

    std::uint64_t bytes() const { return sizeof(Held) + event.size() + key.size(); }
  };

  bool has(char letter) const { return (classes_ & commands::key_event_bit(letter)) != 0; }

  Position position_;
  Tell tell_;
  BufferBytes& buffers_;
  Metrics& metrics_;
  commands::KeyEventSet classes_ = 0;
  std::deque<Held> held_;
  std::uint64_t held_bytes_ = 0;
};

}  // namespace phoenix::server
