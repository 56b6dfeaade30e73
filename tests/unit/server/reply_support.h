// Replies as the bytes that leave: what a session's output sends of them, and what an encoder makes
// of them for another core.
#pragma once

#include <string>
#include <string_view>

#include <doctest/doctest.h>

#include "phoenix/server/sink.h"

namespace phoenix::server::test {

inline constexpr std::size_t kAny = ~std::size_t{0};

/// Takes all that may leave, in sends of at most `bytes_max`.
inline std::string drain(Output& output, log::Position committed, std::size_t bytes_max = kAny) {
  std::string bytes;
  while (true) {
    const std::string_view piece = output.sendable(committed, bytes_max);
    if (piece.empty()) return bytes;
    bytes += piece;
    output.consume(piece.size());
  }
}

/// Once for each time, what `answer(sink)` says on a session.
template <typename Sink, typename Answer>
std::string sent(ReplyHead head, const Answer& answer, int times = 1,
                 std::size_t bytes_max = kAny) {
  BufferBytes buffers;
  ChunkPool pool(buffers);
  Output output(pool);
  Sink sink(pool);
  for (int i = 0; i < times; ++i) {
    sink.begin(head);
    answer(sink);
    sink.finish(output, 0);
  }
  std::string bytes = drain(output, 0, bytes_max);
  CHECK(output.empty());
  CHECK(output.queued_bytes() == 0);
  return bytes;
}

/// What `answer(encoder)` says, behind something that was there before.
template <typename Encoder, typename Answer>
std::string encoded(ReplyHead head, const Answer& answer) {
  const std::string before = "kept";
  std::string bytes = before;
  Encoder encoder;
  encoder.begin(head, bytes);
  answer(encoder);
  const auto large = encoder.finish();
  REQUIRE(bytes.starts_with(before));
  if (large) bytes.append(large->view()).append(tail_of(head.wire));
  return bytes.substr(before.size());
}

}  // namespace phoenix::server::test
