#include "phoenix/server/push.h"

#include <cstring>

#include <fmt/format.h>

#include "phoenix/base/check.h"
#include "phoenix/server/encoder.h"

namespace phoenix::server {

using commands::Setting;

namespace {

// From here on one block for all is cheaper than a copy for each.
constexpr std::size_t kCopiedBytesMax = kChunkBytes / 4;

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

std::size_t Push::size_bytes_min() const {
  std::size_t bytes = 0;
  for (const auto word : words_) bytes += word.size();
  return bytes;
}

std::string_view Push::frame(Wire wire) {
  std::string& frame = frames_[static_cast<std::size_t>(wire)];
  if (!frame.empty()) return frame;
  if (wire == Wire::native) {
    frame = encode_natively(words_, is_line_);
  } else {
    frame = encode_as_resp(words_, is_line_, wire == Wire::resp3 ? '>' : '*');
  }
  return frame;
}

const engine::LargeValueRef& Push::block(Wire wire, const engine::LargeMeterRef& meter) {
  engine::LargeValueRef& block = blocks_[static_cast<std::size_t>(wire)];
  if (block) return block;
  const std::string_view bytes = frame(wire);
  const auto value = std::make_shared<engine::LargeValue>(meter);
  PHX_CHECK(value->reserve(bytes.size()));
  PHX_CHECK(value->append(bytes));
  block = value;
  return block;
}

bool Pusher::send(Session& session, Push& push) {
  if (session.ignores_input || session.is_broken) return false;
  if (has_too_much(session, push.size_bytes_min())) {
    metrics_.closed_unread.add(1);
    connections_.cut_off(session);
    return false;
  }
  const Wire wire = session.wire;
  const std::string_view frame = push.frame(wire);
  if (frame.size() > kCopiedBytesMax) {
    session.output.append_owned({}, push.block(wire, pool_.buffers().large), 0);
  } else if (session.is_stalled) {
    session.output.append_copied(frame);
  } else {
    char* const place = pool_.reserve(frame.size());
    std::memcpy(place, frame.data(), frame.size());
    pool_.commit(frame.size());
    session.output.append_committed(place, frame.size(), 0);
  }
  connections_.touch(session);
  return true;
}

// Too much unread at any time, or a good deal of it for long; while memory is full much less.
bool Pusher::has_too_much(Session& session, std::size_t more_bytes) {
  const std::uint64_t bytes = session.output.queued_bytes() + more_bytes;
  if (bytes <= kSessionOutputBytesWhenFullMax) [[likely]] {
    session.unread_since_ns = 0;
    return false;
  }
  if (budget_.is_full(more_bytes)) return true;
  const auto most = static_cast<std::uint64_t>(settings_.get(Setting::pubsub_output_bytes));
  if (most != 0 && bytes > most) return true;
  const auto soft = static_cast<std::uint64_t>(settings_.get(Setting::pubsub_soft_bytes));
  if (soft == 0 || bytes <= soft) {
    session.unread_since_ns = 0;
    return false;
  }
  const std::uint64_t now_ns = clock_.monotonic_ns();
  if (session.unread_since_ns == 0) session.unread_since_ns = now_ns;
  const auto soft_s = static_cast<std::uint64_t>(settings_.get(Setting::pubsub_soft_s));
  return now_ns - session.unread_since_ns > soft_s * kNanosPerSecond;
}

}  // namespace phoenix::server
