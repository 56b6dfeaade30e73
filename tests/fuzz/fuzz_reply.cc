// Reply frames as a client reads them. What decodes encodes to the same bytes; values hold no more
// items than the bytes pay for, no deeper than allowed.
#include <string>

#include "protocol/binary.h"
#include "tests/fuzz/fuzz.h"

using namespace phoenix::protocol;

namespace {

struct Bounds {
  std::size_t items = 0;
  std::size_t capacity = 0;
  std::uint32_t depth = 0;
};

void measure(const Value& value, std::uint32_t depth, Bounds& bounds) {
  if (value.kind == Kind::list || value.kind == Kind::map) {
    bounds.depth = depth + 1 > bounds.depth ? depth + 1 : bounds.depth;
  }
  bounds.items += value.items.size();
  bounds.capacity += value.items.capacity();
  for (const Value& item : value.items) measure(item, depth + 1, bounds);
}

void check_value(std::string_view frame, const ReplyHeader& header) {
  const std::string_view body = frame.substr(kHeaderBytes + header.key_bytes);
  Value value;
  const DecodeError error = decode_reply_value(header, body, value);
  if (!error.ok()) {
    FUZZ_CHECK(!error.text.empty() && value.items.capacity() == 0);
    return;
  }
  Bounds bounds;
  measure(value, 0, bounds);
  FUZZ_CHECK(bounds.capacity <= body.size() / 5);
  FUZZ_CHECK(bounds.items <= kReplyItemsMax && bounds.depth <= kReplyDepthMax);
  std::string again;
  append_reply(again, header.id, value, header.more_follows);
  if (header.key_bytes == 0) {
    FUZZ_CHECK(again == frame);
  } else {
    FUZZ_CHECK(std::string_view(again).substr(kHeaderBytes) == body);
  }
  if (header.status != Status::ok) return;
  std::string nested;
  append_value(nested, value);
  FUZZ_CHECK(std::string_view(nested).substr(5) == body);
}

void check_frame(std::string_view input) {
  ReplyHeader header;
  const DecodeError error = decode_reply_header(input.data(), header);
  if (!error.ok()) {
    FUZZ_CHECK(!error.text.empty());
    return;
  }
  FUZZ_CHECK(header.key_bytes <= kKeyBytesMax && header.value_bytes <= kReplyBytesMax);
  if (header.frame_bytes() <= input.size()) {
    check_value(input.substr(0, header.frame_bytes()), header);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = phoenix::fuzz::text_of(data, size);
  if (input.size() < kHeaderBytes) return 0;
  check_frame(input);
  // Once more with sizes that fit: a header that lies keeps the fuzzer out of what comes after it.
  std::string mended(input);
  store_le(mended.data() + 8, std::uint32_t{0});
  store_le(mended.data() + 12, static_cast<std::uint32_t>(mended.size() - kHeaderBytes));
  check_frame(mended);
  return 0;
}
