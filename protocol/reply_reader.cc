#include "protocol/reply_reader.h"

#include <algorithm>
#include <cstring>

#include "protocol/require.h"

namespace phoenix::protocol {

std::span<char> ReplyReader::prepare(std::size_t bytes) {
  prepared_ = 0;
  if (!error_.ok()) return {};
  // A caller that drains before it receives holds less than one reply, so a full receive fits.
  const std::size_t buffered_max = reply_bytes_max_ + kReceiveBytes;
  bytes = std::min(bytes, buffered_max - buffered_bytes());
  if (bytes == 0) return {};
  make_room(bytes);
  prepared_ = bytes;
  return {buffer_.get() + end_, bytes};
}

void ReplyReader::commit(std::size_t bytes) {
  require(bytes <= prepared_);
  end_ += bytes;
  prepared_ = 0;
}

bool ReplyReader::append(std::string_view bytes) {
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

ReplyReader::Outcome ReplyReader::fail(DecodeError error) {
  error_ = error;
  return Outcome::malformed;
}

/// Moves or grows so that `bytes` fit behind end_. It moves only when at least as much was handed
/// out as there is to move, and otherwise doubles: both are paid for by bytes that arrived.
void ReplyReader::make_room(std::size_t bytes) {
  const std::size_t buffered = buffered_bytes();
  if (buffered == 0) {
    begin_ = end_ = 0;
    if (capacity_ > kKeepBytes && bytes <= kKeepBytes) reallocate(std::max(bytes, kReceiveBytes));
  }
  if (capacity_ - end_ >= bytes) return;
  const std::size_t buffered_max = reply_bytes_max_ + kReceiveBytes;
  const bool can_move = capacity_ - buffered >= bytes;
  if (can_move && (buffered <= begin_ || capacity_ == buffered_max)) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, buffered);
    begin_ = 0;
    end_ = buffered;
    return;
  }
  reallocate(std::min(std::max(2 * capacity_, buffered + bytes), buffered_max));
}

void ReplyReader::reallocate(std::size_t capacity) {
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
