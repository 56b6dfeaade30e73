// RespReader, fed whole and fed in the pieces that the input itself chooses: the same replies and
// the same end come out, within the bounds of depth and count, and its buffer stays within what
// arrived.
#include <algorithm>
#include <string>

#include "protocol/resp.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix::protocol;

namespace {

constexpr std::size_t kReplyBytesLimit = 4096;

struct Seen {
  std::string replies;
  std::size_t taken = 0;  // Bytes of the stream that were replies.
  RespReader::Outcome end = RespReader::Outcome::need_more;
  std::string_view error;
};

/// A text that tells any two values apart.
std::size_t describe(const Value& value, std::string& out) {
  out += std::to_string(static_cast<int>(value.kind)) + "/" +
         std::to_string(static_cast<int>(value.status)) + (value.has_prefix ? "p" : "") +
         std::to_string(value.integer) + ":" + std::to_string(value.bytes.size()) + ":";
  out += value.bytes;
  out += "[";
  std::size_t depth = 0;
  for (const Value& item : value.items) depth = std::max(depth, describe(item, out));
  out += "]";
  return value.items.empty() ? 0 : depth + 1;
}

void drain(RespReader& reader, Seen& seen) {
  Value value;
  for (;;) {
    const std::size_t before = reader.buffered_bytes();
    seen.end = reader.next(value);
    if (seen.end != RespReader::Outcome::frame) break;
    FUZZ_CHECK(reader.buffered_bytes() < before);
    seen.taken += before - reader.buffered_bytes();
    FUZZ_CHECK(describe(value, seen.replies) <= kRespDepthMax);
    FUZZ_CHECK(value.kind != Kind::nil && value.kind != Kind::error);
    if (value.has_prefix) FUZZ_CHECK(error_line(value) == value.bytes);
  }
  seen.error = reader.error().text;
}

Seen feed(std::string_view stream, std::string_view sizes) {
  RespReader reader(kReplyBytesLimit);
  Seen seen;
  std::size_t cut = 0;
  while (!stream.empty()) {
    std::size_t size = sizes.empty() ? RespReader::kReceiveBytes : 1;
    if (!sizes.empty()) size += static_cast<std::uint8_t>(sizes[cut++ % sizes.size()]);
    const std::string_view piece = stream.substr(0, size);
    // After a drain there is room for a whole receive, unless the stream was found to be wrong.
    const bool appended = reader.append(piece);
    FUZZ_CHECK(appended == (seen.end != RespReader::Outcome::malformed));
    if (!appended) break;
    FUZZ_CHECK(reader.capacity_bytes() <= kReplyBytesLimit + RespReader::kReceiveBytes);
    stream.remove_prefix(piece.size());
    drain(reader, seen);
  }
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [sizes, stream] = phoenix::fuzz::take_pieces(phoenix::fuzz::text_of(data, size));
  const Seen whole = feed(stream, {});
  const Seen pieces = feed(stream, sizes.empty() ? std::string_view("\0", 1) : sizes);
  FUZZ_CHECK(whole.replies == pieces.replies);
  FUZZ_CHECK(whole.taken == pieces.taken);
  FUZZ_CHECK(whole.end == pieces.end);
  FUZZ_CHECK(whole.error == pieces.error);
  return 0;
}
