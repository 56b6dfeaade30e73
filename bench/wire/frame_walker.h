// Finds the frames in a stream of received bytes without copying them: 16 header bytes say how much
// follows, so the walker hops from header to header, and a frame that is split over receives costs
// 16 bytes of memory however large it is. The load generator walks replies, the ceiling requests.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstring>
#include <string_view>

#include "protocol/binary.h"

namespace phoenix::bench {

/// `Sink` is told of each frame, in order:
///   bool begin(const char* header, std::size_t& payload_bytes)  what follows the header; false: no
///                                                               frame, stop
///   void part(std::size_t offset, std::string_view bytes)       the next bytes of the payload
///   bool end()                                                  false: stop
class FrameWalker final {
 public:
  /// False when the sink stopped; the walker is of no more use then.
  template <typename Sink>
  [[nodiscard]] bool walk(std::string_view bytes, Sink& sink) {
    if (in_payload_ && !payload(bytes, sink)) return false;
    while (!bytes.empty()) {
      const char* header = next_header(bytes);
      if (header == nullptr) return true;
      if (!sink.begin(header, payload_bytes_)) return false;
      payload_done_ = 0;
      in_payload_ = true;
      if (!payload(bytes, sink)) return false;
    }
    return true;
  }

  /// Whether the bytes so far end inside a frame.
  bool inside_frame() const { return in_payload_ || header_have_ != 0; }

 private:
  // Takes the next header off `bytes`; null when there is only a part of it, which is kept.
  const char* next_header(std::string_view& bytes) {
    if (header_have_ == 0 && bytes.size() >= protocol::kHeaderBytes) {
      const char* header = bytes.data();
      bytes.remove_prefix(protocol::kHeaderBytes);
      return header;
    }
    const std::size_t take = std::min(bytes.size(), header_.size() - header_have_);
    std::memcpy(header_.data() + header_have_, bytes.data(), take);
    header_have_ += take;
    bytes.remove_prefix(take);
    if (header_have_ < header_.size()) return nullptr;
    header_have_ = 0;
    return header_.data();
  }

  template <typename Sink>
  bool payload(std::string_view& bytes, Sink& sink) {
    const std::size_t take = std::min(bytes.size(), payload_bytes_ - payload_done_);
    if (take != 0) sink.part(payload_done_, bytes.substr(0, take));
    payload_done_ += take;
    bytes.remove_prefix(take);
    if (payload_done_ != payload_bytes_) return true;
    in_payload_ = false;
    return sink.end();
  }

  std::array<char, protocol::kHeaderBytes> header_{};
  std::size_t header_have_ = 0;
  std::size_t payload_bytes_ = 0;
  std::size_t payload_done_ = 0;
  bool in_payload_ = false;
};

}  // namespace phoenix::bench
