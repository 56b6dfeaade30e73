#include "protocol/reader.h"

#include <algorithm>

#include "protocol/require.h"

namespace phoenix::protocol {
namespace {

// A prefix and the longest text.
constexpr std::size_t kErrorLineBytesMax = kErrorTextBytesMax + 64;

}  // namespace

FrameReader::FrameReader(std::size_t frame_bytes_max) : ReplyReader(frame_bytes_max) {
  require(frame_bytes_max >= kHeaderBytes);
}

FrameReader::Outcome FrameReader::next(ReplyFrame& frame) {
  if (!error().ok()) return Outcome::malformed;
  const char* const at = buffered().data();
  const std::size_t bytes = buffered_bytes();
  if (bytes == 0) return Outcome::need_more;
  // At once: a peer of another kind may send a short line and then nothing more.
  if (*at == '-' && !has_frames_) return next_line(frame);
  if (static_cast<std::uint8_t>(*at) != kReplyMagic) {
    return fail({Status::bad_frame, "bad magic: a reply starts with 0xE1"});
  }
  if (bytes < kHeaderBytes) return Outcome::need_more;
  const DecodeError unfit = decode_reply_header(at, frame.header);
  if (!unfit.ok()) return fail(unfit);
  const std::size_t frame_bytes = frame.header.frame_bytes();
  if (frame_bytes > reply_bytes_max()) {
    return fail({Status::too_large, "reply over what this client accepts"});
  }
  if (bytes < frame_bytes) return Outcome::need_more;
  frame.key = {at + kHeaderBytes, frame.header.key_bytes};
  frame.value = {at + kHeaderBytes + frame.header.key_bytes, frame.header.value_bytes};
  take(frame_bytes);
  has_frames_ = true;
  return Outcome::frame;
}

FrameReader::Outcome FrameReader::next_line(ReplyFrame& frame) {
  const std::string_view line = buffered().substr(0, kErrorLineBytesMax);
  const std::size_t end = line.find('\n');
  if (end == std::string_view::npos) {
    if (line.size() < kErrorLineBytesMax) return Outcome::need_more;
    return fail({Status::bad_frame, "an error line without an end"});
  }
  std::string_view text = line.substr(1, end - 1);
  if (text.ends_with('\r')) text.remove_suffix(1);
  const std::size_t prefix_bytes = std::min(text.find(' '), text.size());
  frame = {};
  frame.header.status = status_of_prefix(text.substr(0, prefix_bytes));
  frame.value = text.substr(std::min(prefix_bytes + 1, text.size()));
  frame.header.value_bytes = static_cast<std::uint32_t>(frame.value.size());
  take(end + 1);
  has_frames_ = true;
  return Outcome::frame;
}

}  // namespace phoenix::protocol
