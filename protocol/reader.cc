#include "protocol/reader.h"

#include "protocol/require.h"

namespace phoenix::protocol {

FrameReader::FrameReader(std::size_t frame_bytes_max) : ReplyReader(frame_bytes_max) {
  require(frame_bytes_max >= kHeaderBytes);
}

FrameReader::Outcome FrameReader::next(ReplyFrame& frame) {
  if (!error().ok()) return Outcome::malformed;
  const char* const at = buffered().data();
  const std::size_t bytes = buffered_bytes();
  if (bytes == 0) return Outcome::need_more;
  // At once: a peer of another kind may send a short line and then nothing more.
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
  return Outcome::frame;
}

}  // namespace phoenix::protocol
