#include "phoenix/server/sink.h"

#include <utility>

namespace phoenix::server {

// Short ones are copied into the chunk, so that the string keeps its memory for the next.
std::size_t SessionSink::finish_encoded(Output& output, log::Position position) {
  constexpr std::size_t kCopiedMax = kChunkBytes / 8;
  engine::LargeValueRef large = encoder_.finish();
  const std::size_t bytes = encoded_.size();
  if (large != nullptr || bytes > kCopiedMax) {
    output.append_owned(std::exchange(encoded_, {}), std::move(large), position,
                        tail_of(head_.wire));
    return bytes;
  }
  char* const out = place(bytes);
  std::memcpy(out, encoded_.data(), bytes);
  put(out + bytes);
  output.append_committed(data_, bytes, position);
  return bytes;
}

}  // namespace phoenix::server
