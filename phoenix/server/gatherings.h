// The requests of a core's sessions that several cores are answering: takes the parts as they come
// back and files the joined replies. Among them are those of commands that wait for the disk, but
// not for ever (Command::patience_ms).
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string_view>
#include <utility>
#include <vector>

#include "phoenix/base/clock.h"
#include "phoenix/server/command_meter.h"
#include "phoenix/server/connections.h"
#include "phoenix/server/gather.h"
#include "phoenix/server/reply_writers.h"
#include "phoenix/server/shard.h"

namespace phoenix::server {

class Gatherings final {
 public:
  /// The parts of a core, which outlive this. What is gathered counts in `buffers` as hops.
  struct Parts {
    Shard& shard;
    Connections& connections;
    BufferBytes& buffers;
    const Clock& clock;
    CommandMeter& meter;
    ReplyWriters& writers;
  };
  explicit Gatherings(const Parts& parts);
  Gatherings(const Gatherings&) = delete;
  Gatherings& operator=(const Gatherings&) = delete;

  /// Keeps one whose parts were sent; its place in the session's output is taken.
  Gathering& add(std::unique_ptr<Gathering> gathering, const commands::Request& request);
  /// The reply frame of a part.
  void join(Gathering& gathering, std::uint32_t part, std::string_view frame);
  /// All parts were joined: files the reply and drops the gathering, unless it still has to wait
  /// for the disk.
  void finish(Gathering& gathering);
  /// Forgets one, whose reply is made elsewhere.
  void drop(Gathering& gathering);

  /// Answers of commands that wait for the disk for a limited time, when it is over or they can be.
  void end_waits(std::uint64_t now_ns, log::Position committed);
  /// When there is something to end; never is io::kNoDeadline.
  std::uint64_t next_wait_ns() const;

 private:
  void begin_wait(Gathering& gathering, std::int64_t patience_ms);
  bool goes_on_waiting(Gathering& gathering);

  Shard& shard_;
  Connections& connections_;
  BufferBytes& buffers_;
  const Clock& clock_;
  CommandMeter& meter_;
  ReplyWriters& writers_;

  std::vector<std::unique_ptr<Gathering>> gatherings_;
  // Of those that wait for a limited time: all by their ends, and by position what only this core's
  // disk is waited for.
  std::set<std::pair<std::uint64_t, Gathering*>> waits_by_end_;
  std::set<std::pair<log::Position, Gathering*>> waits_by_position_;
};

}  // namespace phoenix::server
