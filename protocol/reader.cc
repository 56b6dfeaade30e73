#include "protocol/reader.h"

#include <algorithm>
#include <cstring>

#include "protocol/require.h"

namespace phoenix::protocol {

FrameReader::FrameReader(std::size_t frame_bytes_max) : frame_bytes_max_(frame_bytes_max) {
  require(frame_bytes_max >= kHeaderBytes);
}

std::span<char> FrameReader::prepare(std::size_t bytes) {
  prepared_ = 0;
  if (!error_.ok()) return {};
  // A caller that drains before it receives holds less than one frame, so a full receive fits.
  const std::size_t buffered_max = frame_bytes_max_ + kReceiveBytes;
  bytes = std::min(bytes, buffered_max - buffered_bytes());
  if (bytes == 0) return {};
  make_room(bytes);
  prepared_ = bytes;
  return {buffer_.get() + end_, bytes};
}

void FrameReader::commit(std::size_t bytes) {
  require(bytes <= prepared_);
  end_ += bytes;
  prepared_ = 0;
}

bool FrameReader::append(std::string_view bytes) {
  if (bytes.empty()) return error_.ok();
  const std::span<char> room = prepare(bytes.size());
  if (room.size() < bytes.size()) {
    prepared_ = 0;
    return false;
  }
  std::memcpy(room.data(), bytes.data(), bytes.size());
  commit(bytes.size());
  return true;
}

FrameReader::Outcome FrameReader::next(ReplyFrame& frame) {
  if (!error_.ok()) return Outcome::malformed;
  const char* const at = buffer_.get() + begin_;
  const std::size_t bytes = buffered_bytes();
  if (bytes == 0) return Outcome::need_more;
  // At once: a peer of another kind may send a short line and then nothing more.
  if (static_cast<std::uint8_t>(*at) != kReplyMagic) {
    return fail({Status::bad_frame, "bad magic: a reply starts with 0xE1"});
  }
  if (bytes < kHeaderBytes) return Outcome::need_more;
  const DecodeError error = decode_reply_header(at, frame.header);
  if (!error.ok()) return fail(error);
  const std::size_t frame_bytes = frame.header.frame_bytes();
  if (frame_bytes > frame_bytes_max_) {
    return fail({Status::too_large, "reply over what this client accepts"});
  }
  if (bytes < frame_bytes) return Outcome::need_more;
  frame.key = {at + kHeaderBytes, frame.header.key_bytes};
  frame.value = {at + kHeaderBytes + frame.header.key_bytes, frame.header.value_bytes};
  begin_ += frame_bytes;
  return Outcome::frame;
}

FrameReader::Outcome FrameReader::fail(DecodeError error) {
  error_ = error;
  return Outcome::malformed;
}

/// Moves or grows so that `bytes` fit behind end_. It moves only when at least as much was handed
/// out as there is to move, and otherwise doubles: both are paid for by bytes that arrived.
void FrameReader::make_room(std::size_t bytes) {
  const std::size_t buffered = buffered_bytes();
  if (buffered == 0) {
    begin_ = end_ = 0;
    if (capacity_ > kKeepBytes && bytes <= kKeepBytes) reallocate(std::max(bytes, kReceiveBytes));
  }
  if (capacity_ - end_ >= bytes) return;
  const std::size_t buffered_max = frame_bytes_max_ + kReceiveBytes;
  const bool can_move = capacity_ - buffered >= bytes;
  if (can_move && (buffered <= begin_ || capacity_ == buffered_max)) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, buffered);
    begin_ = 0;
    end_ = buffered;
    return;
  }
  reallocate(std::min(std::max(2 * capacity_, buffered + bytes), buffered_max));
}

void FrameReader::reallocate(std::size_t capacity) {
  // NOLINTNEXTLINE(modernize-avoid-c-arrays)
  auto larger = std::make_unique_for_overwrite<char[]>(capacity);
  const std::size_t buffered = buffered_bytes();
  if (buffered != 0) std::memcpy(larger.get(), buffer_.get() + begin_, buffered);
  buffer_ = std::move(larger);
  capacity_ = capacity;
  begin_ = 0;
  end_ = buffered;
}

}  // namespace phoenix::protocol
