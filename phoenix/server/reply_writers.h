// What the replies of a core are made with, one at a time: a sink for those that its own sessions
// get at once, an encoder for all others, of each protocol.
#pragma once

#include <string>

#include "phoenix/server/session.h"
#include "phoenix/server/sink.h"
#include "phoenix/server/work.h"

namespace phoenix::server {

class ReplyWriters final {
 public:
  /// All outlive this. A list that is long is refused while the budget is full; errors are counted
  /// by the meter.
  ReplyWriters(ChunkPool& pool, const MemoryBudget& budget, CommandMeter& meter)
      : native_sink_(pool, &budget, &meter),
        resp_sink_(pool, &budget, &meter),
        native_encoder_(&budget, &meter),
        resp_encoder_(&budget, &meter) {}
  ReplyWriters(const ReplyWriters&) = delete;
  ReplyWriters& operator=(const ReplyWriters&) = delete;

  /// For a reply that goes into its session's output as it is made.
  SessionSink& begin_sink(ReplyHead head) {
    SessionSink& sink = is_resp(head.wire) ? static_cast<SessionSink&>(resp_sink_) : native_sink_;
    sink.begin(head);
    return sink;
  }

  /// For a reply at the end of `out`, which must live until it is complete.
  Encoder& begin_encoder(ReplyHead head, std::string& out) {
    Encoder& encoder = is_resp(head.wire) ? static_cast<Encoder&>(resp_encoder_) : native_encoder_;
    encoder.begin(head, out);
    return encoder;
  }

  /// What the reply that is being made is encoded in. Nothing of it was made yet.
  void set_wire(Wire wire) { resp_sink_.set_wire(wire); }

 private:
  NativeSink native_sink_;
  RespSink resp_sink_;
  NativeEncoder native_encoder_;
  RespEncoder resp_encoder_;
};

/// What a reply of so many bytes takes of a turn. A session whose reply was long is likely to ask
/// for another such.
inline void take_for_reply(TurnWork& work, Session& session, std::size_t bytes) {
  work.take(bytes);
  if (bytes > kShortReplyBytes) session.takes_long = true;
}

}  // namespace phoenix::server
