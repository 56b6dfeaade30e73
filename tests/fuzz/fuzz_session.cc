// Native requests as a session takes them, fed whole and fed in the pieces that the input itself
// chooses: the same requests and the same end come out, also where values are received in their
// place, where batches end early, and where requests are put back and decoded again.
#include <algorithm>
#include <string>

#include "protocol/binary.h"
#include "tests/fuzz/session_feeder.h"

using namespace phoenix;
using fuzz::check_same;

namespace {

constexpr std::size_t kLongBytesMost = 100'000;
constexpr int kLongMost = 4;

/// Values that are declared longer than the whole input get the bytes that they lack, so that a
/// short input can hold values that are too long for an entry; words get zeros, which are empty
/// words, so that it can hold very many of them.
std::string expand(std::string_view stream) {
  std::string text;
  int longs = 0;
  while (stream.size() >= protocol::kHeaderBytes) {
    protocol::RequestHeader header;
    if (!protocol::decode_header(stream.data(), header).ok()) break;
    const std::size_t before = std::min(header.frame_bytes() - header.value_bytes, stream.size());
    text += stream.substr(0, before);
    stream.remove_prefix(before);
    const std::size_t there = std::min<std::size_t>(header.value_bytes, stream.size() / 2);
    text += stream.substr(0, there);
    stream.remove_prefix(there);
    const std::size_t missing = header.value_bytes - there;
    if (missing > kLongBytesMost || (missing > 0 && longs++ == kLongMost)) break;
    const bool has_words = header.type == static_cast<std::uint8_t>(protocol::Opcode::argv);
    text.append(missing, has_words ? '\0' : 'v');
  }
  return text.append(stream);
}

fuzz::Feeder feeder(bool is_authenticated, bool memory_is_full, std::string_view runs) {
  return {server::Wire::native, is_authenticated, memory_is_full, runs};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto [sizes, rest] = fuzz::take_pieces(fuzz::text_of(data, size));
  const std::string stream = expand(rest);
  const std::string_view pieces = sizes.empty() ? std::string_view("\0", 1) : sizes;
  const auto whole = feeder(true, false, {}).feed(stream, {});
  check_same(whole, feeder(true, false, {}).feed(stream, pieces));
  check_same(whole, feeder(true, false, pieces).feed(stream, pieces));
  check_same(feeder(false, false, {}).feed(stream, {}),
             feeder(false, false, pieces).feed(stream, pieces));
  feeder(true, true, pieces).feed(stream, pieces);
  return 0;
}
