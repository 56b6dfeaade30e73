// The receiving end of a client of the native protocol: bytes go in as they arrive, whole reply
// frames come out.
#pragma once

#include <cstddef>
#include <string_view>

#include "protocol/binary.h"
#include "protocol/reply_reader.h"

namespace phoenix::protocol {

/// The largest frame that a server may send.
inline constexpr std::size_t kReplyFrameBytesMax = kHeaderBytes + kKeyBytesMax + kReplyBytesMax;

struct ReplyFrame {
  ReplyHeader header;
  std::string_view key;
  std::string_view value;
};

class FrameReader final : public ReplyReader {
 public:
  /// `frame_bytes_max`: larger frames are refused as too_large; at least kHeaderBytes.
  explicit FrameReader(std::size_t frame_bytes_max = kReplyFrameBytesMax);

  /// The next whole frame. Its views live until the next prepare() or append(). In place of the
  /// first there may be an error line of RESP, from a server that does not know yet what its peer
  /// speaks ("-ERR max number of clients reached"): it becomes an error frame of id 0.
  [[nodiscard]] Outcome next(ReplyFrame& frame);

 private:
  Outcome next_line(ReplyFrame& frame);

  bool has_frames_ = false;  // One was handed out.
};

}  // namespace phoenix::protocol
