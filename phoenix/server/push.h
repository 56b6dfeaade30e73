// What a session is sent without having asked for it at that moment: a message of a channel, a line
// of MONITOR. It is encoded once per protocol, however many sessions get it, and stands in their
// output between replies.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "phoenix/commands/client.h"
#include "phoenix/commands/settings.h"
#include "phoenix/engine/value.h"
#include "phoenix/server/connections.h"

namespace phoenix::server {

class Push final {
 public:
  /// A list of words: in RESP3 a push, in RESP2 a list, natively a frame with id 0. The words are
  /// not copied.
  /// Or one line without line ends, a simple string in RESP.
  enum class Form : std::uint8_t { list, line };
  explicit Push(std::span<const std::string_view> words, Form form = Form::list)
      : words_(words), is_line_(form == Form::line) {}
  Push(const Push&) = delete;
  Push& operator=(const Push&) = delete;

  /// At least as many bytes, in any protocol.
  std::size_t size_bytes_min() const;
  std::string_view frame(Wire wire);
  /// The same as a block that all outputs share, for a long one.
  const engine::LargeValueRef& block(Wire wire, const engine::LargeMeterRef& meter);

 private:
  static constexpr std::size_t kWires = 3;

  std::span<const std::string_view> words_;
  bool is_line_;
  std::array<std::string, kWires> frames_;
  std::array<engine::LargeValueRef, kWires> blocks_;
};

/// Appends pushes to the outputs of one core's sessions, and cuts off those that do not read.
class Pusher final {
 public:
  Pusher(Connections& connections, ChunkPool& pool, const MemoryBudget& budget,
         const commands::Settings& settings, const Clock& clock, Metrics& metrics)
      : connections_(connections),
        pool_(pool),
        budget_(budget),
        settings_(settings),
        clock_(clock),
        metrics_(metrics) {}

  /// False: the session is closing, or was cut off now, and does not get it.
  bool send(Session& session, Push& push);

 private:
  bool has_too_much(Session& session, std::size_t more_bytes);

  Connections& connections_;
  ChunkPool& pool_;
  const MemoryBudget& budget_;
  const commands::Settings& settings_;
  const Clock& clock_;
  Metrics& metrics_;
};

}  // namespace phoenix::server
