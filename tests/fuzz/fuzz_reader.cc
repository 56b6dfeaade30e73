// FrameReader, fed whole and fed in the pieces that the input itself chooses: the same frames and
// the same end come out, and its buffer stays within what arrived.
#include <string>
#include <vector>

#include "protocol/reader.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix::protocol;

namespace {

constexpr std::size_t kFrameBytesMax = 4096;

struct Seen {
  std::string frames;
  FrameReader::Outcome end = FrameReader::Outcome::need_more;
  std::string_view error;
  std::size_t left = 0;
};

void drain(FrameReader& reader, Seen& seen) {
  ReplyFrame frame;
  while ((seen.end = reader.next(frame)) == FrameReader::Outcome::frame) {
    FUZZ_CHECK(frame.key.size() == frame.header.key_bytes);
    FUZZ_CHECK(frame.value.size() == frame.header.value_bytes);
    seen.frames.resize(seen.frames.size() + kHeaderBytes);
    store_reply_header(seen.frames.data() + seen.frames.size() - kHeaderBytes, frame.header);
    seen.frames += frame.key;
    seen.frames += frame.value;
  }
  seen.error = reader.error().text;
  seen.left = reader.buffered_bytes();
}

Seen feed_whole(std::string_view stream) {
  FrameReader reader(kFrameBytesMax);
  Seen seen;
  // In receives of full size: what the bound of the reader leaves room for at least.
  while (!stream.empty()) {
    const std::string_view piece = stream.substr(0, FrameReader::kReceiveBytes);
    if (!reader.append(piece)) break;
    stream.remove_prefix(piece.size());
    drain(reader, seen);
  }
  return seen;
}

Seen feed_pieces(std::string_view stream, std::string_view sizes) {
  FrameReader reader(kFrameBytesMax);
  Seen seen;
  std::size_t cut = 0;
  while (!stream.empty()) {
    std::size_t size = 1;
    if (!sizes.empty()) size += static_cast<std::uint8_t>(sizes[cut++ % sizes.size()]);
    const std::string_view piece = stream.substr(0, size);
    if (!reader.append(piece)) break;
    FUZZ_CHECK(reader.capacity_bytes() <= kFrameBytesMax + FrameReader::kReceiveBytes);
    stream.remove_prefix(piece.size());
    drain(reader, seen);
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [sizes, stream] = phoenix::fuzz::take_pieces(phoenix::fuzz::text_of(data, size));
  const Seen whole = feed_whole(stream);
  const Seen pieces = feed_pieces(stream, sizes);
  FUZZ_CHECK(whole.frames == pieces.frames);
  const bool may_begin_with_line = stream.starts_with('-');
  if (!may_begin_with_line) {
    FUZZ_CHECK(stream.substr(0, whole.frames.size()) == whole.frames);
  }
  FUZZ_CHECK(whole.end == pieces.end);
  FUZZ_CHECK(whole.error == pieces.error);
  if (whole.end == FrameReader::Outcome::need_more) {
    FUZZ_CHECK(whole.left == pieces.left);
    FUZZ_CHECK(may_begin_with_line || whole.frames.size() + whole.left == stream.size());
  }
  return 0;
}
