#include "phoenix/server/push.h"

#include <cstring>

#include <fmt/format.h>

#include "phoenix/base/check.h"
#include "phoenix/server/encoder.h"

namespace phoenix::server {

namespace {

// What is longer would leave much of a chunk unused.
constexpr std::size_t kBytesInChunkMax = kChunkBytes / 4;

std::string encode_natively(std::span<const std::string_view> words, bool is_line) {
  std::string frame;
  NativeEncoder encoder;
  encoder.begin({}, frame);
  if (is_line) {
    encoder.text(words.front());
  } else {
    encoder.begin_list(static_cast<std::uint32_t>(words.size()));
    for (const auto word : words) encoder.bytes(word);
    encoder.end();
  }
  (void)encoder.finish();  // No large value was given to it.
  return frame;
}

std::string encode_as_resp(std::span<const std::string_view> words, bool is_line, char head) {
  if (is_line) return fmt::format("+{}\r\n", words.front());
  std::string frame = fmt::format("{}{}\r\n", head, words.size());
  for (const auto word : words) {
    frame += fmt::format("${}\r\n", word.size());
    frame.append(word).append("\r\n");
  }
  return frame;
}

}  // namespace

Push::~Push() {
  for (const auto& shared : shared_) {
    if (shared.chunk != nullptr) pool_->release(*shared.chunk);
  }
}

std::size_t Push::size_bytes_min() const {
  std::size_t bytes = 0;
  for (const auto word : words_) bytes += word.size();
  return bytes;
}

std::string Push::encode(Wire wire) const {
  if (wire == Wire::native) return encode_natively(words_, is_line_);
  return encode_as_resp(words_, is_line_, wire == Wire::resp3 ? '>' : '*');
}

// It holds the chunk itself: outputs may come and go between two that get it.
const Push::Shared& Push::shared(Wire wire, ChunkPool& pool) {
  Shared& shared = shared_[static_cast<std::size_t>(wire)];
  if (shared.chunk != nullptr || shared.block) return shared;
  const std::string frame = encode(wire);
  if (frame.size() > kBytesInChunkMax) {
    const auto block = std::make_shared<engine::LargeValue>(pool.buffers().large);
    PHX_CHECK(block->reserve(frame.size()));
    PHX_CHECK(block->append(frame));
    shared.block = block;
    return shared;
  }
  char* const place = pool.reserve(frame.size());
  std::memcpy(place, frame.data(), frame.size());
  pool.commit(frame.size());
  pool_ = &pool;
  shared.bytes = {place, frame.size()};
  shared.chunk = pool.current();
  ++shared.chunk->references;
  return shared;
}

void Push::append_to(Output& output, Wire wire, bool is_stalled) {
  const Shared& shared = this->shared(wire, output.pool());
  if (shared.block) {
    output.append_owned({}, shared.block, 0);
  } else if (is_stalled) {
    output.append_copied(shared.bytes);
  } else {
    output.append_shared(*shared.chunk, shared.bytes);
  }
}

}  // namespace phoenix::server
